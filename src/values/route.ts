/**
 * Addresses, routes, rules and neighbours of a namespace, as observed and as
 * we ask for them. Routes name their link, never its index.
 *
 * Spec: Linux include/uapi/linux/rtnetlink.h, fib_rules.h, neighbour.h.
 * @module
 */
import type { HardwareAddress } from './hardware-address.ts'
import type { IfName } from './if-name.ts'
import type { Cidr } from './cidr.ts'
import type { Family, Ip } from './ip.ts'

/** An address on a link. */
export type LinkAddress = {
  readonly link: IfName
  readonly cidr: Cidr
  readonly scope: 'global' | 'link' | 'host' | 'other'
  /** IFA_F_DADFAILED: duplicate detection found another owner. */
  readonly duplicate: boolean
  /** IFA_F_TENTATIVE: not usable yet. */
  readonly tentative: boolean
}

/** rtm_scope 0, 253, 254. */
export type RouteScope = 'global' | 'link' | 'host'

/** A unicast route. */
export type Route = {
  readonly dst: Cidr
  readonly via: Ip | undefined
  readonly dev: IfName | undefined
  /** Table number; 254 is main, 255 local. */
  readonly table: number
  readonly scope: RouteScope
  readonly src: Ip | undefined
  /** RTA_PRIORITY (metric); undefined leaves it to the kernel. */
  readonly priority: number | undefined
  readonly onlink: boolean
  /** rtm_protocol: 2 kernel, 3 boot, VERBENA_PROTOCOL ours. */
  readonly protocol: number
}

/** A policy rule: which table is looked up for what. */
export type Rule = {
  readonly family: Family
  readonly priority: number | undefined
  readonly from: Cidr | undefined
  readonly to: Cidr | undefined
  /** Mark and mask. */
  readonly fwmark: { readonly mark: number; readonly mask: number } | undefined
  readonly table: number
  readonly protocol: number
}

/** An entry of the neighbour table. */
export type Neighbour = {
  readonly link: IfName
  readonly ip: Ip
  readonly address: HardwareAddress | undefined
  readonly permanent: boolean
}

export const MAIN_TABLE = 254
