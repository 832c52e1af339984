/**
 * What the coordinator's plans are made of: what was seen, the interface's
 * addresses, the pod as it will be.
 * @module
 */
import type { HardwareAddress } from '#values/hardware-address.ts'
import type { IfName } from '#values/if-name.ts'
import type { Ip } from '#values/ip.ts'
import { cidrParts } from '#values/cidr.ts'
import type { Link } from '#values/link.ts'
import type { LinkAddress } from '#values/route.ts'
import type { Step } from '#values/step.ts'
import type { CniResult } from '#wire/cni/result.ts'
import type { CoordinatorConf } from './coordinator-conf.ts'
import { gatewayRoute } from './coordinator-rules.ts'
import type { Sides } from './coordinator-steps.ts'
import { type PodSeen, type PodView, addressesIn, foresee } from './coordinator-view.ts'
import { fail } from './failures.ts'
import type { PluginRequest } from './plugin.ts'

export type CoordinatorSaw = PodSeen & {
  /** The host's end of the pair. */
  readonly hostVeth: Link | undefined
  /** Overlay: the host's end of the first interface. */
  readonly peer: Link | undefined
  readonly hostAddresses: readonly LinkAddress[]
  /** Address the host would use toward each address of the pod. */
  readonly sources: readonly (Ip | undefined)[]
  /** Values of the sysctls that are going to be written, by path. */
  readonly sysctls: Readonly<Record<string, string | undefined>>
  /** For a pair that is to be made. */
  readonly macs: { readonly pod: HardwareAddress; readonly host: HardwareAddress }
}

/** One interface that is to be coordinated. */
export type Coordinating = PluginRequest<CoordinatorConf>

/** What a plan for one interface is made of. */
export type Planning = {
  readonly request: Coordinating
  readonly saw: CoordinatorSaw
  readonly view: PodView
  /** Of the interface. */
  readonly ips: readonly Ip[]
  readonly sides: Sides
  /** The interface's own. */
  readonly table: number
}

/** Through gateways on the interface's own network. */
export function planPolicyRoutes({ conf, netns, ifName }: Coordinating, table: number): Step[] {
  return conf.policyRoutes.map(({ dst, gw }) => {
    const route = gatewayRoute({ dst, via: gw, dev: ifName, table })
    return { do: 'add-route', where: netns, route }
  })
}

/** The pod when this plugin's turn comes. */
export function viewOf({ netns, planned = [] }: Coordinating, saw: PodSeen): PodView {
  return foresee(saw, planned, netns)
}

/** Addresses of the interface: those of prevResult, else what it has in the pod (SLAAC). */
export function ipsOf({ ifName, prevResult }: Coordinating, view: PodView): Ip[] {
  const told = toldIps(prevResult, ifName)
  return told.length > 0 ? told : addressesIn(view, ifName).map((cidr) => cidrParts(cidr).ip)
}

/** Addresses of the interface in a result, and those that name none. */
export function toldIps(result: CniResult | undefined, ifName: IfName): Ip[] {
  const { ips = [], interfaces = [] } = result ?? {}
  return ips
    .filter((ip) => ip.interface === undefined || interfaces[ip.interface]?.name === ifName)
    .map(({ address }) => cidrParts(address).ip)
}

/** @throws {Failure} `plugin-prev-result-missing` */
export function needed(prevResult: CniResult | undefined): CniResult {
  if (prevResult === undefined) throw fail('plugin-prev-result-missing')
  return prevResult
}
