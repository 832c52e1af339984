/**
 * Network links as the kernel shows them, and as we ask it to make them.
 *
 * Spec: Linux include/uapi/linux/if_link.h, if_arp.h.
 * @module
 */
import type { BondMode, BondSettings } from './bond.ts'
import type { HardwareAddress } from './hardware-address.ts'
import type { IfName } from './if-name.ts'
import type { PciAddress } from './pci-address.ts'
import type { Pkey } from './pkey.ts'

/** IPoIB modes, IFLA_IPOIB_MODE 0 and 1. */
export type IpoibMode = 'datagram' | 'connected'
/** macvlan modes, IFLA_MACVLAN_MODE. */
export type MacvlanMode = 'private' | 'vepa' | 'bridge' | 'passthru'
/** ipvlan modes, IFLA_IPVLAN_MODE 0 to 2. All links of one parent share it. */
export type IpvlanMode = 'l2' | 'l3' | 'l3s'

/** Where the parent of a link is looked up: on the host, unless it says the pod. */
export type ParentPlace = { readonly parentIn?: 'host' | 'pod' }

/** What a link is made as, with what its kind needs. */
export type LinkSpec =
  | {
      readonly kind: 'ipoib'
      readonly parent: IfName
      /** The parent's when undefined. The kernel sets the membership bit. */
      readonly pkey: Pkey | undefined
      readonly mode: IpoibMode | undefined
      /** Whether its users may join multicast groups of their own; the kernel's default is no. */
      readonly umcast?: boolean
    }
  | ({
      readonly kind: 'macvlan'
      readonly parent: IfName
      readonly mode: MacvlanMode
      /** IFLA_MACVLAN_BC_QUEUE_LEN in packets; the kernel's own (1000) unless given. */
      readonly bcQueueLength?: number
    } & ParentPlace)
  | ({
      readonly kind: 'ipvlan'
      readonly parent: IfName
      readonly mode: IpvlanMode
    } & ParentPlace)
  | ({ readonly kind: 'vlan'; readonly parent: IfName; readonly id: number } & ParentPlace)
  | {
      readonly kind: 'veth'
      /** The other end, made in the host's namespace under this name. */
      readonly peer: {
        readonly name: IfName
        readonly address: HardwareAddress
        readonly mtu: number
      }
    }

/** What pods share on the host: made once, by whoever comes first, and never taken down. */
export type SharedSpec =
  | { readonly kind: 'vlan'; readonly parent: IfName; readonly id: number }
  | ({
      readonly kind: 'bond'
      /** Links of the host that it joins; one that is in another bond is taken over. */
      readonly ports: readonly IfName[]
      readonly primary: IfName | undefined
    } & BondSettings)

/** What the kernel tells of a link's kind. `other` keeps the kernel's own word for it. */
export type LinkKind =
  | {
      readonly kind: 'ipoib'
      readonly pkey: Pkey
      readonly mode: IpoibMode
      readonly umcast: boolean
    }
  | { readonly kind: 'macvlan'; readonly mode: MacvlanMode | undefined }
  | { readonly kind: 'ipvlan'; readonly mode: IpvlanMode | undefined }
  | { readonly kind: 'vlan'; readonly id: number }
  | { readonly kind: 'bond'; readonly mode: BondMode | undefined }
  | { readonly kind: 'veth' }
  | { readonly kind: 'bridge' }
  | { readonly kind: 'other'; readonly name: string }
  | { readonly kind: 'physical' }

/** A link in one namespace, as observed. */
export type Link = {
  /** Unique in its namespace while the link lives. */
  readonly index: number
  readonly name: IfName
  readonly kind: LinkKind
  /** ARPHRD number: 1 Ethernet, 32 InfiniBand, 772 loopback. */
  readonly arpType: number
  /** Administrative state (IFF_UP). */
  readonly up: boolean
  /** IFF_LOWER_UP: there is a carrier. */
  readonly carrier: boolean
  /** Bytes. */
  readonly mtu: number
  readonly address: HardwareAddress | undefined
  /**
   * IFLA_LINK: index of the link below or of the peer. Don't trust it for a link
   * that was moved: the kernel may then give an index of another namespace.
   */
  readonly parent: number | undefined
  /** IFLA_MASTER: index of the bond or bridge that it is a port of. */
  readonly master: number | undefined
  /** What an administrator asked for (IFF_PROMISC, IFF_ALLMULTI). */
  readonly promiscuous: boolean
  readonly allMulticast: boolean
  /** Packets. */
  readonly txQueueLength: number
  /** IFLA_ALT_IFNAME, up to 127 bytes each; unique in the namespace as names are. */
  readonly altNames: readonly string[]
  /** IFLA_GROUP: 0 unless somebody marked it. */
  readonly group: number
  readonly alias: string | undefined
  /** PCI function the link belongs to (IFLA_PARENT_DEV_NAME); none for virtual links. */
  readonly pci: PciAddress | undefined
}
