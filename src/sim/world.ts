/**
 * A simulated host as plain JSON: what a test or a file says of it, and what
 * `worldOf()` writes. `host` is the initial namespace; others bear a path or
 * the last component of one. A link elsewhere than in `host` is named
 * `NETNS/LINK`.
 * @module
 */
import type { BondMode } from '#values/bond.ts'
import type { IpvlanMode, MacvlanMode } from '#values/link.ts'
import type { NftTable } from '#values/nft.ts'

/** `10.0.0.1/24`, or with what cannot be seen from it. */
export type WorldAddress =
  | string
  | { readonly cidr: string; readonly duplicate?: true; readonly noPrefixRoute?: true }

export type WorldRoute = {
  readonly dst: string
  readonly via?: string
  /** The link it stands at, unless it says another. */
  readonly dev?: string
  readonly table?: number
  readonly src?: string
  readonly scope?: 'global' | 'link' | 'host'
  readonly priority?: number
  readonly onlink?: true
  /** rtm_protocol; 3 (boot) unless given. */
  readonly protocol?: number
}

export type WorldLink = {
  readonly name: string
  /** `physical` unless given; `ipoib` without a parent is the port's own interface. */
  readonly kind?: string
  readonly index?: number
  /** In the same namespace, else in `host`, unless it says `NETNS/LINK`. A veth's peer too. */
  readonly parent?: string
  readonly address?: string
  readonly mtu?: number
  readonly up?: boolean
  readonly pkey?: string | number
  readonly mode?: 'datagram' | 'connected' | MacvlanMode | IpvlanMode | BondMode
  readonly vlanId?: number
  /** Bond or bridge in the same namespace that it is a port of. */
  readonly master?: string
  readonly promiscuous?: boolean
  readonly allMulticast?: boolean
  readonly altNames?: readonly string[]
  readonly driver?: string
  readonly pci?: string
  readonly group?: number
  readonly alias?: string
  readonly txQueueLength?: number
  readonly addrGenMode?: 'eui64' | 'none' | 'random'
  readonly addresses?: readonly WorldAddress[]
  /** Those of {@link addresses} whose prefix route was taken away. */
  readonly withoutPrefixRoute?: readonly string[]
  /** Those that duplicate detection found to be somebody else's. */
  readonly duplicates?: readonly string[]
  readonly routes?: readonly WorldRoute[]
  readonly neighbours?: readonly {
    readonly ip: string
    readonly address?: string
    readonly permanent?: true
  }[]
}

export type WorldRule = {
  readonly family: 4 | 6
  readonly priority?: number
  readonly from?: string
  readonly to?: string
  readonly fwmark?: { readonly mark: number; readonly mask: number }
  readonly table: number
  readonly protocol?: number
}

export type WorldNetns = {
  /** dev:ino of the namespace; made up unless given. */
  readonly id?: string
  readonly links?: readonly WorldLink[]
  /** Path below /proc/sys → value. */
  readonly sysctl?: Readonly<Record<string, string>>
  /** Beside the kernel's own. */
  readonly rules?: readonly WorldRule[]
  readonly nftables?: readonly NftTable[]
}

export type SimWorld = {
  readonly netns: Readonly<Record<string, WorldNetns>>
  readonly rdma?: {
    readonly mode?: 'shared' | 'exclusive'
    readonly devices?: readonly {
      readonly name: string
      readonly pci?: string
      readonly netns?: string
      readonly nodeGuid: string
      /** Table of port 1; `0xffff` alone unless given. */
      readonly pkeys?: readonly (string | number)[]
    }[]
  }
  /**
   * Which physical links share a cable or a fabric. Those that none names share
   * `fabric` (IPoIB) or `lan` (Ethernet).
   */
  readonly wires?: Readonly<
    Record<string, { readonly links: readonly string[]; readonly cut?: boolean }>
  >
  readonly files?: Readonly<Record<string, string>>
  readonly objects?: readonly unknown[]
}
