import { deepEqual, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { parseCniArgs } from '#wire/cni/args.ts'
import { cniErrorOf } from '#wire/cni/error-json.ts'
import { macvlan } from './macvlan.ts'
import { conf } from './macvlan-sample.ts'

const parsed = (over: Record<string, unknown>, args = '') =>
  macvlan.parse({ name: 'net', type: 'macvlan', ...over }, parseCniArgs(args))

for (const { over, args = '', want } of [
  { over: {}, want: { master: undefined } },
  { over: { Master: 'ens1', mode: 'private', MTU: 1400 }, want: { mode: 'private', mtu: 1400 } },
  { over: { master: 'ens1', mac: '02-00-00-00-00-0A' }, want: { mac: '02:00:00:00:00:0a' } },
  {
    over: { master: 'ens1', mac: '02:00:00:00:00:01' },
    args: 'MAC=02:00:00:00:00:02',
    want: { mac: '02:00:00:00:00:02' },
  },
  {
    over: { master: 'ens1', mac: '02:00:00:00:00:01', runtimeConfig: { mac: '02:00:00:00:00:03' } },
    args: 'MAC=02:00:00:00:00:02',
    want: { mac: '02:00:00:00:00:03' },
  },
  {
    over: { master: 'ens1', linkInContainer: true, bcqueuelen: 2000 },
    want: { linkInContainer: true, bcQueueLength: 2000 },
  },
]) {
  test(`parse() of macvlan reads ${JSON.stringify(over)} ${args}`, () => {
    deepEqual(parsed(over, args), { conf: { ...conf, ...want }, warnings: [] })
  })
}

const refusedKeys: { over: Record<string, unknown>; code: number; msg: string }[] = [
  { over: { mode: 'fast' }, code: 7, msg: 'unknown macvlan mode: "fast"' },
  {
    over: { mac: 'xx' },
    code: 7,
    msg: 'invalid args xx for MAC addr: it is not 6, 8 or 20 bytes in hex',
  },
  {
    over: { mac: '02:00:00:00:00:00:00:01' },
    code: 7,
    msg: 'invalid args 02:00:00:00:00:00:00:01 for MAC addr: it is not 6 bytes',
  },
  {
    over: { mtu: '1500' },
    code: 7,
    msg:
      'failed to load netconf: mtu: Invalid value: "1500": ' +
      'must be of type number, it is of type string',
  },
]
for (const { over, code, msg } of refusedKeys) {
  test(`parse() of macvlan answers ${code} to ${JSON.stringify(over)}`, () => {
    throws(
      () => parsed(over),
      (thrown) => {
        deepEqual([cniErrorOf(thrown).code, cniErrorOf(thrown).msg], [code, msg])
        return true
      },
    )
  })
}
