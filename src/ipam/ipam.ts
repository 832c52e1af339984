/**
 * What an IPAM of ours is: it reserves addresses for one attachment and gives
 * them back. Reserving is idempotent by owner; releasing what is not held
 * succeeds. The main plugin puts the addresses on the link; an IPAM never does.
 *
 * Spec: CNI 1.1.0, section 4 (delegated plugins).
 * @module
 */
import type { Failure } from '#values/failure.ts'
import type { Ip } from '#values/ip.ts'
import type { Owner } from '#values/owner.ts'
import type { Addressing, CniVersion } from '#wire/cni/result.ts'
import type { Document } from '#needs/records.ts'

/** One reserved address, as the journal keeps it. */
export type Held =
  | {
      readonly held: 'allocation'
      readonly name: string
      readonly uid: string
      readonly pool: string
    }
  | { readonly held: 'file'; readonly path: string }

/** One attachment that wants addresses. */
export type IpamRequest<Conf> = {
  readonly conf: Conf
  readonly owner: Owner
  readonly cniVersion: CniVersion
  /** Addresses asked for by CNI_ARGS IP, args.cni.ips, runtimeConfig.ips, in that order. */
  readonly requested: readonly string[]
  /** CNI_ARGS as given. */
  readonly args: string
  /** The Pod and its Namespace, where there is a cluster or the lab; selectors look at them. */
  readonly pod: Document | undefined
  readonly namespace: Document | undefined
  /** `namespace/name` of the network object, where the caller knows it. */
  readonly networkRef?: string | undefined
}

/** What was reserved. */
export type Reservation = {
  readonly addressing: Addressing
  readonly held: readonly Held[]
  /** For people: `172.91.0.100 from pool v4-91`. */
  readonly why: readonly string[]
}

/** Whether nobody else may have an address, and whether its gateway must answer. */
export type Probing = { readonly conflict: boolean; readonly gateway: boolean }

export interface Ipam<Conf> {
  /** CNI `ipam.type`. */
  readonly type: string
  /** Reads the whole network configuration: the IPAM's part is its `ipam`. */
  parse(raw: unknown): { readonly conf: Conf; readonly warnings: readonly string[] }
  /** All or nothing. @throws {Failure} `pool-exhausted`, `pool-missing`, ...; holds nothing then */
  reserve(request: IpamRequest<Conf>): Promise<Reservation>
  /**
   * Frees all that this owner holds; with `held` without looking for it first.
   * @returns for people, what is not free all the same, and why: `10.1.0.5 stays with ...`
   */
  release(of: {
    readonly conf: Conf | undefined
    readonly owner: Owner
    readonly held: readonly Held[] | undefined
    /** True in the undo of an ADD that failed: nothing stays with a name that never had it. */
    readonly failed?: boolean
    /** True where that ADD came no further: as if nothing had been given. */
    readonly unused?: boolean
  }): Promise<readonly string[] | void>
  /** What the network is asked before an address is used; nothing where it is not there. */
  probing?(conf: Conf, pod: Document | undefined): Probing
  /** Keeps `ip`, which somebody else has, from being chosen while `holds` says so. */
  shun?(ip: Ip, holds: () => boolean): void
  /** GC: frees what is held for containers that `isGone` tells, where nothing else says so. */
  collect?(conf: Conf, isGone: (containerId: string) => boolean): Promise<void>
  /** What is wrong with the reservation that an earlier ADD made; empty when all is held. */
  check(of: {
    readonly conf: Conf
    readonly owner: Owner
    readonly addressing: Addressing
  }): Promise<Failure[]>
}
