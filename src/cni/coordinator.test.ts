import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { parseCidr } from '#values/cidr.ts'
import { parseIp } from '#values/ip.ts'
import { undoOfAll } from '#values/step.ts'
import { type CoordinatorConf } from './coordinator-conf.ts'
import type { CoordinatorSaw } from './coordinator-planning.ts'
import { coordinator } from './coordinator.ts'
import { stepLines } from './step-lines.ts'
import { later } from './coordinator-later-sample.ts'
import { conf, link, request, resultFor, saw } from './coordinator-sample.ts'

const pair = [
  'link add veth0 kind veth in-place peer veth0123456789a ' +
    '02:00:00:00:00:0b mtu 1500 mtu 1500 address 02:00:00:00:00:0a',
  'link set veth0 up',
  'host: link set veth0123456789a up',
]
const filters = [
  'sysctl net/ipv4/conf/all/rp_filter=0 was 2',
  'sysctl net/ipv4/conf/eth0/rp_filter=0 was -',
  'sysctl net/ipv4/conf/veth0/rp_filter=0 was -',
]
const hostSide = (ip: string) => [
  `host: neigh add ${ip} lladdr 02:00:00:00:00:0a dev veth0123456789a`,
  `host: route add ${ip}/32 dev veth0123456789a table 500 scope link proto 118`,
  `host: rule add pref 1000 to ${ip}/32 lookup 500 proto 118`,
]
const podSide = [
  'neigh add 10.9.0.5 lladdr 02:00:00:00:00:0b dev veth0',
  'neigh add 192.168.7.5 lladdr 02:00:00:00:00:0b dev veth0',
  'route add 10.9.0.5/32 dev veth0 table 254 scope link proto 118',
  'route add 10.9.0.5/32 dev veth0 table 101 scope link proto 118',
  'route add 192.168.7.5/32 dev veth0 table 254 scope link proto 118',
  'route add 192.168.7.5/32 dev veth0 table 101 scope link proto 118',
]
const reply = [
  'nft add verbena',
  'route add 0.0.0.0/0 via 10.9.0.5 dev veth0 table 100 scope global proto 118',
  'rule add pref 1000 fwmark 1/4294967295 lookup 100 proto 118',
]

type Case = {
  does: string
  conf?: Partial<CoordinatorConf>
  saw?: Partial<CoordinatorSaw>
  ips?: string[]
  lines: readonly string[]
}
const first: readonly Case[] = [
  {
    does: 'gives the first interface its way to the host and back',
    lines: [...pair, ...filters, ...hostSide('172.91.0.100'), ...podSide, ...reply],
  },
  {
    does: 'leaves rp_filter alone when told to, and sysctls that are right already',
    conf: { rpFilter: undefined },
    lines: [...pair, ...hostSide('172.91.0.100'), ...podSide, ...reply],
  },
  {
    does: 'leads CIDRs over the host, once each, and policy routes over the interface',
    conf: {
      rpFilter: undefined,
      hijack: ['10.96.0.0/12', '10.97.0.1/12', 'fd00::/8'].map(parseCidr),
      policyRoutes: [{ dst: parseCidr('10.30.0.0/16'), gw: parseIp('172.91.0.1') }],
    },
    lines: [
      ...pair,
      ...hostSide('172.91.0.100'),
      ...podSide,
      'route add 10.96.0.0/12 via 10.9.0.5 dev veth0 table 254 scope global proto 118',
      ...reply,
      'route add 10.30.0.0/16 via 172.91.0.1 dev eth0 table 254 scope global proto 118',
    ],
  },
  {
    does: 'sets queue length, link address and table',
    conf: {
      rpFilter: undefined,
      txQueueLength: 1000,
      vethLinkAddress: parseIp('169.254.0.1'),
      hostTable: 600,
    },
    lines: [
      ...pair,
      'addr add 169.254.0.1/32 dev veth0',
      'link set eth0 txQueueLength 1000',
      ...hostSide('172.91.0.100').map((line) => line.replace('500', '600')),
      ...podSide,
      ...reply,
    ],
  },
  {
    does: 'does without an address of the host of its family',
    conf: { rpFilter: undefined, vethLinkAddress: parseIp('169.254.0.1') },
    saw: { sources: [undefined], sysctls: { 'net/ipv6/conf/all/disable_ipv6': '1' } },
    ips: ['fd00::5/64'],
    lines: [
      ...pair,
      'sysctl net/ipv6/conf/all/disable_ipv6=0 was 1',
      'host: neigh add fd00::5 lladdr 02:00:00:00:00:0a dev veth0123456789a',
      'host: route add fd00::5/128 dev veth0123456789a table 500 scope global proto 118',
      'host: rule add pref 1000 to fd00::5/128 lookup 500 proto 118',
    ],
  },
  { does: 'does nothing when disabled', conf: { mode: 'disabled' }, lines: [] },
]
for (const { does, conf: over = {}, saw: seen = {}, ips = ['172.91.0.100/16'], lines } of first) {
  test(`plan() of coordinator ${does}`, () => {
    const asked = {
      ...request,
      conf: { ...conf, ...over },
      prevResult: resultFor(request.ifName, ips),
    }
    deepEqual(stepLines(coordinator.plan(asked, { ...saw, ...seen })), lines)
  })
}

test('plan() of coordinator can be undone: what hangs on the pair goes with it', () => {
  const undo = stepLines(undoOfAll(coordinator.plan(request, saw)))
  deepEqual(undo, [
    'rule del pref 1000 fwmark 1/4294967295 lookup 100 proto 118',
    'nft del verbena',
    'host: rule del pref 1000 to 172.91.0.100/32 lookup 500 proto 118',
    'sysctl net/ipv4/conf/all/rp_filter=2 was 0',
    'link del veth0 kind veth mark mark-1',
  ])
})

const refusals: {
  when: string
  asked?: Partial<typeof request>
  seen?: Partial<CoordinatorSaw>
  error: string
}[] = [
  {
    when: 'veth0 is there',
    seen: { podLinks: [link] },
    error: 'Cannot make the veth pair of eth0: veth0 exists in the pod',
  },
  {
    when: "the host's end is there",
    seen: { hostVeth: link },
    error: 'Cannot make the veth pair of eth0: veth0123456789a exists on the host',
  },
  {
    when: 'the first interface was not coordinated',
    asked: { ...later, conf: { ...conf, mode: 'underlay' } },
    error: 'Cannot coordinate net1: veth0 is not there, so eth0 was not coordinated',
  },
  {
    when: 'the interface has no address',
    asked: { prevResult: resultFor(request.ifName, []) },
    error: 'Cannot coordinate eth0: prevResult has no address of it',
  },
  {
    when: 'there is no prevResult',
    asked: { prevResult: undefined },
    error: 'required prevResult missing',
  },
  {
    when: 'a sysctl does not exist',
    seen: { sysctls: {} },
    error: 'Cannot set sysctl net/ipv4/conf/all/rp_filter: it does not exist',
  },
]
for (const { when, asked = {}, seen = {}, error } of refusals) {
  test(`plan() of coordinator refuses when ${when}`, () => {
    throws(() => coordinator.plan({ ...request, ...asked }, { ...saw, ...seen }), {
      message: error,
    })
  })
}

test('answer() of coordinator is prevResult as it was', () => {
  equal(coordinator.answer(request, saw), request.prevResult)
})

test('plan() of coordinator reads the addresses of an interface whose result has none', () => {
  const asked = { ...request, prevResult: resultFor(request.ifName, []) }
  const podLinks = [{ ...link, name: request.ifName }]
  const own = { link: request.ifName, duplicate: false, tentative: false }
  const podAddresses = [
    { ...own, cidr: parseCidr('fd00::5/64'), scope: 'global' as const },
    { ...own, cidr: parseCidr('fe80::5/64'), scope: 'link' as const },
  ]
  const sysctls = {
    'net/ipv4/conf/all/rp_filter': '0',
    'net/ipv4/conf/eth0/rp_filter': '0',
    'net/ipv6/conf/all/disable_ipv6': '0',
  }
  const seen = { ...saw, podLinks, podAddresses, sysctls, sources: [undefined] }
  deepEqual(stepLines(coordinator.plan(asked, seen)).slice(-3), [
    'host: neigh add fd00::5 lladdr 02:00:00:00:00:0a dev veth0123456789a',
    'host: route add fd00::5/128 dev veth0123456789a table 500 scope global proto 118',
    'host: rule add pref 1000 to fd00::5/128 lookup 500 proto 118',
  ])
})
