import { deepEqual, equal, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { parseIfName } from '#values/if-name.ts'
import { staticIpam } from './static.ts'

const ipam = staticIpam()
const owner = { pod: undefined, network: 'net', containerId: 'c1', ifName: parseIfName('eth0') }
const TWO = {
  addresses: [
    { address: '10.10.0.1/24', gateway: '10.10.0.254' },
    { address: '3ffe:ffff:0:01ff::1/64' },
  ],
}

async function give(part: object, { args = '', rest = {}, cniVersion = '1.0.0' as const } = {}) {
  const { conf } = ipam.parse({ name: 'net', ...rest, ipam: { type: 'static', ...part } })
  const request = {
    conf,
    owner,
    cniVersion,
    requested: [],
    args,
    pod: undefined,
    namespace: undefined,
  }
  return (await ipam.reserve(request)).addressing
}

const texts = (all: Awaited<ReturnType<typeof give>>): string[] =>
  all.ips.map(({ address, gateway }) => `${address} ${gateway ?? '-'}`)

for (const { does, part = TWO, args, rest, is } of [
  {
    does: 'the addresses of the configuration',
    is: ['10.10.0.1/24 10.10.0.254', '3ffe:ffff:0:1ff::1/64 -'],
  },
  {
    does: 'those of CNI_ARGS after them',
    args: 'IP=10.11.0.5/24,10.12.0.5/24;GATEWAY=10.12.0.1',
    is: [
      '10.10.0.1/24 10.10.0.254',
      '3ffe:ffff:0:1ff::1/64 -',
      '10.11.0.5/24 -',
      '10.12.0.5/24 10.12.0.1',
    ],
  },
  {
    does: 'those of args.cni instead',
    rest: { args: { cni: { ips: ['10.13.0.5/24'] } } },
    args: 'IP=10.11.0.5/24',
    is: ['10.13.0.5/24 -'],
  },
  {
    does: 'those of runtimeConfig above all',
    is: ['10.14.0.5/24 -'],
    rest: { runtimeConfig: { ips: ['10.14.0.5/24'] }, args: { cni: { ips: ['10.13.0.5/24'] } } },
  },
  { does: 'none where there are none', part: {}, is: [] },
]) {
  test(`reserve() of static gives ${does}`, async () => {
    deepEqual(
      texts(await give(part, { ...(args !== undefined && { args }), ...(rest && { rest }) })),
      is,
    )
  })
}

test('reserve() of static gives routes and dns', async () => {
  const { routes, dns } = await give({
    ...TWO,
    routes: [{ dst: '0.0.0.0/0', gw: '10.10.0.254' }],
    dns: { nameservers: ['10.0.0.1'], domain: 'a.b' },
  })
  deepEqual(
    routes.map(({ dst, gw }) => `${dst} ${gw}`),
    ['0.0.0.0/0 10.10.0.254'],
  )
  deepEqual(dns, { nameservers: ['10.0.0.1'], domain: 'a.b', search: [], options: [] })
})

for (const { does, part = {}, options = {}, text } of [
  {
    does: 'an address without prefix length',
    part: { addresses: [{ address: '10.10.0.1' }] },
    text: "the 'address' field is expected to be in CIDR notation, got: '10.10.0.1'",
  },
  {
    does: 'the same in CNI_ARGS',
    options: { args: 'IP=10.10.0.1' },
    text: "the 'ip' field is expected to be in CIDR notation, got: '10.10.0.1'",
  },
  {
    does: 'the same in runtimeConfig',
    options: { rest: { runtimeConfig: { ips: ['x'] } } },
    text: "an entry in the 'ips' field is NOT in CIDR notation, got: 'x'",
  },
  {
    does: 'a gateway that is none',
    options: { args: 'IP=10.10.0.1/24;GATEWAY=here' },
    text: 'invalid gateway address: here',
  },
]) {
  test(`static refuses ${does} in the words of upstream`, async () => {
    await rejects(give(part, options), { message: text })
  })
}

test('static has one address of each family in an old version', async () => {
  const { conf } = ipam.parse({
    ipam: { type: 'static', addresses: [{ address: '10.0.0.1/8' }, { address: '10.0.0.2/8' }] },
  })
  const request = {
    conf,
    owner,
    cniVersion: '0.2.0' as const,
    requested: [],
    args: '',
    pod: undefined,
    namespace: undefined,
  }
  await rejects(ipam.reserve(request), {
    message: 'CNI version 0.2.0 does not support more than 1 address per family',
  })
})

test('check() of static names an address that the result lacks', async () => {
  const { conf } = ipam.parse({ ipam: { type: 'static', ...TWO } })
  const addressing = await give(TWO)
  deepEqual(await ipam.check({ conf, owner, addressing }), [])
  const [fault, ...more] = await ipam.check({
    conf,
    owner,
    addressing: { ...addressing, ips: addressing.ips.slice(0, 1) },
  })
  equal(fault?.message, 'static: Failed to find address added by container c1')
  equal(more.length, 0)
})
