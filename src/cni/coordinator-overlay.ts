/**
 * The coordinator's plan for an interface beside one of another network: that
 * first interface, not a veth pair of ours, leads to the host and back.
 * @module
 */
import { familyOf } from '#values/ip.ts'
import { cidrParts } from '#values/cidr.ts'
import { MAIN_TABLE } from '#values/route.ts'
import type { Step } from '#values/step.ts'
import { planMac, planNic, planSysctls } from './coordinator-nic.ts'
import { planHijack } from './coordinator-over-host.ts'
import { type Planning, planPolicyRoutes } from './coordinator-planning.ts'
import { planHostSide, planPodNeighbours, planRoutesToHost } from './coordinator-steps.ts'
import { planFirstCopy, planTune } from './coordinator-tune.ts'
import { type PodView, addressesIn, linkIn } from './coordinator-view.ts'
import { fail } from './failures.ts'

/** @throws {Failure} `coordinator-peer-missing`: the first interface ends nowhere on the host */
export function planOverlay(planning: Planning, part: 'overlay-first' | 'overlay'): Step[] {
  const { request, saw, view, ips, sides, table } = planning
  const { conf, ifName } = request
  const podMac = linkIn(view, conf.firstNic)?.address
  if (saw.peer === undefined || podMac === undefined) {
    throw fail('coordinator-peer-missing', { ifName, first: conf.firstNic })
  }
  const isFirst = part === 'overlay-first'
  // the first leads there for the whole pod; what is sent from its own addresses is in its table
  const tables = isFirst ? [MAIN_TABLE, table] : [table]
  const over = tables.flatMap((one) => planHijack(sides, conf.hijack, one))
  return [
    ...planNic(request, view),
    ...planMac(request, view, ips),
    ...planSysctls(request, { view, ips, values: saw.sysctls }),
    ...planHostSide(sides.podIps, { hostName: saw.peer.name, podMac }, conf.hostTable),
    ...(isFirst ? planFirstSide(planning) : []),
    ...planRoutesToHost(sides, [table]),
    ...over.filter((step) => !isThere(view, step)),
    ...(isFirst ? planFirstCopy(request, view) : []),
    ...planTune(request, view, { ips, table }),
    ...planPolicyRoutes(request, table),
  ]
}

/** What all interfaces of the pod share: the host's addresses by the first interface. */
function planFirstSide({ request, saw, view, sides }: Planning): Step[] {
  const own = addressesIn(view, request.conf.firstNic).map((cidr) => cidrParts(cidr).ip)
  const routes = planRoutesToHost(sides, [MAIN_TABLE]).map((step): Step => {
    if (step.do !== 'add-route') return step
    const { route } = step
    const src = own.find((ip) => familyOf(ip) === 4 && familyOf(route.dst) === 4)
    return { ...step, route: { ...route, src } }
  })
  const address = saw.peer?.address
  return [
    ...(address === undefined ? [] : planPodNeighbours(sides, address)),
    ...routes.filter((step) => !isThere(view, step)),
  ]
}

/** The other network's plugin made such a route already. */
function isThere({ routes }: PodView, step: Step): boolean {
  if (step.do !== 'add-route') return false
  const { dst, via, dev, table } = step.route
  return routes.some((one) => {
    return one.dst === dst && one.via === via && one.dev === dev && one.table === table
  })
}
