/**
 * Network links as the kernel shows them, and as we ask it to make them.
 *
 * Spec: Linux include/uapi/linux/if_link.h, if_arp.h.
 * @module
 */
import type { HardwareAddress } from './hardware-address.ts'
import type { IfName } from './if-name.ts'
import type { PciAddress } from './pci-address.ts'
import type { Pkey } from './pkey.ts'

/** IPoIB modes, IFLA_IPOIB_MODE 0 and 1. */
export type IpoibMode = 'datagram' | 'connected'
/** macvlan modes, IFLA_MACVLAN_MODE. */
export type MacvlanMode = 'private' | 'vepa' | 'bridge' | 'passthru'

/** What a link is made as, with what its kind needs. A parent is named in the host's namespace. */
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
  | { readonly kind: 'macvlan'; readonly parent: IfName; readonly mode: MacvlanMode }
  | {
      readonly kind: 'veth'
      /** The other end, made in the host's namespace under this name. */
      readonly peer: {
        readonly name: IfName
        readonly address: HardwareAddress
        readonly mtu: number
      }
    }

/** What the kernel tells of a link's kind. `other` keeps the kernel's own word for it. */
export type LinkKind =
  | {
      readonly kind: 'ipoib'
      readonly pkey: Pkey
      readonly mode: IpoibMode
      readonly umcast: boolean
    }
  | { readonly kind: 'macvlan'; readonly mode: MacvlanMode | undefined }
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
  /** IFLA_GROUP: 0 unless somebody marked it. */
  readonly group: number
  readonly alias: string | undefined
  /** PCI function the link belongs to (IFLA_PARENT_DEV_NAME); none for virtual links. */
  readonly pci: PciAddress | undefined
}
