import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import type { BondSettings } from '#values/bond.ts'
import { Failure } from '#values/failure.ts'
import { parseHardwareAddress } from '#values/hardware-address.ts'
import { parseIfName } from '#values/if-name.ts'
import { parseIp } from '#values/ip.ts'
import type { LinkKind } from '#values/link.ts'
import { type Build, type Case, type Compare, compareAll } from '#test/captures/compare.ts'
import { bytesOfHex, readReplies } from '#test/captures/iproute2.ts'
import { type Attribute, readAttributes } from '#wire/netlink/attribute.ts'
import { readMessages } from '#wire/netlink/message.ts'
import { type KernelLink, IFLA, LINK_MESSAGE, decodeLink } from './link.ts'
import type { KindSpec } from './kind.ts'
import { type LinkChange, encodeAltNames, encodeChangeLink, encodeNewLink } from './link-change.ts'

/**
 * The same attributes in any order; iproute2 6.1 sends IFLA_INFO_KIND without the
 * zero byte, and the kernel takes both.
 */
const compare: Compare = (ours, theirs) => {
  deepEqual(ours.payload.subarray(0, HEAD), theirs.payload.subarray(0, HEAD))
  deepEqual(treeOf(ours.payload), treeOf(theirs.payload))
}

const HEAD = 16
const [KIND, DATA] = [1, 2]

function treeOf(payload: Uint8Array): unknown {
  return byType(payload.subarray(HEAD), ({ type, data }) => {
    if (type !== IFLA.linkInfo) return data.toHex()
    return byType(data, (inner) => {
      if (inner.type === KIND) return new TextDecoder().decode(inner.data).replace(/\0$/, '')
      return inner.type === DATA ? byType(inner.data, (one) => one.data.toHex()) : undefined
    })
  })
}

function byType(bytes: Uint8Array, show: (attribute: Attribute) => unknown): unknown[] {
  const sorted = readAttributes(bytes).toSorted((a, b) => a.type - b.type)
  return sorted.map((attribute) => [attribute.type, show(attribute)])
}

function made(name: string, kind: KindSpec, stacked = true): Case {
  const link = {
    index: 0,
    name: parseIfName(name),
    address: undefined,
    mtu: undefined,
    netnsFd: undefined,
    group: undefined,
  }
  const build: Build = (at) => {
    return encodeNewLink({ ...link, parent: stacked ? at.u32(IFLA.link) : undefined }, kind)
  }
  return { build, compare }
}

function bond(name: string, settings: Partial<BondSettings>): Case {
  const mode = settings.mode ?? 'balance-rr'
  return made(name, { kind: 'bond', options: {}, arpTargets: [], ...settings, mode }, false)
}

const change =
  (what: LinkChange): Build =>
  (at) =>
    encodeChangeLink(at.index, what)

/** Index of the port on the machine of the capture. */
const PRIMARY = 3
const LACP = 'ip link add b0 type bond mode 802.3ad miimon 100 lacp_rate fast'
const ACTIVE = 'type bond mode active-backup'
const WITH_FAILOVER = [
  'fail_over_mac active primary_reselect failure num_grat_arp 3',
  'resend_igmp 2 all_slaves_active 1',
].join(' ')
const MANY = [
  'min_links 1 all_slaves_active 1 fail_over_mac active primary_reselect failure',
  'resend_igmp 2 num_grat_arp 3 packets_per_slave 2 lp_interval 5 tlb_dynamic_lb 1',
  'ad_select bandwidth ad_actor_sys_prio 5 ad_user_port_key 6',
].join(' ')
const CASES: Readonly<Record<string, Case>> = {
  'ip link add link d0 name v0 type vlan id 100': made('v0', { kind: 'vlan', id: 100 }),
  'ip link add link d0 name i1 type ipvlan mode l3': made('i1', { kind: 'ipvlan', mode: 'l3' }),
  'ip link add link d0 name i2 type ipvlan mode l3s': made('i2', { kind: 'ipvlan', mode: 'l3s' }),
  'ip link add link d0 name i0 type ipvlan mode l2': made('i0', { kind: 'ipvlan', mode: 'l2' }),
  'ip link add link a0 name m0 type macvlan mode bridge bcqueuelen 2000': made('m0', {
    kind: 'macvlan',
    mode: 'bridge',
    bcQueueLength: 2000,
  }),
  [`${LACP} xmit_hash_policy layer3+4`]: bond('b0', {
    mode: '802.3ad',
    options: { miimon: 100, lacp_rate: 1, xmit_hash_policy: 1 },
  }),
  [`ip link add b1 ${ACTIVE} miimon 100 updelay 200 downdelay 400`]: bond('b1', {
    mode: 'active-backup',
    options: { miimon: 100, updelay: 200, downdelay: 400 },
  }),
  [`ip link add b2 ${ACTIVE} arp_interval 100 arp_ip_target 10.0.0.1,10.0.0.2 arp_validate all`]:
    bond('b2', {
      mode: 'active-backup',
      options: { arp_interval: 100, arp_validate: 3 },
      arpTargets: [parseIp('10.0.0.1'), parseIp('10.0.0.2')],
    }),
  [`ip link add b5 ${ACTIVE} miimon 100 ${WITH_FAILOVER}`]: bond('b5', {
    mode: 'active-backup',
    options: {
      miimon: 100,
      fail_over_mac: 1,
      primary_reselect: 2,
      num_grat_arp: 3,
      resend_igmp: 2,
      all_slaves_active: 1,
    },
  }),
  [`ip link add b3 type bond mode balance-rr ${MANY}`]: bond('b3', {
    options: {
      min_links: 1,
      all_slaves_active: 1,
      fail_over_mac: 1,
      primary_reselect: 2,
      resend_igmp: 2,
      num_grat_arp: 3,
      packets_per_slave: 2,
      lp_interval: 5,
      tlb_dynamic_lb: 1,
      ad_select: 1,
      ad_actor_sys_prio: 5,
      ad_user_port_key: 6,
    },
  }),
  'ip link set b1 type bond primary d1': {
    build: (at) => encodeChangeLink(at.index, { bondPrimary: PRIMARY }),
    compare,
  },
  'ip link set d1 master b1': (at) => encodeChangeLink(at.index, { master: at.u32(IFLA.master) }),
  'ip link set a0 promisc on': change({ promiscuous: true }),
  'ip link set a0 promisc off': change({ promiscuous: false }),
  'ip link set a0 allmulticast on': change({ allMulticast: true }),
  'ip link set a0 allmulticast off': change({ allMulticast: false }),
  'ip link set a0 txqueuelen 500': change({ txQueueLength: 500 }),
  'ip link set a0 address 02:00:00:00:00:07': change({
    address: parseHardwareAddress('02:00:00:00:00:07'),
  }),
  'ip link property add dev a0 altname other0': (at) => encodeAltNames('add', at.index, ['other0']),
}

for (const [command, one] of Object.entries(CASES)) {
  test(`a link request is that of ${command}`, () => {
    equal(compareAll('iproute2-kinds', 16, { [command]: one }), 1)
  })
}

const replies = readReplies('iproute2-kinds')

/** Payload of the link that a command asked for; other answers tell whose name an index is. */
function payloadOf(name: string): Uint8Array {
  const command = `ip -d link show ${name}`
  const found = replies.find((reply) => reply.command === command)?.received ?? []
  return payloadIn(found, name)
}

function payloadIn(received: readonly string[], name: string): Uint8Array {
  const messages = received.map(bytesOfHex).flatMap(readMessages)
  const payloads = messages.filter(({ type }) => type === LINK_MESSAGE.new).map((m) => m.payload)
  const asked = payloads.findLast((payload) => decodeLink(payload).name === name)
  ok(asked, name)
  return asked
}

const decoded = (name: string): KernelLink => decodeLink(payloadOf(name))

const KINDS: Readonly<Record<string, LinkKind>> = {
  v0: { kind: 'vlan', id: 100 },
  i0: { kind: 'ipvlan', mode: 'l2' },
  i1: { kind: 'ipvlan', mode: 'l3' },
  i2: { kind: 'ipvlan', mode: 'l3s' },
  b0: { kind: 'bond', mode: '802.3ad' },
  b1: { kind: 'bond', mode: 'active-backup' },
  b2: { kind: 'bond', mode: 'active-backup' },
  m0: { kind: 'macvlan', mode: 'bridge' },
}
for (const [name, kind] of Object.entries(KINDS)) {
  test(`decodeLink() reads ${name}, a ${kind.kind}, and nothing of it cut short`, () => {
    const link = decoded(name)
    deepEqual([link.name, link.kind], [name, kind])
    const payload = payloadOf(name)
    for (let length = 0; length < payload.length; length++) {
      try {
        decodeLink(payload.subarray(0, length))
      } catch (thrown) {
        ok(thrown instanceof Failure, String(thrown))
        ok(thrown.code.startsWith('netlink-'), thrown.code)
      }
    }
  })
}

test('decodeLink() reads whose port a link is, and what was set on it', () => {
  const port = decoded('d1')
  equal(port.master, decoded('b1').index)
  const shown = replies.filter(({ command }) => command === 'ip -d link show a0')
  const links = shown.map(({ received }) => decodeLink(payloadIn(received, 'a0')))
  deepEqual(
    links.map((link) => [link.promiscuous, link.allMulticast, link.txQueueLength, link.altNames]),
    [
      [true, false, 1000, []],
      [false, false, 500, ['other0']],
    ],
  )
})
