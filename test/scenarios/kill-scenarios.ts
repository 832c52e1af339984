/**
 * What an agent is killed in the middle of: pods with networks of every plugin
 * and IPAM, alone and together.
 * @module
 */
import type { AnyPlugin } from '#attach/index.ts'
import { parseIfName } from '#values/if-name.ts'
import { parseCidr } from '#values/cidr.ts'
import { parseHardwareAddress } from '#values/hardware-address.ts'
import { parseIp } from '#values/ip.ts'
import type { Step } from '#values/step.ts'
import { COORDINATOR, IPAM, ipoibOn, macvlanOn } from './documents.ts'

export type Scenario = {
  readonly does: string
  /** Plugins of each network of a pod, the default one first. */
  readonly networks: readonly (readonly object[])[]
  /** Gateways of the default route that the pod asks for by its last network. */
  readonly defaultRoute?: readonly string[]
  /** In place of networks: one plugin as a runtime calls it by itself. */
  readonly alone?: { readonly type: string; readonly conf: Readonly<Record<string, unknown>> }
  /** What the pod has in the end beside `lo`. */
  readonly links: readonly string[]
  /** Addresses that are held in the end: allocations, files, keys of other vendors' plugins. */
  readonly held: { readonly allocations: number; readonly files: number; readonly foreign: number }
  /** Another vendor's plugin is in it: it can be undone only while the shim is there. */
  readonly needsShim?: true
  readonly plugins?: readonly AnyPlugin[]
}

const NONE = { allocations: 0, files: 0, foreign: 0 }

/** An address that the configuration says, with a default route of its own. */
const FIXED = {
  type: 'static',
  addresses: [{ address: '10.6.0.5/16', gateway: '10.6.0.1' }],
  routes: [{ dst: '0.0.0.0/0' }],
} as const

/** Addresses that nobody else may have. */
const PROBED = { ...IPAM.both, enableIPConflictDetection: true } as const

/** Changes of a link, of the pod, and of the link's own settings. */
const TUNING = {
  type: 'tuning',
  mtu: 1400,
  promisc: true,
  txQLen: 700,
  sysctl: { 'net.ipv4.conf.all.rp_filter': '0', 'net.ipv4.conf.IFNAME.arp_ignore': '1' },
} as const

export const SCENARIOS: readonly Scenario[] = [
  {
    does: 'macvlan with host-local',
    networks: [[macvlanOn(IPAM.hostLocal)]],
    links: ['eth0'],
    held: { ...NONE, files: 1 },
  },
  {
    does: 'macvlan with spiderpool of both families, and the coordinator',
    networks: [[macvlanOn(IPAM.both), COORDINATOR]],
    links: ['eth0', 'veth0'],
    held: { ...NONE, allocations: 2 },
  },
  {
    does: 'ipoib in place',
    networks: [[ipoibOn(IPAM.spiderpool, 'ib0', { pkey: '0x8001', mtu: 2000 })]],
    links: ['eth0'],
    held: { ...NONE, allocations: 1 },
  },
  {
    does: 'ipoib made and moved',
    networks: [[ipoibOn(IPAM.both, 'ib1')]],
    links: ['eth0'],
    held: { ...NONE, allocations: 2 },
  },
  {
    does: 'two networks in one attach, both coordinated',
    networks: [
      [macvlanOn(IPAM.spiderpool), COORDINATOR],
      [ipoibOn(IPAM.both), COORDINATOR],
    ],
    links: ['eth0', 'net1', 'veth0'],
    held: { ...NONE, allocations: 3 },
  },
  {
    does: 'a default route that moves to the second network',
    networks: [[macvlanOn(IPAM.hostLocal)], [macvlanOn(FIXED)]],
    defaultRoute: ['10.6.0.1'],
    links: ['eth0', 'net1'],
    held: { ...NONE, files: 1 },
  },
  {
    does: "a chain with another vendor's plugin in it",
    networks: [[macvlanOn(IPAM.hostLocal), { type: 'acme-tune' }]],
    links: ['eth0'],
    held: { ...NONE, files: 1, foreign: 1 },
    needsShim: true,
  },
  {
    does: "another vendor's IPAM",
    networks: [[macvlanOn(IPAM.foreign)]],
    links: ['eth0'],
    held: { ...NONE, foreign: 1 },
    needsShim: true,
  },
  {
    does: "the coordinator behind another vendor's main plugin",
    networks: [
      [macvlanOn(IPAM.spiderpool), COORDINATOR],
      [{ type: 'acme-link' }, COORDINATOR],
    ],
    links: ['eth0', 'net1', 'veth0'],
    held: { ...NONE, allocations: 1, foreign: 1 },
    needsShim: true,
  },
  {
    does: 'an interface of the host, tuned, with routes by source',
    networks: [[{ type: 'host-device', device: 'eth2', ipam: IPAM.both }, TUNING, { type: 'sbr' }]],
    links: ['eth0'],
    held: { ...NONE, allocations: 2 },
  },
  {
    does: 'an ipvlan of a VLAN that pods share, and a VLAN in the pod',
    networks: [
      [
        { type: 'ifacer', interfaces: ['eth1'], vlanID: 100 },
        { type: 'ipvlan', master: 'eth1.100', ipam: IPAM.spiderpool },
        TUNING,
      ],
      [{ type: 'vlan', master: 'eth2', vlanId: 7, ipam: IPAM.both }, { type: 'sbr' }],
    ],
    links: ['eth0', 'net1'],
    held: { ...NONE, allocations: 3 },
  },
  {
    does: "tuning of another vendor's interface",
    networks: [[{ type: 'acme-link' }, { ...TUNING, mac: '02:00:00:00:00:99' }]],
    links: ['eth0'],
    held: { ...NONE, foreign: 1 },
    needsShim: true,
  },
  {
    does: 'addresses that are asked for and told, and made into a hardware address',
    networks: [[macvlanOn(PROBED), { ...COORDINATOR, podMACPrefix: '0a:1b' }]],
    links: ['eth0', 'veth0'],
    held: { ...NONE, allocations: 2 },
  },
  {
    does: "an overlay's interface, and one beside it that takes the default route",
    networks: [
      [{ type: 'acme-veth' }],
      [macvlanOn(FIXED), { type: 'coordinator', mode: 'overlay', podDefaultRouteNic: 'net1' }],
    ],
    links: ['eth0', 'net1'],
    held: { ...NONE, foreign: 1 },
    needsShim: true,
  },
  {
    does: 'macvlan by itself',
    networks: [],
    alone: { type: 'macvlan', conf: { master: 'eth1', ipam: IPAM.both } },
    links: ['eth0'],
    held: { ...NONE, allocations: 2 },
  },
  {
    does: "spiderpool as the IPAM of another vendor's plugin",
    networks: [],
    alone: { type: 'spiderpool', conf: { ipam: IPAM.both } },
    links: [],
    held: { ...NONE, allocations: 2 },
  },
  {
    does: "host-local as the IPAM of another vendor's plugin",
    networks: [],
    alone: { type: 'host-local', conf: { ipam: IPAM.hostLocal } },
    links: [],
    held: { ...NONE, files: 1 },
  },
]

const [ETH1, NEIGHBOUR] = [parseIfName('eth1'), parseHardwareAddress('02:00:00:00:00:66')]

/** Steps on a link of the host, which goes nowhere when the attachment goes. */
const ON_THE_HOST: readonly Step[] = [
  { do: 'add-address', where: 'host', link: ETH1, cidr: parseCidr('10.1.5.5/32') },
  { do: 'remove-address', where: 'host', link: ETH1, cidr: parseCidr('10.1.9.9/32') },
  {
    do: 'add-neighbour',
    where: 'host',
    neighbour: { link: ETH1, ip: parseIp('10.1.0.66'), address: NEIGHBOUR, permanent: true },
  },
  {
    do: 'remove-neighbour',
    where: 'host',
    neighbour: {
      link: ETH1,
      ip: parseIp('10.1.0.77'),
      address: parseHardwareAddress('02:00:00:00:00:77'),
      permanent: true,
    },
  },
]

/** A plugin that plans what none of ours does yet: a change of a link that is not its own. */
const hostChanger: AnyPlugin = {
  type: 'host-changer',
  role: 'main',
  parse: () => ({ conf: undefined, warnings: [] }),
  observe: async () => undefined,
  plan: () => [...ON_THE_HOST],
  answer: () => ({
    interfaces: [],
    ips: [],
    routes: [],
    dns: { nameservers: [], domain: undefined, search: [], options: [] },
  }),
  check: async () => [],
  planDetach: () => [],
}

/** For the kinds of step that no plugin of ours plans, in ADD or in its undo. */
export const UNPLANNED: Scenario = {
  does: 'changes of a link of the host',
  networks: [[{ type: 'host-changer' }]],
  links: [],
  held: NONE,
  plugins: [hostChanger],
}
