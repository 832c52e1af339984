/**
 * The few nf_tables rules we need, as values: connection marks for the reply
 * path of a pod with two ways out.
 *
 * Spec: Linux include/uapi/linux/netfilter/nf_tables.h; nft(8).
 * @module
 */
import type { IfName } from './if-name.ts'

/** A rule in nft's own order: matches first, then what is done. */
export type NftRule =
  /** `iifname IF ct state new meta mark set MARK` */
  | { readonly nft: 'mark-new-from'; readonly link: IfName; readonly mark: number }
  /** `meta mark MARK ct mark set meta mark` */
  | { readonly nft: 'save-mark'; readonly mark: number }
  /** `ct mark MARK meta mark set ct mark` */
  | { readonly nft: 'restore-mark'; readonly mark: number }

/** A base chain with its rules. */
export type NftChain = {
  readonly name: string
  /** `filter`, or `route` (looks the route up again when the mark changes). */
  readonly type: 'filter' | 'route'
  readonly hook: 'prerouting' | 'output'
  /** Netfilter priority; -150 is mangle. */
  readonly priority: number
  readonly rules: readonly NftRule[]
}

/** A whole table of family `inet`, made and removed at once. */
export type NftTable = { readonly name: string; readonly chains: readonly NftChain[] }
