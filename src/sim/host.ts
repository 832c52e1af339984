/**
 * State of a simulated host: its namespaces and what is in them, its HCAs and
 * wires. Mutable, and changed by the effects of this folder only. What the
 * kernel derives is derived when asked, not kept: carrier (`carrier.ts`),
 * connected routes (`routes.ts`), defaults of sysctls (`sysctl.ts`).
 * @module
 */
import type { HardwareAddress } from '#values/hardware-address.ts'
import type { Guid } from '#values/guid.ts'
import type { IfName } from '#values/if-name.ts'
import type { Cidr } from '#values/cidr.ts'
import type { LinkKind } from '#values/link.ts'
import type { NftTable } from '#values/nft.ts'
import type { PciAddress } from '#values/pci-address.ts'
import type { Pkey } from '#values/pkey.ts'
import type { Neighbour, Route, Rule } from '#values/route.ts'

/** An address on a link. `connected`: its prefix route was not taken away. */
export type SimAddress = { readonly cidr: Cidr; readonly duplicate: boolean; connected: boolean }

export type SimLink = {
  index: number
  name: IfName
  kind: LinkKind
  /** ARPHRD: 1 Ethernet, 32 InfiniBand, 772 loopback. */
  readonly arpType: number
  up: boolean
  /** Bytes asked for; see `mtuOf()` for the one in effect. */
  mtu: number
  address: HardwareAddress | undefined
  /** The parent, or a veth's peer. */
  below: SimLink | undefined
  /** The bond or bridge that it is a port of. */
  master: SimLink | undefined
  promiscuous: boolean
  allMulticast: boolean
  altNames: readonly string[]
  group: number
  alias: string | undefined
  readonly pci: PciAddress | undefined
  /** Driver of a physical link: `mlx5_core`. */
  readonly driver: string | undefined
  /** Cable or fabric that a physical link is plugged into. */
  readonly wire: string | undefined
  txQueueLength: number
  addrGenMode: 'eui64' | 'none' | 'random'
  netns: SimNetns
  addresses: SimAddress[]
  neighbours: Omit<Neighbour, 'link'>[]
  /** Below conf/NAME: `ipv4/arp_notify`; what was not written has its default. */
  sysctl: Map<string, string>
}

/** A route holds its link, so that a rename cannot break it. */
export type SimRoute = { readonly link: SimLink; readonly route: Route }

export type SimNetns = {
  /** `host`, a path, or a path's last component. */
  readonly name: string
  /** dev:ino. */
  readonly id: string
  links: SimLink[]
  routes: SimRoute[]
  rules: Rule[]
  readonly sysctl: Map<string, string>
  readonly tables: Map<string, NftTable>
}

export type SimRdmaDevice = {
  readonly name: string
  readonly pci: PciAddress | undefined
  readonly netns: string
  readonly nodeGuid: Guid
  /** Table of port 1, membership bits included. */
  pkeys: Pkey[]
}

export type SimHost = {
  readonly sim: 'host'
  readonly netns: Map<string, SimNetns>
  readonly rdma: { readonly mode: 'shared' | 'exclusive'; readonly devices: SimRdmaDevice[] }
  /** Wires without a carrier. */
  readonly cut: Set<string>
  /** Kept as given: what other simulations use. */
  readonly files: Map<string, string>
  readonly objects: readonly unknown[]
  /** Last numbers given: queue pair, hardware address, inode of a namespace. */
  readonly last: { queuePair: number; address: number; inode: number }
}

/** Name of the namespace that the machine started with. */
export const INITIAL = 'host'
