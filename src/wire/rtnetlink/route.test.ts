import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { parseHardwareAddress } from '#values/hardware-address.ts'
import { parseCidr } from '#values/cidr.ts'
import { parseIp } from '#values/ip.ts'
import type { Rule } from '#values/route.ts'
import { type Case, type Compare, compareAll } from '#test/captures/compare.ts'
import {
  type AddressSpec,
  encodeAddAddress,
  encodeDumpAddresses,
  encodeRemoveAddress,
} from './address.ts'
import { encodeRemoveNeighbour, encodeSetNeighbour } from './neighbour.ts'
import { type RouteSpec, encodeAddRoute, encodeRemoveRoute } from './route.ts'
import { encodeAddRule, encodeDumpRules, encodeRemoveRule } from './rule.ts'

const OIF = 4
const STATIC = 4 // RTPROT_STATIC
const BOOT = 3 // RTPROT_BOOT: what iproute2 writes

function address(cidr: string, more: Partial<AddressSpec> = {}): Case {
  return ({ index }) =>
    encodeAddAddress({
      index,
      cidr: parseCidr(cidr),
      scope: 'global',
      broadcast: false,
      nodad: false,
      ...more,
    })
}

const ADDRESSES: Readonly<Record<string, Case>> = {
  'ip addr add 10.1.0.5/24 dev c1': address('10.1.0.5/24'),
  'ip addr add 10.1.1.5/24 brd + dev c1': address('10.1.1.5/24', { broadcast: true }),
  'ip addr add 10.1.2.5/32 dev c1 scope link': address('10.1.2.5/32', { scope: 'link' }),
  'ip addr add fd00:1::5/64 dev c1': address('fd00:1::5/64'),
  'ip addr add fd00:2::5/64 dev c1 nodad': address('fd00:2::5/64', { nodad: true }),
  'ip addr del 10.1.1.5/24 dev c1': ({ index }) =>
    encodeRemoveAddress({ index, cidr: parseCidr('10.1.1.5/24') }),
  'ip addr del fd00:3::5/128 dev c1': ({ index }) =>
    encodeRemoveAddress({ index, cidr: parseCidr('fd00:3::5/128') }),
  'ip addr del 10.9.9.9/24 dev c1': ({ index }) =>
    encodeRemoveAddress({ index, cidr: parseCidr('10.9.9.9/24') }),
  'ip addr show': () => encodeDumpAddresses(),
}

const base = {
  via: undefined,
  index: undefined,
  table: 254,
  scope: 'global',
  src: undefined,
  priority: undefined,
  onlink: false,
  protocol: BOOT,
} as const satisfies Partial<RouteSpec>

function route(dst: string, more: Partial<RouteSpec>, oif = true): Case {
  return (at) =>
    encodeAddRoute({
      ...base,
      dst: parseCidr(dst),
      index: oif ? at.u32(OIF) : undefined,
      ...more,
    })
}

const gone =
  (dst: string): Case =>
  () =>
    encodeRemoveRoute({ ...base, dst: parseCidr(dst), protocol: 0 })
const gateway = { via: parseIp('10.1.0.1') }
const gateway6 = { via: parseIp('fd00:1::1') }

const ROUTES: Readonly<Record<string, Case>> = {
  'ip route add default via 10.1.0.1 dev c1': route('0.0.0.0/0', gateway),
  'ip route add 10.20.0.0/16 via 10.1.0.1': route('10.20.0.0/16', gateway, false),
  'ip route add 10.21.0.0/16 dev c1': route('10.21.0.0/16', { scope: 'link' }),
  'ip route add 10.22.0.0/16 dev c1 scope link src 10.1.0.5': route('10.22.0.0/16', {
    scope: 'link',
    src: parseIp('10.1.0.5'),
  }),
  'ip route add 10.23.0.0/16 via 10.99.0.1 dev c1 onlink': route('10.23.0.0/16', {
    via: parseIp('10.99.0.1'),
    onlink: true,
  }),
  'ip route add 10.24.0.0/16 via 10.1.0.1 dev c1 table 100': route('10.24.0.0/16', {
    ...gateway,
    table: 100,
  }),
  'ip route add 10.25.0.0/16 via 10.1.0.1 dev c1 table 1000 metric 10 proto static': route(
    '10.25.0.0/16',
    { ...gateway, table: 1000, priority: 10, protocol: STATIC },
  ),
  'ip route add 10.30.0.0/16 via inet6 fd00:1::1 dev c1': route('10.30.0.0/16', gateway6),
  'ip route add 10.31.0.1/32 dev c1 scope host': route('10.31.0.1/32', { scope: 'host' }),
  'ip -6 route add default via fd00:1::1 dev c1': route('::/0', gateway6),
  'ip -6 route add fd10::/48 via fd00:1::1 dev c1 metric 9': route('fd10::/48', {
    ...gateway6,
    priority: 9,
  }),
  'ip -6 route add fd11::/48 dev c1': route('fd11::/48', { scope: 'link' }),
  'ip -6 route add fd12::/48 via fe80::1 dev c1 onlink': route('fd12::/48', {
    via: parseIp('fe80::1'),
    onlink: true,
  }),
  'ip route del 10.20.0.0/16': gone('10.20.0.0/16'),
  'ip route del default': gone('0.0.0.0/0'),
  'ip -6 route del fd10::/48': gone('fd10::/48'),
}

function rule(more: Partial<Rule>): Rule {
  return {
    family: 4,
    priority: undefined,
    from: undefined,
    to: undefined,
    fwmark: undefined,
    table: 100,
    protocol: 0,
    ...more,
  }
}

const add =
  (more: Partial<Rule>): Case =>
  () =>
    encodeAddRule(rule(more))
const from5 = parseCidr('10.1.0.5/32')

const RULES: Readonly<Record<string, Case>> = {
  'ip rule add from 10.1.0.5 table 100': add({ from: from5 }),
  'ip rule add from 10.1.0.5/32 table 100 priority 1000': add({ from: from5, priority: 1000 }),
  'ip rule add to 10.20.0.0/16 table 1000 priority 1001': add({
    to: parseCidr('10.20.0.0/16'),
    table: 1000,
    priority: 1001,
  }),
  'ip rule add fwmark 0x10/0xff table 100 priority 1004': add({
    fwmark: { mark: 0x10, mask: 0xff },
    priority: 1004,
  }),
  'ip -6 rule add from fd00:1::5 table 100 priority 1000': add({
    family: 6,
    from: parseCidr('fd00:1::5/128'),
    priority: 1000,
  }),
  'ip rule del priority 1000': () => encodeRemoveRule(rule({ table: 0, priority: 1000 })),
  'ip -6 rule del priority 1000': () =>
    encodeRemoveRule(rule({ family: 6, table: 0, priority: 1000 })),
  'ip rule del from 10.1.0.5 table 100': () => encodeRemoveRule(rule({ from: from5 })),
  'ip rule show': () => encodeDumpRules(4),
}

const LLADDR = parseHardwareAddress('80:00:00:0b:fe:80:00:00:00:00:00:00:00:02:c9:03:00:f0:00:11')
const NEIGHBOURS: Readonly<Record<string, Case>> = {
  [`ip neigh replace 10.1.0.9 lladdr ${LLADDR} nud permanent dev c1`]: ({ index }) =>
    encodeSetNeighbour({ index, ip: parseIp('10.1.0.9'), address: LLADDR, permanent: true }),
  'ip neigh del 10.1.0.9 dev c1': ({ index }) =>
    encodeRemoveNeighbour({ index, ip: parseIp('10.1.0.9') }),
}

for (const { file, head, cases } of [
  { file: 'iproute2-address', head: 8, cases: ADDRESSES },
  { file: 'iproute2-route', head: 12, cases: ROUTES },
  { file: 'iproute2-route', head: 12, cases: RULES },
  { file: 'iproute2-neighbour', head: 12, cases: NEIGHBOURS },
]) {
  for (const [command, one] of Object.entries(cases)) {
    test(`a request is that of ${command}`, () => {
      equal(compareAll(file, head, { [command]: one }) >= 2, true)
    })
  }
}

// Ours bear a protocol number, by which only ours are taken away; `ip rule add` has none to give.
test('encodeAddRule() writes FRA_PROTOCOL behind what iproute2 sends', () => {
  const withProtocol: Compare = (ours, theirs) => {
    deepEqual(ours.payload.subarray(0, theirs.payload.length), theirs.payload)
    equal(ours.payload.subarray(theirs.payload.length).toHex(), '0500150076000000')
  }
  compareAll('iproute2-route', 12, {
    'ip rule add from 10.1.0.5 table 100': {
      build: () => encodeAddRule(rule({ from: from5, protocol: 118 })),
      compare: withProtocol,
    },
  })
})
