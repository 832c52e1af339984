/**
 * Routes of an interface as they will be when a plan's turn comes: those that are
 * there, and what the steps before add, take away, and bring with addresses.
 *
 * Spec: Linux net/ipv4/fib_frontend.c, net/ipv6/addrconf.c: an address brings the
 * route of its network, IPv4 of one prefix once.
 * @module
 */
import { cidrParts, networkOf } from '#values/cidr.ts'
import type { IfName } from '#values/if-name.ts'
import { bitsOf } from '#values/ip.ts'
import type { NetnsPath } from '#values/netns.ts'
import { MAIN_TABLE, type Route } from '#values/route.ts'
import type { Step } from '#values/step.ts'

const KERNEL = 2 // RTPROT_KERNEL
/** Metric of a route that the kernel makes of an IPv6 address. */
const KERNEL_METRIC = 256
/** Metric of an IPv6 route that names none. */
const USER_METRIC = 1024
const LINK_LOCAL = /^fe80:/

/** Those of the main table; what the kernel keeps for link-local addresses stays out of it. */
export function plannedRoutes(
  of: { readonly netns: NetnsPath; readonly ifName: IfName },
  there: readonly Route[],
  planned: readonly Step[],
): Route[] {
  const { netns, ifName } = of
  let routes = there.filter(({ dev, table }) => dev === ifName && table === MAIN_TABLE)
  for (const step of planned) {
    if (!('where' in step) || step.where !== netns) continue
    if (step.do === 'add-address' && step.link === ifName) {
      const route = connectedRoute(step.cidr, ifName)
      const isNew = route !== undefined && !routes.some((other) => other.dst === route.dst)
      if (isNew) routes.push(route)
    }
    if (step.do !== 'add-route' && step.do !== 'remove-route') continue
    const route = step.route
    if (route.dev !== ifName || route.table !== MAIN_TABLE) continue
    if (step.do === 'add-route') routes.push(asKept(route))
    else routes = routes.filter((other) => !isSame(other, asKept(route)))
  }
  return routes.filter(({ dst }) => !LINK_LOCAL.test(dst) && !dst.startsWith('ff00:'))
}

/** What the kernel adds with an address; nothing for a single IPv4 one. */
export function connectedRoute(cidr: Route['dst'], dev: IfName): Route | undefined {
  const { ip, prefix, family } = cidrParts(cidr)
  if (family === 4 && prefix === bitsOf(4)) return undefined
  return {
    dst: networkOf(cidr),
    via: undefined,
    dev,
    table: MAIN_TABLE,
    scope: family === 4 ? 'link' : 'global',
    src: family === 4 ? ip : undefined,
    priority: family === 4 ? undefined : KERNEL_METRIC,
    onlink: false,
    protocol: KERNEL,
  }
}

/** As the kernel shows it: an IPv6 route has a metric always. */
function asKept(route: Route): Route {
  const metric = route.dst.includes(':') ? USER_METRIC : undefined
  return { ...route, priority: route.priority ?? metric }
}

function isSame(a: Route, b: Route): boolean {
  return a.dst === b.dst && a.via === b.via && (a.priority ?? 0) === (b.priority ?? 0)
}
