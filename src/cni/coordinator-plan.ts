/**
 * What the coordinator decides: the plan for a pod's first interface, with the
 * veth pair, and for a later one, with a table of its own. Pure.
 * @module
 */
import type { HardwareAddress } from '#values/hardware-address.ts'
import { shortHash } from '#values/hash.ts'
import { type IfName, parseIfName } from '#values/if-name.ts'
import { type Ip, familyOf } from '#values/ip.ts'
import { cidrParts } from '#values/cidr.ts'
import type { Link } from '#values/link.ts'
import { type LinkAddress, MAIN_TABLE, type Route } from '#values/route.ts'
import type { CreateLink, Step } from '#values/step.ts'
import type { CniIp, CniResult } from '#wire/cni/result.ts'
import type { CoordinatorConf } from './coordinator-conf.ts'
import { planHijack, planReplyPath } from './coordinator-over-host.ts'
import { gatewayRoute } from './coordinator-rules.ts'
import {
  POD_VETH,
  type Pair,
  type Sides,
  planHostSide,
  planPair,
  planPodNeighbours,
  planRoutesToHost,
} from './coordinator-steps.ts'
import { planTune, predictRoutes, tableOf } from './coordinator-tune.ts'
import { fail } from './failures.ts'
import { hostIps } from './host-addresses.ts'
import type { PluginRequest } from './plugin.ts'

export type CoordinatorSaw = {
  readonly podLinks: readonly Link[]
  readonly podRoutes: readonly Route[]
  /** The host's end of the pair. */
  readonly hostVeth: Link | undefined
  readonly hostAddresses: readonly LinkAddress[]
  /** Address the host would use toward each address of the pod. */
  readonly sources: readonly (Ip | undefined)[]
  /** Values of {@link sysctlPaths}, by path. */
  readonly sysctls: Readonly<Record<string, string | undefined>>
  /** For a pair that is to be made. */
  readonly macs: { readonly pod: HardwareAddress; readonly host: HardwareAddress }
}

type Request = PluginRequest<CoordinatorConf>

const RP_FILTER = 'net/ipv4/conf/all/rp_filter'
const DISABLE_IPV6 = 'net/ipv6/conf/all/disable_ipv6'

/** First interface: the pair, both sides, and the way back. */
export function planFirst(request: Request, saw: CoordinatorSaw, ips: readonly CniIp[]): Step[] {
  const { conf, ifName, containerId } = request
  const name = hostVethOf(containerId)
  const taken = [
    { where: 'in the pod', name: POD_VETH, link: linkIn(saw.podLinks, POD_VETH) },
    { where: 'on the host', name, link: saw.hostVeth },
  ].find(({ link }) => link !== undefined)
  if (taken !== undefined) {
    throw fail('coordinator-veth-exists', { ifName, name: taken.name, where: taken.where })
  }
  const pair: Pair = { hostName: name, podMac: saw.macs.pod, hostMac: saw.macs.host }
  const sides = sidesOf(request, saw, ips)
  const table = tableOf(ifName, { firstNic: conf.firstNic, linksUp: 0 })
  return [
    ...planPair(request, pair, { ...conf, vethLinkAddress: linkAddress(conf, sides) }),
    ...planNic(request, saw),
    ...planSysctls(request, saw),
    ...planVethFilter(request),
    ...planHostSide(sides.podIps, pair, conf.hostTable),
    ...planPodNeighbours(sides, pair.hostMac),
    ...planRoutesToHost(sides, [MAIN_TABLE, table]),
    ...planHijack(sides, conf.hijack, MAIN_TABLE),
    ...planReplyPath(sides),
    ...planPolicyRoutes(request, MAIN_TABLE),
  ]
}

/** Later interface: its own table, over the pair that the first one made. */
export function planLater(request: Request, saw: CoordinatorSaw, ips: readonly CniIp[]): Step[] {
  const { conf, netns, ifName, containerId, prevResult } = request
  const podMac = linkIn(saw.podLinks, POD_VETH)?.address ?? plannedLink(request, POD_VETH)?.address
  if (podMac === undefined) {
    throw fail('coordinator-veth-missing', { ifName, name: POD_VETH, first: conf.firstNic })
  }
  const sides = sidesOf(request, saw, ips)
  const exists = linkIn(saw.podLinks, ifName) !== undefined
  const up = saw.podLinks.filter((link) => link.up).length + (exists ? 0 : 1)
  const table = tableOf(ifName, { firstNic: conf.firstNic, linksUp: up })
  const routes = exists
    ? saw.podRoutes.filter(({ dev }) => dev === ifName)
    : predictRoutes(needed(prevResult), ips, ifName)
  return [
    ...planNic(request, saw),
    ...planSysctls(request, saw),
    ...planHostSide(sides.podIps, { hostName: hostVethOf(containerId), podMac }, conf.hostTable),
    ...planRoutesToHost(sides, [table]),
    ...planHijack(sides, conf.hijack, table),
    ...(conf.tunePodRoutes ? planTune({ netns, ips, routes, table }) : []),
    ...planPolicyRoutes(request, table),
  ]
}

/** The interface itself: up, where another plugin left it down, and its queue. */
function planNic({ conf, netns, ifName }: Request, saw: CoordinatorSaw): Step[] {
  const isDown = linkIn(saw.podLinks, ifName)?.up === false
  const set = {
    ...(isDown ? { up: true as const } : {}),
    ...(conf.txQueueLength === undefined ? {} : { txQueueLength: conf.txQueueLength }),
  }
  if (Object.keys(set).length === 0) return []
  return [{ do: 'set-link', where: netns, link: ifName, set }]
}

/** Sysctls that are read before they are written: the pod's, and the interface's own. */
export function sysctlPaths({ conf, ifName, prevResult }: Request): string[] {
  const hasIpv6 = (prevResult?.ips ?? []).some(({ address }) => familyOf(address) === 6)
  return [
    ...(conf.rpFilter === undefined ? [] : [RP_FILTER, rpFilterOf(ifName)]),
    ...(hasIpv6 ? [DISABLE_IPV6] : []),
  ]
}

/** The kernel takes the greater of `all` and the interface's, so both are set. */
function planSysctls(request: Request, { sysctls, podLinks }: CoordinatorSaw): Step[] {
  const { conf, netns, ifName } = request
  return sysctlPaths(request).flatMap((path): Step[] => {
    const value = path === DISABLE_IPV6 ? '0' : (conf.rpFilter ?? '')
    const was = sysctls[path]
    const isToCome = path === rpFilterOf(ifName) && linkIn(podLinks, ifName) === undefined
    if (was === undefined && !isToCome) throw fail('coordinator-sysctl-missing', { path })
    return was === value ? [] : [{ do: 'set-sysctl', where: netns, path, value, was }]
  })
}

function planVethFilter({ conf, netns }: Request): Step[] {
  if (conf.rpFilter === undefined) return []
  const path = rpFilterOf(POD_VETH)
  return [{ do: 'set-sysctl', where: netns, path, value: conf.rpFilter, was: undefined }]
}

function rpFilterOf(link: IfName): string {
  return `net/ipv4/conf/${link}/rp_filter`
}

/** Name of the host's end of the pair: told by the container, as the replaced plugin does. */
export function hostVethOf(containerId: string): IfName {
  // a Kubernetes runtime's ids are random hex, whose beginning is enough; others may share theirs
  const short = /^[0-9a-f]{12,}$/.test(containerId) ? containerId : shortHash(containerId)
  return parseIfName(`veth${short.slice(0, 11)}`)
}

function sidesOf({ netns }: Request, saw: CoordinatorSaw, ips: readonly CniIp[]): Sides {
  const podIps = ips.map(({ address }) => cidrParts(address).ip)
  const byFamily = hostIps(saw.sources, saw.hostAddresses)
  const families = new Set(podIps.map(familyOf))
  return { netns, podIps, hostIps: [...families].flatMap((family) => byFamily.get(family) ?? []) }
}

/** Left out where the pod has no address of its family. */
function linkAddress({ vethLinkAddress }: CoordinatorConf, { podIps }: Sides): Ip | undefined {
  if (vethLinkAddress === undefined) return undefined
  const family = familyOf(vethLinkAddress)
  return podIps.some((ip) => familyOf(ip) === family) ? vethLinkAddress : undefined
}

function planPolicyRoutes({ conf, netns, ifName }: Request, table: number): Step[] {
  return conf.policyRoutes.map(({ dst, gw }) => {
    const route = gatewayRoute({ dst, via: gw, dev: ifName, table })
    return { do: 'add-route', where: netns, route }
  })
}

function linkIn(links: readonly Link[], name: IfName): Link | undefined {
  return links.find((link) => link.name === name)
}

/** A link that an attachment of the same request is going to make. */
function plannedLink({ netns, planned = [] }: Request, name: IfName): CreateLink | undefined {
  return planned.find(
    (step): step is CreateLink =>
      step.do === 'create-link' && step.netns === netns && step.name === name,
  )
}

/** Addresses of the interface in a result, and those that name none. */
export function addressesOf(result: CniResult | undefined, ifName: IfName): CniIp[] {
  const { ips = [], interfaces = [] } = result ?? {}
  return ips.filter((ip) => ip.interface === undefined || interfaces[ip.interface]?.name === ifName)
}

/** @throws {Failure} `plugin-prev-result-missing` */
export function needed(prevResult: CniResult | undefined): CniResult {
  if (prevResult === undefined) throw fail('plugin-prev-result-missing')
  return prevResult
}
