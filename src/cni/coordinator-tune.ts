/**
 * Whose routes stay in a pod's main table: those of the interface that keeps
 * the default route. Another's move to a table of their own, which is used for
 * what is sent from its addresses.
 * @module
 */
import type { IfName } from '#values/if-name.ts'
import { type Ip, familyOf } from '#values/ip.ts'
import { cidrParts } from '#values/cidr.ts'
import { VERBENA_PROTOCOL } from '#values/mark.ts'
import { MAIN_TABLE, type Route } from '#values/route.ts'
import type { Step } from '#values/step.ts'
import { freeTable } from './coordinator-mode.ts'
import type { Coordinating } from './coordinator-planning.ts'
import { REPLY, ruleFromFirst, ruleFromPod } from './coordinator-rules.ts'
import { type PodView, addressesIn, linkIn } from './coordinator-view.ts'
import { fail } from './failures.ts'

/**
 * Moves the interface's routes into its own table; or, where the interface is
 * to keep the default route, those of the one that has it.
 * @throws {Failure} `coordinator-route-nic-missing`
 */
export function planTune(
  request: Coordinating,
  view: PodView,
  own: { readonly ips: readonly Ip[]; readonly table: number },
): Step[] {
  const { conf, ifName, siblings = [] } = request
  const { routeNic } = conf
  if (!conf.tunePodRoutes) return []
  const isThere = routeNic !== undefined && linkIn(view, routeNic) !== undefined
  // an interface that the same request is going to make takes the default route in its own turn
  if (routeNic !== undefined && !isThere && !siblings.includes(routeNic)) {
    throw fail('coordinator-route-nic-missing', { ifName, name: routeNic })
  }
  const former = isThere ? formerHolder(view, routeNic) : undefined
  const move = (dev: IfName, ips: readonly Ip[], table: number): Step[] =>
    planMove(request, { ips, table, routes: view.routes.filter((route) => route.dev === dev) })
  if (routeNic === ifName) {
    return former === undefined ? [] : move(former, ipsIn(view, former), own.table)
  }
  const others =
    former === undefined || former === ifName
      ? []
      : move(former, ipsIn(view, former), freeTable(view, own.table + 1))
  return [...move(ifName, own.ips, own.table), ...others]
}

/**
 * What is sent from the first interface's addresses leaves by its own default
 * route, whatever other interfaces bring: a copy of it, with a rule.
 */
export function planFirstCopy({ conf, netns }: Coordinating, view: PodView): Step[] {
  const { firstNic, tunePodRoutes } = conf
  if (!tunePodRoutes) return []
  const copies = defaultsIn(view).filter(({ dev }) => dev === firstNic)
  const families = new Set(copies.map(({ dst }) => familyOf(dst)))
  const ips = ipsIn(view, firstNic).filter((ip) => families.has(familyOf(ip)))
  return [
    ...copies.map((route): Step => ({
      do: 'add-route',
      where: netns,
      route: { ...route, table: REPLY.table, protocol: VERBENA_PROTOCOL },
    })),
    ...ips.map((ip): Step => ({ do: 'add-rule', where: netns, rule: ruleFromFirst(ip) })),
  ]
}

/**
 * Moves routes from the main table. They are there before they leave it, those
 * without gateway first: the kernel looks a gateway up when a route comes.
 */
function planMove(
  { netns }: Coordinating,
  of: { ips: readonly Ip[]; routes: readonly Route[]; table: number },
): Step[] {
  const { ips, table } = of
  const routes = of.routes
    .filter(({ dst, table: from }) => from === MAIN_TABLE && !isLinkLocal(dst))
    .toSorted((a, b) => Number(a.via !== undefined) - Number(b.via !== undefined))
  return [
    ...routes.map((route): Step => {
      const moved = { ...route, table, protocol: VERBENA_PROTOCOL }
      return { do: 'add-route', where: netns, route: moved }
    }),
    ...ips.map((ip): Step => ({ do: 'add-rule', where: netns, rule: ruleFromPod(ip, table) })),
    ...routes.toReversed().map((route): Step => ({ do: 'remove-route', where: netns, route })),
  ]
}

/** Who has a default route now and shall not keep it. */
function formerHolder(view: PodView, keeper: IfName | undefined): IfName | undefined {
  return defaultsIn(view).find(({ dev }) => dev !== keeper)?.dev
}

/** Default routes of the main table, the one that wins first. */
function defaultsIn({ routes }: PodView): Route[] {
  return routes
    .filter(({ dst, table, dev }) => {
      return table === MAIN_TABLE && dev !== undefined && cidrParts(dst).prefix === 0
    })
    .toSorted((a, b) => (a.priority ?? 0) - (b.priority ?? 0))
}

function ipsIn(view: PodView, link: IfName): Ip[] {
  return addressesIn(view, link).map((cidr) => cidrParts(cidr).ip)
}

/** Every IPv6 interface has fe80::/64 and ff00::/8 of its own; they stay. */
function isLinkLocal(dst: Route['dst']): boolean {
  return familyOf(dst) === 6 && /^f(e80|f00)::/.test(dst)
}
