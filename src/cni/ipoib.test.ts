import { deepEqual, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { parseGuid } from '#values/guid.ts'
import { parseHardwareAddress } from '#values/hardware-address.ts'
import { parsePkey } from '#values/pkey.ts'
import { NO_DNS } from '#wire/cni/empty-result.ts'
import type { Addressing } from '#wire/cni/result.ts'
import { type IpoibConf, type IpoibSaw, ipoib } from './ipoib.ts'
import { stepLines } from './step-lines.ts'
import { parent, saw, conf, v4, v6, request, mine } from './ipoib-sample.ts'

const down = [
  'sysctl net/ipv4/conf/eth0/proxy_arp=1 was -',
  'sysctl net/ipv4/conf/eth0/arp_notify=1 was -',
]
const v6Settings = [
  'sysctl net/ipv6/conf/eth0/ndisc_notify=1 was -',
  'sysctl net/ipv6/conf/eth0/disable_ipv6=0 was -',
  'sysctl net/ipv6/conf/eth0/keep_addr_on_down=1 was -',
]
const head = ['link add eth0 kind ipoib in-place on ib0', 'link set eth0 addrGenMode random']

const addressed = {
  ...parent,
  address: parseHardwareAddress('80:00:00:48:fe:80:00:00:00:00:00:01:00:02:c9:03:00:f0:00:01'),
}

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
      'addr add 172.91.0.100/16 dev eth0',
      'link set eth0 up',
      'announce 172.91.0.100 dev eth0',
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
      'addr add fd00::5/64 dev eth0',
      'link set eth0 up',
      'announce fd00::5 dev eth0',
      'route add fd10::/32 via fd00::9 dev eth0 table 254 scope global metric 7 proto 118',
    ],
  },
  {
    does: 'chooses the address generation also where nobody asked for IPv6',
    saw: { ipv6Disabled: undefined },
    lines: [...head, ...down, 'link set eth0 up'],
  },
  {
    does: 'moves a child over mlx5_core',
    saw: { driver: 'mlx5_core' },
    lines: [
      'link add vbtemp kind ipoib move on ib0',
      'link rename vbtemp eth0',
      ...head.slice(1),
      ...down,
      'link set eth0 up',
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
    saw: { parent: addressed, guids: [parseGuid('02:00:00:00:00:00:00:01')] },
    lines: [
      'link add eth0 kind ipoib in-place on ib0 mode connected pkey ' +
        '0x8003 address 00:00:00:00:fe:80:00:00:00:00:00:01:02:00:00:00:00:00:00:01',
      'link set eth0 mtu 65520 addrGenMode random',
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
  {
    when: 'there is no master',
    seen: { parent: undefined },
    error: 'failed to lookup master "ib0": Link not found',
  },
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
  {
    when: 'the master is a child from elsewhere',
    seen: { parent: { ...parent, pci: undefined } },
    error: child,
  },
  {
    when: 'the master is down',
    seen: { parent: { ...parent, up: false } },
    error: 'Cannot attach to ib0: it is down',
  },
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

test('plan() of ipoib refuses a GUID that the port does not have', () => {
  const guid = parseGuid('02:00:00:00:00:00:00:01')
  const message =
    'Cannot use GUID 02:00:00:00:00:00:00:01 for a child of ib0: ' +
    'the port has only 00:02:c9:03:00:f0:00:01'
  throws(
    () =>
      ipoib.plan(
        { ...request, conf: { ...conf, guid } },
        { ...saw, guids: [parseGuid('00:02:c9:03:00:f0:00:01')] },
      ),
    { message },
  )
})

test('observe() of ipoib looks at the port only for a P_Key or a GUID', async () => {
  const [own, other] = ['00:02:c9:03:00:f0:00:01', '02:00:00:00:00:00:00:01'].map(parseGuid)
  const address = parseHardwareAddress(`80:00:00:48:fe:80:${'00:'.repeat(6)}${own}`)
  const asked: string[] = []
  const observe = (over: Partial<IpoibConf>): Promise<IpoibSaw> =>
    ipoib.observe(
      { ...request, conf: { ...conf, ...over } },
      {
        link: async (where) => (where === 'host' ? { ...parent, address } : undefined),
        sysctl: async () => '0',
        addresses: async () => [],
        routes: async () => [],
        driverOf: async () => 'ibfake',
        hcaPort: async () => (asked.push('port'), saw.port),
        portGuids: async () => (asked.push('guids'), other === undefined ? [] : [other]),
      },
    )
  deepEqual([(await observe({})).port, asked.splice(0)], [undefined, []])
  deepEqual(
    [(await observe({ pkey: parsePkey('3') })).guids, asked.splice(0)],
    [undefined, ['port']],
  )
  const { guids } = await observe({ guid: parseGuid('02:00:00:00:00:00:00:01') })
  deepEqual(
    [guids, asked],
    [
      [own, other],
      ['port', 'guids'],
    ],
  )
})

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
  deepEqual(told('3'), ['P_Key 0x8003 is not on port 1 of ibfake0 (ib0): waiting until it arrives'])
  deepEqual([told('0x7fff'), told(undefined), told('3', { port: undefined })], [[], [], []])
})

test('planDetach() of ipoib deletes a child of that name, whoever made it', () => {
  const lines = stepLines(ipoib.planDetach({ ...request, conf: undefined }))
  deepEqual(lines, ['link del eth0 kind ipoib mark -'])
})
