import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { parseGuid } from '#values/guid.ts'
import { parseHardwareAddress } from '#values/hardware-address.ts'
import { parseCidr } from '#values/cidr.ts'
import { parseIp } from '#values/ip.ts'
import type { Link } from '#values/link.ts'
import { parsePkey } from '#values/pkey.ts'
import { type IpoibConf, ipoib } from './ipoib.ts'
import { saw, conf, v4, request, mine } from './ipoib-sample.ts'

test('check() of ipoib finds each difference from prevResult, and nothing else', async () => {
  const prevResult = ipoib.answer({ ...request, addressing: v4 }, saw)
  const address = parseHardwareAddress(`${'00:'.repeat(12)}02:00:00:00:00:00:00:01`)
  const link: Link = { ...mine, address }
  const gateway = {
    via: parseIp('172.91.0.1'),
    dev: mine.name,
    table: 101,
    scope: 'global',
  } as const
  const world = {
    link,
    addresses: [
      {
        link: mine.name,
        cidr: parseCidr('172.91.0.100/16'),
        scope: 'global',
        duplicate: false,
        tentative: false,
      },
    ],
    routes: [
      { ...gateway, dst: parseCidr('172.91.0.0/16'), via: undefined },
      { ...gateway, dst: parseCidr('0.0.0.0/0') },
    ].map((one) => ({ ...one, src: undefined, priority: undefined, onlink: false, protocol: 2 })),
  } as const
  type World = {
    link: Link | undefined
    addresses: typeof world.addresses | []
    routes: typeof world.routes | []
  }
  const check = async (over: Partial<World>, asked: Partial<IpoibConf> = {}): Promise<string[]> => {
    const now: World = { ...world, ...over }
    const failures = await ipoib.check(
      { ...request, prevResult, conf: { ...conf, ...asked } },
      {
        link: async () => now.link,
        addresses: async () => now.addresses,
        routes: async () => now.routes,
        sysctl: async () => undefined,
        driverOf: async () => undefined,
        hcaPort: async () => undefined,
        portGuids: async () => [],
      },
    )
    return failures.map(({ message }) => message)
  }
  deepEqual(await check({}), [])
  deepEqual(await check({ link: undefined }), ['Interface eth0 is not in /run/netns/a'])
  deepEqual(await check({ link: { ...link, kind: { kind: 'veth' } } }), [
    'container interface eth0 not of type ipoib',
  ])
  deepEqual(await check({}, { mtu: 4092 }), [])
  deepEqual(await check({}, { mtu: 1500 }), ['Interface eth0 has MTU 2044, not 1500'])
  const asked = {
    pkey: parsePkey('3'),
    mode: 'connected',
    guid: parseGuid('0200000000000002'),
  } as const
  deepEqual(await check({ link: { ...link, up: false } }, asked), [
    'Interface eth0 has state down, not up',
    'Interface eth0 has P_Key 0xffff, not 0x8003',
    'Interface eth0 has mode datagram, not connected',
    'Interface eth0 has GUID 02:00:00:00:00:00:00:01, not 02:00:00:00:00:00:00:02',
  ])
  deepEqual(await check({ addresses: [] }), ['Interface eth0 has no address 172.91.0.100/16'])
  deepEqual(await check({ routes: [] }), [
    'Route to 172.91.0.0/16 is missing in /run/netns/a',
    'Route to 0.0.0.0/0 is missing in /run/netns/a',
  ])
})
