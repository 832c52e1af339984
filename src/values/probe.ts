/**
 * What is asked of a network before an address is used there, and what is said
 * once it is.
 *
 * Spec: RFC 5227 (ARP probes and announcements), RFC 4861 section 7.2.6, RFC 4862.
 * @module
 */
import type { IfName } from './if-name.ts'
import type { Ip } from './ip.ts'
import type { NetnsPath } from './netns.ts'

/** One address that is going to be put on a link. */
export type Probe = {
  readonly ip: Ip
  /** Whether nobody else may have it. */
  readonly conflict: boolean
  /** A gateway that must answer. */
  readonly gateway: Ip | undefined
  /** Pool of the address, for the failure. */
  readonly pool: string | undefined
}

/** Asks, and fails when an answer is not as it must be; changes nothing. */
export type ProbeStep = {
  readonly do: 'probe'
  readonly where: NetnsPath
  /** Up; without a carrier nobody can be asked, and only a gateway is missed. */
  readonly link: IfName
  readonly probes: readonly Probe[]
}

/** Tells neighbours whose addresses these are now, so that what they remember is replaced. */
export type AnnounceStep = {
  readonly do: 'announce'
  readonly where: NetnsPath
  readonly link: IfName
  readonly ips: readonly Ip[]
}

/** How often is asked, and how long each answer is waited for. */
export const PROBING = { tries: 3, waitMs: 100 } as const
