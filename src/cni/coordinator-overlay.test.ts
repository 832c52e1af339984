import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { parseHardwareAddress } from '#values/hardware-address.ts'
import { parseIfName } from '#values/if-name.ts'
import { parseCidr } from '#values/cidr.ts'
import { parseIp } from '#values/ip.ts'
import type { Link } from '#values/link.ts'
import type { LinkAddress, Route } from '#values/route.ts'
import type { CoordinatorConf } from './coordinator-conf.ts'
import type { CoordinatorSaw } from './coordinator-planning.ts'
import { coordinator } from './coordinator.ts'
import { stepLines } from './step-lines.ts'
import { kept, later, laterPlanned, pairedPod } from './coordinator-later-sample.ts'
import { conf, link, request, resultFor, saw } from './coordinator-sample.ts'

const [eth0, net1, net2] = [request.ifName, later.ifName, parseIfName('net2')]
const first: Link = {
  ...link,
  index: 2,
  name: eth0,
  parent: 40,
  address: parseHardwareAddress('02:00:00:00:00:e0'),
}
const peer: Link = {
  ...link,
  index: 40,
  name: parseIfName('cali1'),
  parent: 2,
  address: parseHardwareAddress('02:00:00:00:00:e1'),
}
const own: LinkAddress = {
  link: eth0,
  cidr: parseCidr('10.244.1.7/32'),
  scope: 'global',
  duplicate: false,
  tentative: false,
}
const gateway: Route = {
  ...kept,
  dst: parseCidr('169.254.1.1/32'),
  dev: eth0,
  src: undefined,
  protocol: 3,
}
const way: Route = {
  ...gateway,
  dst: parseCidr('0.0.0.0/0'),
  via: parseIp('169.254.1.1'),
  scope: 'global',
}
/** A pod whose first interface another network made. */
const podLinks = [{ ...link, index: 1, name: parseIfName('lo'), arpType: 772 }, first]
const over: CoordinatorSaw = {
  ...saw,
  podLinks,
  podAddresses: [own],
  podRoutes: [way, gateway],
  peer,
}
const asked = {
  ...later,
  conf: { ...conf, mode: 'overlay', rpFilter: undefined } as CoordinatorConf,
  planned: laterPlanned,
}
const hostSide = [
  'host: neigh add 10.20.0.5 lladdr 02:00:00:00:00:e0 dev cali1',
  'host: route add 10.20.0.5/32 dev cali1 table 500 scope link proto 118',
  'host: rule add pref 1000 to 10.20.0.5/32 lookup 500 proto 118',
]
const firstSide = [
  'neigh add 10.9.0.5 lladdr 02:00:00:00:00:e1 dev eth0',
  'neigh add 192.168.7.5 lladdr 02:00:00:00:00:e1 dev eth0',
  'route add 10.9.0.5/32 dev eth0 src 10.244.1.7 table 254 scope link proto 118',
  'route add 192.168.7.5/32 dev eth0 src 10.244.1.7 table 254 scope link proto 118',
]
const toHost = (table: number) => [
  `route add 10.9.0.5/32 dev eth0 table ${table} scope link proto 118`,
  `route add 192.168.7.5/32 dev eth0 table ${table} scope link proto 118`,
]
const copied = [
  'route add 0.0.0.0/0 via 169.254.1.1 dev eth0 table 100 scope global proto 118',
  'rule add pref 1000 from 10.244.1.7/32 lookup 100 proto 118',
]
const moved = (table: number) => [
  `route add 10.20.0.0/16 dev net1 src 10.20.0.5 table ${table} scope link proto 118`,
  `route add 10.21.0.0/16 via 10.20.0.1 dev net1 table ${table} scope global proto 118`,
  `rule add pref 1001 from 10.20.0.5/32 lookup ${table} proto 118`,
  'route del 10.21.0.0/16 via 10.20.0.1 dev net1 table 254 scope global proto 118',
  'route del 10.20.0.0/16 dev net1 src 10.20.0.5 table 254 scope link proto 2',
]

type Case = {
  does: string
  conf?: Partial<CoordinatorConf>
  saw?: Partial<CoordinatorSaw>
  siblings?: readonly (typeof eth0)[]
  lines: readonly string[]
}
const cases: readonly Case[] = [
  {
    does: 'leads the first over the other network to the host, with table 101',
    lines: [...hostSide, ...firstSide, ...toHost(101), ...copied, ...moved(101)],
  },
  {
    does: 'is chosen by mode auto where there is no pair',
    conf: { mode: 'auto' },
    lines: [...hostSide, ...firstSide, ...toHost(101), ...copied, ...moved(101)],
  },
  {
    does: 'gives the next one table 102, and hijacks there',
    conf: { hijack: [parseCidr('10.96.0.0/12')] },
    saw: {
      podLinks: [...podLinks, { ...link, index: 9, name: net2 }],
      podRoutes: [way, gateway, { ...kept, dev: net2, table: 101, src: undefined }],
    },
    lines: [
      ...hostSide,
      ...toHost(102),
      'route add 10.96.0.0/12 via 10.9.0.5 dev eth0 table 102 scope global proto 118',
      ...moved(102),
    ],
  },
  {
    does: 'hijacks for the whole pod by the first, and adds no route that is there',
    conf: {
      hijack: [parseCidr('10.96.0.0/12'), parseCidr('169.254.0.0/16')],
      tunePodRoutes: false,
    },
    saw: {
      podRoutes: [
        { ...gateway, dst: parseCidr('10.9.0.5/32') },
        { ...way, dst: parseCidr('169.254.0.0/16'), via: parseIp('10.9.0.5') },
      ],
    },
    lines: [
      ...hostSide,
      ...firstSide.filter((line) => !line.startsWith('route add 10.9.0.5/32')),
      ...toHost(101),
      'route add 10.96.0.0/12 via 10.9.0.5 dev eth0 table 254 scope global proto 118',
      'route add 10.96.0.0/12 via 10.9.0.5 dev eth0 table 101 scope global proto 118',
      'route add 169.254.0.0/16 via 10.9.0.5 dev eth0 table 101 scope global proto 118',
    ],
  },
  {
    does: 'leaves the default route to the interface that is named, and moves the former one',
    conf: { routeNic: net1 },
    lines: [
      ...hostSide,
      ...firstSide,
      ...toHost(101),
      ...copied,
      'route add 169.254.1.1/32 dev eth0 table 101 scope link proto 118',
      'route add 0.0.0.0/0 via 169.254.1.1 dev eth0 table 101 scope global proto 118',
      'rule add pref 1001 from 10.244.1.7/32 lookup 101 proto 118',
      'route del 0.0.0.0/0 via 169.254.1.1 dev eth0 table 254 scope global proto 3',
      'route del 169.254.1.1/32 dev eth0 table 254 scope link proto 3',
    ],
  },
  {
    does: 'waits for the interface that is named when the same request makes it',
    conf: { routeNic: net2 },
    siblings: [eth0, net1, net2],
    lines: [...hostSide, ...firstSide, ...toHost(101), ...copied, ...moved(101)],
  },
]
for (const { does, conf: change = {}, saw: seen = {}, siblings = [], lines } of cases) {
  test(`plan() of coordinator in overlay ${does}`, () => {
    const one = { ...asked, conf: { ...asked.conf, ...change }, siblings }
    deepEqual(stepLines(coordinator.plan(one, { ...over, ...seen })), lines)
  })
}

const refusals: {
  when: string
  conf?: Partial<CoordinatorConf>
  ifName?: typeof eth0
  seen?: Partial<CoordinatorSaw>
  error: string
}[] = [
  {
    when: 'it is the first interface',
    ifName: eth0,
    error: "Cannot coordinate eth0 in mode overlay: it is the pod's first interface",
  },
  {
    when: 'there is a pair',
    seen: { podLinks: pairedPod },
    error: 'Cannot coordinate net1 in mode overlay: veth0 is there, so the pod is underlay',
  },
  {
    when: 'the first interface is not there',
    seen: { podLinks: [] },
    error: 'Cannot coordinate net1: eth0 is not in the pod',
  },
  {
    when: 'the first interface ends nowhere',
    seen: { peer: undefined },
    error: 'Cannot coordinate net1 in mode overlay: eth0 has no other end on the host',
  },
  {
    when: 'the interface of the default route is not there',
    conf: { routeNic: net2 },
    error: 'Cannot leave the default route to net2: it is not in the pod of net1',
  },
]
for (const { when, conf: change = {}, ifName = net1, seen = {}, error } of refusals) {
  test(`plan() of coordinator in overlay refuses when ${when}`, () => {
    const prevResult = resultFor(ifName, ['10.20.0.5/16'])
    const one = { ...asked, ifName, prevResult, conf: { ...asked.conf, ...change } }
    throws(() => coordinator.plan(one, { ...over, ...seen }), { message: error })
  })
}

test('a MAC prefix makes the address of the IP, in the plan and in the answer', () => {
  const one = { ...asked, conf: { ...asked.conf, macPrefix: '0a:1b' } }
  deepEqual(stepLines(coordinator.plan(one, over)).slice(0, 2), [
    'link set net1 address 0a:1b:0a:14:00:05',
    'announce 10.20.0.5 dev net1',
  ])
  equal(coordinator.answer(one, over).interfaces[0]?.mac, '0a:1b:0a:14:00:05')
  const six = { ...one, prevResult: resultFor(net1, ['fd00::a14:5/64']) }
  equal(coordinator.answer(six, over).interfaces[0]?.mac, '0a:1b:0a:14:00:05')
})

test('a MAC prefix is taken back from an interface that another plugin made', () => {
  const there = { ...link, index: 9, name: net1 }
  const one = { ...asked, planned: [], conf: { ...asked.conf, macPrefix: '0a:1b' } }
  const [step] = coordinator.plan(one, { ...over, podLinks: [...podLinks, there] })
  deepEqual(step?.do === 'set-link' && step.was, { address: there.address })
})

test('a MAC prefix has no effect on IPoIB, with a warning', () => {
  const child = { ...link, index: 9, name: net1, arpType: 32 }
  const one = { ...asked, planned: [], conf: { ...asked.conf, macPrefix: '0a:1b' } }
  const seen = { ...over, podLinks: [...podLinks, child] }
  deepEqual(stepLines(coordinator.plan(one, seen)).slice(0, 3), hostSide)
  equal(coordinator.answer(one, seen), one.prevResult)
  deepEqual(coordinator.warnings?.(one, seen), [
    'podMACPrefix 0a:1b has no effect on net1: the kernel makes the address of an IPoIB interface',
  ])
})
