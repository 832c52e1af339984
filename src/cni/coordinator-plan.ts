/**
 * What the coordinator decides: the plan for a pod's first interface, with the
 * veth pair; for a later one, with a table of its own; and for one beside an
 * interface of another network, which leads to the host. Pure.
 * @module
 */
import { shortHash } from '#values/hash.ts'
import { type IfName, parseIfName } from '#values/if-name.ts'
import { type Ip, familyOf } from '#values/ip.ts'
import { MAIN_TABLE } from '#values/route.ts'
import type { Step } from '#values/step.ts'
import type { CoordinatorConf } from './coordinator-conf.ts'
import { partOf, tableOf } from './coordinator-mode.ts'
import { planMac, planNic, planSysctls, planVethFilter } from './coordinator-nic.ts'
import { planHijack, planReplyPath } from './coordinator-over-host.ts'
import { planOverlay } from './coordinator-overlay.ts'
import {
  type CoordinatorSaw,
  type Coordinating,
  type Planning,
  ipsOf,
  planPolicyRoutes,
  viewOf,
} from './coordinator-planning.ts'
import {
  POD_VETH,
  type Pair,
  type Sides,
  planHostSide,
  planPair,
  planPodNeighbours,
  planRoutesToHost,
} from './coordinator-steps.ts'
import { planTune } from './coordinator-tune.ts'
import { linkIn } from './coordinator-view.ts'
import { fail } from './failures.ts'
import { hostIps } from './host-addresses.ts'

/** @throws {Failure} when the interface cannot be coordinated as it is asked */
export function planCoordinator(request: Coordinating, saw: CoordinatorSaw): Step[] {
  const { conf, netns, ifName } = request
  if (conf.mode === 'disabled') return []
  const view = viewOf(request, saw)
  const ips = ipsOf(request, view)
  if (ips.length === 0) throw fail('coordinator-addresses-missing', { ifName })
  const part = partOf(request, view)
  const table = tableOf(part, ifName, view)
  const isOverlay = part === 'overlay' || part === 'overlay-first'
  const byFamily = hostIps(saw.sources, saw.hostAddresses)
  const sides: Sides = {
    netns,
    dev: isOverlay ? conf.firstNic : POD_VETH,
    podIps: ips,
    hostIps: [...new Set(ips.map(familyOf))].flatMap((family) => byFamily.get(family) ?? []),
  }
  const planning = { request, saw, view, ips, sides, table }
  if (part === 'first') return planFirst(planning)
  if (part === 'later') return planLater(planning)
  return part === 'none' ? [] : planOverlay(planning, part)
}

/** First interface: the pair, both sides, and the way back. */
function planFirst({ request, saw, view, ips, sides, table }: Planning): Step[] {
  const { conf, ifName, containerId } = request
  const name = hostVethOf(containerId)
  const taken = [
    { where: 'in the pod', name: POD_VETH, there: linkIn(view, POD_VETH) !== undefined },
    { where: 'on the host', name, there: saw.hostVeth !== undefined },
  ].find(({ there }) => there)
  if (taken !== undefined) {
    throw fail('coordinator-veth-exists', { ifName, name: taken.name, where: taken.where })
  }
  const pair: Pair = { hostName: name, podMac: saw.macs.pod, hostMac: saw.macs.host }
  return [
    ...planPair(request, pair, { ...conf, vethLinkAddress: linkAddress(conf, sides) }),
    ...planNic(request, view),
    ...planMac(request, view, ips),
    ...planSysctls(request, { view, ips, values: saw.sysctls }),
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
function planLater({ request, saw, view, ips, sides, table }: Planning): Step[] {
  const { conf, ifName, containerId } = request
  const podMac = linkIn(view, POD_VETH)?.address
  if (podMac === undefined) {
    throw fail('coordinator-veth-missing', { ifName, name: POD_VETH, first: conf.firstNic })
  }
  return [
    ...planNic(request, view),
    ...planMac(request, view, ips),
    ...planSysctls(request, { view, ips, values: saw.sysctls }),
    ...planHostSide(sides.podIps, { hostName: hostVethOf(containerId), podMac }, conf.hostTable),
    ...planRoutesToHost(sides, [table]),
    ...planHijack(sides, conf.hijack, table),
    ...planTune(request, view, { ips, table }),
    ...planPolicyRoutes(request, table),
  ]
}

/** Characters of the container's id in that name. */
const TOLD = 11

/** Name of the host's end of the pair: told by the container, as the replaced plugin does. */
export function hostVethOf(containerId: string): IfName {
  // a Kubernetes runtime's ids are random hex, whose beginning is enough; others may share theirs
  const tells = containerId.length <= TOLD || /^[0-9a-f]+$/.test(containerId)
  const short = tells ? containerId : shortHash(containerId)
  return parseIfName(`veth${short.slice(0, TOLD)}`)
}

/** Left out where the pod has no address of its family. */
function linkAddress({ vethLinkAddress }: CoordinatorConf, { podIps }: Sides): Ip | undefined {
  if (vethLinkAddress === undefined) return undefined
  const family = familyOf(vethLinkAddress)
  return podIps.some((ip) => familyOf(ip) === family) ? vethLinkAddress : undefined
}
