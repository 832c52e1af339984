import { deepEqual, equal, throws } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseCniArgs } from '#wire/cni/args.ts'
import { cniErrorOf } from '#wire/cni/error-json.ts'
import { ipoib } from './ipoib.ts'
import { conf } from './ipoib-sample.ts'

const parsed = (over: Record<string, unknown>, args = '') =>
  ipoib.parse({ name: 'net', type: 'ipoib', master: 'ib0', ...over }, parseCniArgs(args))

for (const { over, conf: want } of [
  { over: {}, conf: {} },
  { over: { pkey: 1000 }, conf: { pkey: 0x03e8 } },
  { over: { pkey: '1000' }, conf: { pkey: 0x03e8 } },
  { over: { PKEY: '0x8001' }, conf: { pkey: 0x8001 } },
  { over: { mode: 'connected', mtu: 65520 }, conf: { mode: 'connected', mtu: 65520 } },
  { over: { mtu: 0, mode: '', guid: '', mac: '', pkey: null }, conf: {} },
  { over: { guid: '0200:0000:0000:0001' }, conf: { guid: '02:00:00:00:00:00:00:01' } },
  {
    over: {
      guid: '0x0200000000000001',
      RuntimeConfig: { InfinibandGUID: '02:00:00:00:00:00:00:02' },
    },
    conf: { guid: '02:00:00:00:00:00:00:02' },
  },
  {
    over: { DNS: { NameServers: ['10.0.0.1'] } },
    conf: { dns: { nameservers: ['10.0.0.1'], domain: undefined, search: [], options: [] } },
  },
]) {
  test(`parse() of ipoib reads ${JSON.stringify(over)}`, () => {
    deepEqual(parsed(over), { conf: { ...conf, ...want }, warnings: [] })
  })
}

test('parse() of ipoib reads the configuration of the guide as it is', () => {
  const file = new URL('../../manifests/ipoib-cni.json', import.meta.url)
  deepEqual(ipoib.parse(JSON.parse(readFileSync(file, 'utf8'))), { conf, warnings: [] })
})

test('parse() of ipoib warns of keys that it does not know', () => {
  const protocol = { cniVersion: '1.1.0', capabilities: {}, args: {}, prevResult: {}, ipam: {} }
  const { warnings } = parsed({ ...protocol, 'cni.dev/valid-attachments': [], Vlan: 7 })
  deepEqual(warnings, ['Unknown key Vlan is ignored'])
})

for (const { over, args = '', code, msg } of [
  { over: { master: undefined }, code: 7, msg: 'host master interface is missing' },
  { over: { master: '' }, code: 7, msg: 'host master interface is missing' },
  {
    over: { master: 'abcdefghijklmnop' },
    code: 7,
    msg:
      'failed to load netconf: master: Invalid value: ' +
      '"abcdefghijklmnop": interface name should be less than 16 characters',
  },
  {
    over: { master: 7 },
    code: 7,
    msg:
      'failed to load netconf: master: Invalid value: 7: must ' +
      'be of type string, it is of type integer',
  },
  { over: { ipam: { type: 'dhcp' } }, code: 2, msg: 'ipam dhcp type is not supported' },
  {
    over: { pkey: 0 },
    code: 7,
    msg: 'failed to load netconf: pkey: Invalid value: 0: partition 0 does not exist',
  },
  {
    over: { pkey: '0x8000' },
    code: 7,
    msg: 'failed to load netconf: pkey: Invalid value: "0x8000": partition 0 does not exist',
  },
  {
    over: { pkey: '0x10000' },
    code: 7,
    msg: 'failed to load netconf: pkey: Invalid value: "0x10000": it is not a 16-bit number',
  },
  {
    over: { pkey: true },
    code: 7,
    msg:
      'failed to load netconf: pkey: Invalid value: true: ' +
      'it is neither a decimal nor a 0x number',
  },
  {
    over: { mode: 'fast' },
    code: 7,
    msg:
      'failed to load netconf: mode: Unsupported value: "fast": ' +
      'supported values: "datagram", "connected"',
  },
  {
    over: { mtu: 65521 },
    code: 7,
    msg: 'failed to load netconf: mtu: Invalid value: 65521: must be at most 65520',
  },
  {
    over: { mtu: '2044' },
    code: 7,
    msg:
      'failed to load netconf: mtu: Invalid value: "2044": ' +
      'must be of type number, it is of type string',
  },
  {
    over: { guid: '00:00:00:00:00:00:00:00' },
    code: 7,
    msg: 'failed to load netconf: guid: Invalid value: "00:00:00:00:00:00:00:00": it is zero',
  },
  { over: { mac: '02:00:00:00:00:01' }, code: 2, msg: refusedMac('mac') },
  {
    over: { runtimeConfig: { mac: '02:00:00:00:00:01' } },
    code: 2,
    msg: refusedMac('runtimeConfig.mac'),
  },
  { over: {}, args: 'MAC=02:00:00:00:00:01', code: 2, msg: refusedMac('CNI_ARGS MAC') },
]) {
  test(`parse() of ipoib answers ${code} to ${JSON.stringify(over)} ${args}`, () => {
    throws(
      () => parsed(over, args),
      (thrown) => {
        const error = cniErrorOf(thrown)
        equal(error.msg, msg)
        equal(error.code, code)
        return true
      },
    )
  })
}

function refusedMac(field: string): string {
  return (
    `Cannot use ${field} 02:00:00:00:00:01 with plugin ipoib: an IPoIB ` +
    'address is made by the kernel; guid chooses its last 8 bytes'
  )
}

test('parse() of ipoib tells every fault, the first in the message', () => {
  throws(
    () => parsed({ mtu: -1, pkey: 0 }),
    (thrown) => {
      const { msg, details } = cniErrorOf(thrown)
      equal(msg, 'failed to load netconf: pkey: Invalid value: 0: partition 0 does not exist')
      deepEqual(JSON.parse(details), [
        { field: 'mtu', reason: 'Invalid value: -1: must be at least 0' },
      ])
      return true
    },
  )
})
