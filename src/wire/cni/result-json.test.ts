import { deepEqual, equal, throws } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Failure } from '#values/failure.ts'
import { parseHardwareAddress } from '#values/hardware-address.ts'
import { parseIfName } from '#values/if-name.ts'
import { parseCidr } from '#values/cidr.ts'
import { parseIp } from '#values/ip.ts'
import { cniErrorOf, formatError } from './error-json.ts'
import type { JsonObject } from './conf.ts'
import { encodeResult, formatResult } from './result-json.ts'
import { parseResult, prevResultOf } from './result-parse.ts'
import { EMPTY_RESULT } from './empty-result.ts'
import { CNI_VERSIONS, type CniResult, type CniVersion } from './result.ts'
import { encodeVersions } from './version.ts'

type Example = { section: string; holds: string; version: CniVersion; json: JsonObject }
const file = new URL('../../../test/captures/cni/examples.json', import.meta.url)
const examples: Example[] = JSON.parse(readFileSync(file, 'utf8'))

for (const { section, version, json } of examples.filter(({ holds }) => holds === 'result')) {
  test(`encodeResult() gives back what parseResult() read: ${section}`, () => {
    const text = JSON.stringify(json)
    equal(JSON.stringify(encodeResult(parseResult(text, version), version)), text)
    const prevResult = { ...json, cniVersion: undefined }
    const conf = JSON.parse(JSON.stringify({ cniVersion: version, PrevResult: prevResult }))
    deepEqual(prevResultOf(conf, version), parseResult(text, version))
  })
}

for (const { section, json } of examples.filter(({ holds }) => holds === 'error')) {
  test(`formatError() prints ${section}`, () => {
    const { code, msg, details } = json
    const error = { code: Number(code), msg: String(msg), details: String(details) }
    deepEqual(JSON.parse(formatError(error, '1.1.0')), json)
    equal(formatError({ ...error, details: '' }, '1.1.0').includes('details'), false)
  })
}

const IPOIB_MAC = parseHardwareAddress(
  `80:00:04:8d:fe:80${':00'.repeat(6)}:00:11:22:33:44:55:66:77`,
)
const full: CniResult = {
  interfaces: [
    {
      name: parseIfName('eth0'),
      mac: IPOIB_MAC,
      mtu: 2044,
      sandbox: '/run/netns/a',
      rest: { pciID: '0000:86:00.1', vendor: 'x' },
    },
  ],
  ips: [
    { address: parseCidr('172.91.0.100/16'), gateway: parseIp('172.91.0.1'), interface: 0 },
    { address: parseCidr('172.91.0.101/16'), gateway: undefined, interface: 0 },
    { address: parseCidr('fd00::1/64'), gateway: undefined, interface: 0 },
  ],
  routes: [
    {
      dst: parseCidr('0.0.0.0/0'),
      gw: parseIp('172.91.0.1'),
      mtu: 1400,
      advmss: undefined,
      priority: undefined,
      table: 101,
      scope: undefined,
    },
  ],
  dns: EMPTY_RESULT.dns,
}

for (const { version, json } of [
  {
    version: '0.2.0',
    json: {
      cniVersion: '0.2.0',
      ip4: {
        ip: '172.91.0.100/16',
        gateway: '172.91.0.1',
        routes: [{ dst: '0.0.0.0/0', gw: '172.91.0.1' }],
      },
      ip6: { ip: 'fd00::1/64' },
      dns: {},
    },
  },
  {
    version: '0.3.1',
    json: {
      cniVersion: '0.3.1',
      interfaces: [{ name: 'eth0', mac: IPOIB_MAC, sandbox: '/run/netns/a', vendor: 'x' }],
      ips: [
        { version: '4', interface: 0, address: '172.91.0.100/16', gateway: '172.91.0.1' },
        { version: '4', interface: 0, address: '172.91.0.101/16' },
        { version: '6', interface: 0, address: 'fd00::1/64' },
      ],
      routes: [{ dst: '0.0.0.0/0', gw: '172.91.0.1' }],
      dns: {},
    },
  },
  {
    version: '1.1.0',
    json: {
      cniVersion: '1.1.0',
      interfaces: [
        {
          name: 'eth0',
          mac: IPOIB_MAC,
          mtu: 2044,
          sandbox: '/run/netns/a',
          pciID: '0000:86:00.1',
          vendor: 'x',
        },
      ],
      ips: [
        { interface: 0, address: '172.91.0.100/16', gateway: '172.91.0.1' },
        { interface: 0, address: '172.91.0.101/16' },
        { interface: 0, address: 'fd00::1/64' },
      ],
      routes: [{ dst: '0.0.0.0/0', gw: '172.91.0.1', mtu: 1400, table: 101 }],
    },
  },
] as const) {
  test(`formatResult() converts to ${version}`, () => {
    equal(formatResult(full, version), JSON.stringify(json, undefined, 4))
  })
}

test('encodeResult() refuses 0.1.0 and 0.2.0 for a result without address', () => {
  for (const version of ['0.1.0', '0.2.0'] as const) {
    throws(() => encodeResult(EMPTY_RESULT, version), { message: /^cannot convert: no valid IP/ })
  }
})

test('parseResult() takes nothing and null for an empty result', () => {
  for (const text of ['', ' \n', 'null']) deepEqual(parseResult(text, '1.0.0'), EMPTY_RESULT)
})

test('parseResult() keeps an address of another length as it is', () => {
  const json = {
    interfaces: [
      { name: 'ib0', mac: '00:11:22', mtu: 1 },
      { name: 'x', mac: '' },
    ],
  }
  const result = parseResult(JSON.stringify(json), '1.0.0')
  deepEqual(
    result.interfaces.map(({ mac, rest }) => ({ mac, rest })),
    [
      { mac: undefined, rest: { mac: '00:11:22' } },
      { mac: undefined, rest: {} },
    ],
  )
  const again = {
    cniVersion: '1.0.0',
    interfaces: [{ name: 'ib0', mtu: 1, mac: '00:11:22' }, { name: 'x' }],
  }
  deepEqual(encodeResult(result, '1.0.0'), again)
})

for (const { text, message } of [
  { text: '{"cniVersion":"7.0.0"}', message: 'unsupported CNI result version "7.0.0"' },
  { text: '[]', message: 'Cannot read CNI result: result: it is not an object' },
  {
    text: '{"ips":[{"address":"1.2.3.4"}]}',
    message:
      'Cannot read CNI result: ips[0].address: Cannot parse CIDR 1.2.3.4: it is not ADDRESS/PREFIX',
  },
  {
    text: '{"ips":[{"address":"1.2.3.4/8","interface":"0"}]}',
    message: 'Cannot read CNI result: ips[0].interface: it is not a whole number',
  },
  { text: '{"routes":{}}', message: 'Cannot read CNI result: routes: it is not an array' },
  {
    text: '{"interfaces":[7]}',
    message: 'Cannot read CNI result: interfaces[0]: it is not an object',
  },
  {
    text: '{"dns":{"search":[1]}}',
    message: 'Cannot read CNI result: dns.search: it has an item that is not a string',
  },
]) {
  test(`parseResult() refuses ${text}`, () => {
    throws(() => parseResult(text, '1.0.0'), { message })
  })
}

for (const { version, prevResult, message } of [
  {
    version: '1.0.0',
    prevResult: { cniVersion: '5678.456' },
    message:
      'could not parse prevResult: result type supports [1.0.0 ' +
      '1.1.0] but unmarshalled CNIVersion is "5678.456"',
  },
  {
    version: '0.4.0',
    prevResult: { cniVersion: '1.0.0' },
    message:
      'could not parse prevResult: result type supports [0.3.0 ' +
      '0.3.1 0.4.0] but unmarshalled CNIVersion is "1.0.0"',
  },
  {
    version: '1.0.0',
    prevResult: 7,
    message: 'could not parse prevResult: result: it is not an object',
  },
] as const) {
  test(`prevResultOf() refuses ${JSON.stringify(prevResult)} in ${version}`, () => {
    throws(() => prevResultOf({ prevResult }, version), { message })
  })
}

test('prevResultOf() takes another version of the same shape, and none', () => {
  equal(prevResultOf({ prevResult: { cniVersion: '1.1.0' } }, '1.0.0')?.ips.length, 0)
  equal(prevResultOf({}, '1.0.0'), undefined)
  equal(prevResultOf({ prevResult: null }, '1.0.0'), undefined)
})

test('encodeVersions() names every version', () => {
  deepEqual(JSON.parse(encodeVersions()), { cniVersion: '1.1.0', supportedVersions: CNI_VERSIONS })
})

test('cniErrorOf() tells the detail, else the causes, and 999 for a defect', () => {
  const row = { message: 'Cannot x {a}', retry: 'never', cni: 7, exit: 1, http: 500 } as const
  const cause = new Error('outer', { cause: new Error('inner') })
  const failure = (details: Record<string, unknown>): Failure =>
    new Failure({ code: 'x', details, row, cause })
  deepEqual(cniErrorOf(failure({ a: 1 })), { code: 7, msg: 'Cannot x 1', details: 'outer: inner' })
  deepEqual(cniErrorOf(failure({ more: ['b'] })).details, '["b"]')
  deepEqual(cniErrorOf(new TypeError('boom')), { code: 999, msg: 'boom', details: '' })
  const full = Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' })
  equal(cniErrorOf(full).code, 11, 'what the machine has no more of now is no defect')
})

test('cniErrorOf() bounds what others wrote', () => {
  const { msg, details } = cniErrorOf(new Error('x'.repeat(5_000)))
  equal(msg, `${'x'.repeat(1_024)} … 3976 characters more`)
  equal(details, '')
})
