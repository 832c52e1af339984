import { deepEqual, equal, throws } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseGuid } from '#values/guid.ts'
import { parseHardwareAddress } from '#values/hardware-address.ts'
import { parseIfName } from '#values/if-name.ts'
import { parseCidr, parseIp } from '#values/ip.ts'
import { type Link, VERBENA_GROUP } from '#values/link.ts'
import { parseNetnsPath } from '#values/netns.ts'
import { parsePciAddress } from '#values/pci-address.ts'
import { parsePkey } from '#values/pkey.ts'
import { parseCniArgs } from '#wire/cni/args.ts'
import { cniErrorOf } from '#wire/cni/error-json.ts'
import { type Addressing, NO_DNS } from '#wire/cni/result.ts'
import { type IpoibConf, type IpoibSaw, ipoib } from './ipoib.ts'
import type { PluginRequest } from './plugin.ts'
import { stepLines } from './step-lines.ts'

const parent: Link = {
  index: 3,
  name: parseIfName('ib0'),
  kind: { kind: 'ipoib', pkey: parsePkey('0xffff'), mode: 'datagram', umcast: true },
  arpType: 32,
  up: true,
  carrier: true,
  mtu: 2044,
  address: undefined,
  parent: undefined,
  group: 0,
  alias: undefined,
  pci: parsePciAddress('0000:86:00.0'),
}
const saw: IpoibSaw = {
  existing: undefined,
  ipv6Disabled: '0',
  parent,
  driver: 'ibfake',
  port: { rdmaDevice: 'ibfake0', port: 1, pkeys: [parsePkey('0xffff')] },
}
const conf: IpoibConf = {
  master: parent.name,
  pkey: undefined,
  mode: undefined,
  mtu: undefined,
  guid: undefined,
  dns: undefined,
}
const route = {
  gw: undefined, mtu: undefined, advmss: undefined, priority: undefined, table: undefined,
  scope: undefined,
}
const v4: Addressing = {
  ips: [{ address: parseCidr('172.91.0.100/16'), gateway: parseIp('172.91.0.1'), interface: undefined }],
  routes: [{ ...route, dst: parseCidr('0.0.0.0/0') }],
  dns: NO_DNS,
}
const v6: Addressing = {
  ips: [{ address: parseCidr('fd00::5/64'), gateway: undefined, interface: undefined }],
  routes: [{ ...route, dst: parseCidr('fd10::7/32'), gw: parseIp('fd00::9'), priority: 7 }],
  dns: NO_DNS,
}
const request: PluginRequest<IpoibConf> = {
  conf,
  netns: parseNetnsPath('/run/netns/a'),
  ifName: parseIfName('eth0'),
  containerId: 'c1',
  mark: 'mark-1',
  temp: parseIfName('vbtemp'),
  prevResult: undefined,
  addressing: undefined,
}
const mine: Link = {
  ...parent, name: request.ifName, pci: undefined, group: VERBENA_GROUP, alias: 'mark-1',
}
const down = [
  'sysctl net/ipv4/conf/eth0/proxy_arp=1 was -',
  'sysctl net/ipv4/conf/eth0/arp_notify=1 was -',
]
const v6Settings = [
  'sysctl net/ipv6/conf/eth0/ndisc_notify=1 was -',
  'sysctl net/ipv6/conf/eth0/disable_ipv6=0 was -',
  'sysctl net/ipv6/conf/eth0/keep_addr_on_down=1 was -',
]
const head = [
  'link add vbtemp kind ipoib in-place on ib0',
  'link set vbtemp addrGenMode random',
  'link rename vbtemp eth0',
]

type Case = {
  does: string
  conf?: Partial<IpoibConf>
  saw?: Partial<IpoibSaw>
  addressing?: Addressing
  lines: readonly string[]
}
const plans: readonly Case[] = [
  { does: 'makes a child of layer 2 only', lines: [...head, ...down, 'link set eth0 up'] },
  {
    does: 'addresses it, the default route through the gateway of the address',
    addressing: v4,
    lines: [
      ...head,
      ...down,
      'link set eth0 up',
      'addr add 172.91.0.100/16 dev eth0',
      'route add 0.0.0.0/0 via 172.91.0.1 dev eth0 table 254 scope global proto 118',
    ],
  },
  {
    does: 'turns IPv6 on where loopback has it off, and keeps the network of a route',
    addressing: v6,
    saw: { ipv6Disabled: '1' },
    lines: [
      ...head,
      'sysctl net/ipv6/conf/lo/disable_ipv6=0 was 1',
      ...down,
      ...v6Settings,
      'link set eth0 up',
      'addr add fd00::5/64 dev eth0',
      'route add fd10::/32 via fd00::9 dev eth0 table 254 scope global metric 7 proto 118',
    ],
  },
  {
    does: 'leaves the address generation alone on a kernel without IPv6',
    saw: { ipv6Disabled: undefined },
    lines: [head[0] ?? '', head[2] ?? '', ...down, 'link set eth0 up'],
  },
  {
    does: 'moves a child over mlx5_core',
    saw: { driver: 'mlx5_core' },
    lines: [
      'link add vbtemp kind ipoib move on ib0', ...head.slice(1), ...down, 'link set eth0 up',
    ],
  },
  {
    does: 'sets the membership bit, mode, MTU and GUID',
    conf: {
      pkey: parsePkey('0x0003'),
      mode: 'connected',
      mtu: 65520,
      guid: parseGuid('02:00:00:00:00:00:00:01'),
    },
    lines: [
      `link add vbtemp kind ipoib in-place on ib0 mode connected pkey 0x8003 address ${'00:'.repeat(12)}02:00:00:00:00:00:00:01`,
      'link set vbtemp mtu 65520 addrGenMode random',
      'link rename vbtemp eth0',
      ...down,
      'link set eth0 up',
    ],
  },
  {
    does: 'first deletes what this attachment left under the name',
    saw: { existing: mine },
    lines: ['link del vbtemp|eth0 kind ipoib mark mark-1', ...head, ...down, 'link set eth0 up'],
  },
]
for (const { does, conf: over = {}, saw: seen = {}, addressing, lines } of plans) {
  test(`plan() of ipoib ${does}`, () => {
    const asked = { ...request, conf: { ...conf, ...over }, addressing }
    deepEqual(stepLines(ipoib.plan(asked, { ...saw, ...seen })), lines)
  })
}

const child = 'Cannot make an IPoIB child of ib0: it is a child itself'
for (const { when, seen, error } of [
  { when: 'there is no master', seen: { parent: undefined }, error: 'failed to lookup master "ib0": Link not found' },
  {
    when: 'the master is Ethernet',
    seen: { parent: { ...parent, kind: { kind: 'physical' } } },
    error: 'master device is (device) not of type ipoib',
  },
  {
    when: 'the master is a bond',
    seen: { parent: { ...parent, kind: { kind: 'other', name: 'bond' } } },
    error: 'master device is (bond) not of type ipoib',
  },
  { when: 'the master is a child', seen: { parent: { ...parent, parent: 9 } }, error: child },
  { when: 'the master is a child from elsewhere', seen: { parent: { ...parent, pci: undefined } }, error: child },
  { when: 'the master is down', seen: { parent: { ...parent, up: false } }, error: 'Cannot attach to ib0: it is down' },
  {
    when: 'the name is taken',
    seen: { existing: { ...mine, alias: 'mark-2' } },
    error: 'failed to rename interface to "eth0": file exists',
  },
] satisfies { when: string; seen: Partial<IpoibSaw>; error: string }[]) {
  test(`plan() of ipoib refuses when ${when}`, () => {
    throws(() => ipoib.plan(request, { ...saw, ...seen }), { message: error })
  })
}

test('plan() of ipoib refuses an IPAM that gave no address', () => {
  const addressing = { ...v4, ips: [] }
  const message = 'IPAM plugin returned missing IP config'
  throws(() => ipoib.plan({ ...request, addressing }, saw), { message })
})

test('answer() of ipoib leaves the address to the kernel', () => {
  const dns = { ...NO_DNS, nameservers: ['10.0.0.1'] }
  const asked = { ...request, addressing: v4, conf: { ...conf, mtu: 2044, dns } }
  deepEqual(ipoib.answer(asked, saw), {
    interfaces: [{ name: 'eth0', mac: undefined, mtu: 2044, sandbox: '/run/netns/a', rest: {} }],
    ips: [{ address: '172.91.0.100/16', gateway: '172.91.0.1', interface: 0 }],
    routes: v4.routes,
    dns,
  })
})

test('warnings() of ipoib tell a P_Key that the port waits for, and no other', () => {
  const told = (pkey: string | undefined, seen: Partial<IpoibSaw> = {}): readonly string[] => {
    const asked = { ...conf, pkey: pkey === undefined ? undefined : parsePkey(pkey) }
    return ipoib.warnings?.({ ...request, conf: asked }, { ...saw, ...seen }) ?? []
  }
  deepEqual(told('3'), [
    'P_Key 0x8003 is not on port 1 of ibfake0 (ib0): waiting until it arrives',
  ])
  deepEqual([told('0x7fff'), told(undefined), told('3', { port: undefined })], [[], [], []])
})

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
    over: { guid: '0x0200000000000001', RuntimeConfig: { InfinibandGUID: '02:00:00:00:00:00:00:02' } },
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
    msg: 'failed to load netconf: master: Invalid value: "abcdefghijklmnop": interface name should be less than 16 characters',
  },
  {
    over: { master: 7 },
    code: 7,
    msg: 'failed to load netconf: master: Invalid value: 7: must be of type string, it is of type number',
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
    msg: 'failed to load netconf: pkey: Invalid value: true: it is neither a decimal nor a 0x number',
  },
  {
    over: { mode: 'fast' },
    code: 7,
    msg: 'failed to load netconf: mode: Unsupported value: "fast": supported values: "datagram", "connected"',
  },
  { over: { mtu: 65521 }, code: 7, msg: 'failed to load netconf: mtu: Invalid value: 65521: must be at most 65520' },
  {
    over: { mtu: '2044' },
    code: 7,
    msg: 'failed to load netconf: mtu: Invalid value: "2044": must be of type number, it is of type string',
  },
  {
    over: { guid: '00:00:00:00:00:00:00:00' },
    code: 7,
    msg: 'failed to load netconf: guid: Invalid value: "00:00:00:00:00:00:00:00": it is zero',
  },
  { over: { mac: '02:00:00:00:00:01' }, code: 2, msg: refusedMac('mac') },
  { over: { runtimeConfig: { mac: '02:00:00:00:00:01' } }, code: 2, msg: refusedMac('runtimeConfig.mac') },
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
  return `Cannot use ${field} 02:00:00:00:00:01 with plugin ipoib: an IPoIB address is made by the kernel; guid chooses its last 8 bytes`
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

test('planDetach() of ipoib deletes a child of that name, whoever made it', () => {
  const lines = stepLines(ipoib.planDetach({ ...request, conf: undefined }))
  deepEqual(lines, ['link del eth0 kind ipoib mark -'])
})

test('check() of ipoib finds nothing where all is as prevResult says, and each difference', async () => {
  const prevResult = ipoib.answer({ ...request, addressing: v4 }, saw)
  const address = parseHardwareAddress(`${'00:'.repeat(12)}02:00:00:00:00:00:00:01`)
  const link: Link = { ...mine, address }
  const gateway = { via: parseIp('172.91.0.1'), dev: mine.name, table: 101, scope: 'global' } as const
  const world = {
    link,
    addresses: [
      {
        link: mine.name, cidr: parseCidr('172.91.0.100/16'), scope: 'global', duplicate: false,
        tentative: false,
      },
    ],
    routes: [
      { ...gateway, dst: parseCidr('172.91.0.0/16'), via: undefined },
      { ...gateway, dst: parseCidr('0.0.0.0/0') },
    ].map((one) => ({ ...one, src: undefined, priority: undefined, onlink: false, protocol: 2 })),
  } as const
  type World = { link: Link | undefined; addresses: typeof world.addresses | []; routes: typeof world.routes | [] }
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
      },
    )
    return failures.map(({ message }) => message)
  }
  deepEqual(await check({}), [])
  deepEqual(await check({ link: undefined }), ['Interface eth0 is not in /run/netns/a'])
  deepEqual(await check({ link: { ...link, kind: { kind: 'veth' } } }), [
    'container interface eth0 not of type ipoib',
  ])
  const asked = { pkey: parsePkey('3'), mode: 'connected', guid: parseGuid('0200000000000002') } as const
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
