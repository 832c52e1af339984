/**
 * Routes of a simulated namespace: those that were added, and those that the
 * kernel makes of addresses on links that are up.
 *
 * Spec: Linux net/ipv4/fib_semantics.c, fib_frontend.c, net/ipv6/route.c; the
 * words of a refusal are theirs.
 * @module
 */
import { networkOf, cidrParts } from '#values/cidr.ts'
import { type Ip, bitsOf, familyOf } from '#values/ip.ts'
import { MAIN_TABLE, type Route } from '#values/route.ts'
import { linkNamed } from './find.ts'
import { type Refusal, refusal } from './errno.ts'
import type { SimLink, SimNetns, SimRoute } from './host.ts'
import { bestRoute, hasAddress } from './lookup.ts'

const KERNEL = 2 // RTPROT_KERNEL
/** Metric of IPv6 routes by whom they come from. */
const METRIC = { kernel: 256, user: 1024 } as const

/** Every unicast route: the kernel's of each link first, then the added ones in their order. */
export function routesOf(netns: SimNetns): SimRoute[] {
  return [...netns.links.flatMap(connectedRoutes), ...netns.routes]
}

/** Prefix routes of a link's addresses; a second IPv4 address of a prefix brings none. */
function connectedRoutes(link: SimLink): SimRoute[] {
  if (!link.up || link.arpType === 772) return []
  const routes: SimRoute[] = []
  for (const { cidr, connected } of link.addresses) {
    const { ip, prefix, family } = cidrParts(cidr)
    if (!connected || (family === 4 && prefix === bitsOf(4))) continue
    const dst = networkOf(cidr)
    if (routes.some(({ route }) => route.dst === dst)) continue
    const own: Pick<Route, 'scope' | 'src' | 'priority'> =
      family === 4
        ? { scope: 'link', src: ip, priority: undefined }
        : { scope: 'global', src: undefined, priority: METRIC.kernel }
    const common = { via: undefined, dev: link.name, table: MAIN_TABLE, onlink: false }
    routes.push({ link, route: { dst, ...common, ...own, protocol: KERNEL } })
  }
  return routes
}

/** The route as a question answers it: with the link's present name. */
export function observedRoute({ link, route }: SimRoute): Route {
  return { ...route, dev: link.name }
}

/** Adds a route, or says why the kernel would not. */
export function addRoute(netns: SimNetns, route: Route): Refusal | undefined {
  const found = nextHop(netns, route)
  if ('errno' in found) return found
  const fault = routeFault(netns, route)
  if (fault !== undefined) return fault
  const made = observedRoute({ link: found.link, route: asKept(route) })
  if (routesOf(netns).some(({ route: other }) => clashes(other, made))) return refusal('EEXIST')
  if (!reconnected(found.link, made)) netns.routes.push({ link: found.link, route: made })
  return undefined
}

/** True when it was the prefix route of addresses of the link, which is theirs again. */
function reconnected(link: SimLink, { dst, via, src, table, protocol }: Route): boolean {
  if (protocol !== KERNEL || via !== undefined || table !== MAIN_TABLE) return false
  const without = link.addresses.filter(({ cidr, connected }) => {
    return !connected && networkOf(cidr) === dst
  })
  const [first] = without
  if (first === undefined || (src !== undefined && cidrParts(first.cidr).ip !== src)) return false
  for (const address of without) address.connected = true
  return true
}

/** Takes away the one route that equals in everything it says. */
export function removeRoute(netns: SimNetns, route: Route): void {
  const wanted = asKept(route)
  const matches = ({ link, route: other }: SimRoute): boolean =>
    other.dst === wanted.dst &&
    other.table === wanted.table &&
    other.protocol === wanted.protocol &&
    other.via === wanted.via &&
    (wanted.dev === undefined || wanted.dev === link.name) &&
    (wanted.priority === undefined || wanted.priority === other.priority)
  const found = routesOf(netns).find(matches)
  if (found === undefined) return
  if (netns.routes.includes(found)) {
    netns.routes = netns.routes.filter((other) => other !== found)
    return
  }
  for (const address of found.link.addresses) {
    if (networkOf(address.cidr) === wanted.dst) address.connected = false
  }
}

/** The link that a route leaves by. */
function nextHop(netns: SimNetns, route: Route): { link: SimLink } | Refusal {
  const named = route.dev === undefined ? undefined : linkNamed(netns, route.dev)
  if (route.dev !== undefined && named === undefined) {
    return refusal('ENODEV', 'Cannot find device')
  }
  if (route.via === undefined) {
    if (named === undefined) return refusal('ENODEV', 'No device')
    return named.up ? { link: named } : refusal('ENETDOWN', 'Device for nexthop is not up')
  }
  if (named !== undefined && !named.up) return refusal('ENETDOWN', 'Nexthop device is not up')
  if (route.onlink) {
    return named === undefined ? refusal('ENODEV', 'No device') : { link: named }
  }
  return reachable(netns, { via: route.via, named, table: route.table })
}

/** A next hop must be on a link: a route without a gateway leads to it. */
function reachable(
  netns: SimNetns,
  { via, named, table }: { via: Ip; named: SimLink | undefined; table: number },
): { link: SimLink } | Refusal {
  const v4 = familyOf(via) === 4
  const bad = v4 ? refusal('ENETUNREACH', 'Nexthop has invalid gateway') : refusal('EHOSTUNREACH')
  if (!v4 && hasAddress(netns, via)) {
    return refusal('EINVAL', 'Gateway can not be a local address')
  }
  const candidates = routesOf(netns).filter(
    ({ link, route }) =>
      (named === undefined || link === named) && [MAIN_TABLE, table].includes(route.table),
  )
  const best = bestRoute(candidates, via)
  return best === undefined || best.route.via !== undefined ? bad : { link: best.link }
}

function routeFault(netns: SimNetns, { dst, via, src, scope }: Route): Refusal | undefined {
  const v4 = cidrParts(dst).family === 4
  if (v4 && networkOf(dst) !== dst) {
    return refusal('EINVAL', 'Invalid prefix for given prefix length')
  }
  if (v4 && via !== undefined && scope !== 'global') {
    return refusal('ENETUNREACH', 'Nexthop has invalid gateway')
  }
  if (src !== undefined && !hasAddress(netns, src)) {
    return refusal('EINVAL', v4 ? 'Invalid prefsrc address' : 'Invalid source address')
  }
  return undefined
}

/** IPv6 knows no scopes, masks host bits and has a metric always. */
function asKept(route: Route): Route {
  const dst = networkOf(route.dst)
  if (cidrParts(dst).family === 4) return { ...route, dst: route.dst }
  return { ...route, dst, scope: 'global', priority: route.priority ?? METRIC.user }
}

/** The very same route: another next hop stands behind the first. */
function clashes(a: Route, b: Route): boolean {
  const samePlace = a.dst === b.dst && a.table === b.table
  const sameHop = a.via === b.via && a.dev === b.dev && a.scope === b.scope && a.src === b.src
  const samePriority = (a.priority ?? 0) === (b.priority ?? 0)
  return samePlace && sameHop && samePriority && a.protocol === b.protocol
}
