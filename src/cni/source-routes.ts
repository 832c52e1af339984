/**
 * Routes of an interface in tables of their own: one for each address, with its
 * way out and every route of the interface that can serve it; then the main table
 * lets go of them.
 *
 * Spec: containernetworking `sbr`: a route serves an address when its source or its
 * gateway lies in the address's network, or when it has neither.
 * @module
 */
import { type Cidr, cidrOf, cidrParts, networkOf, parseCidr } from '#values/cidr.ts'
import type { IfName } from '#values/if-name.ts'
import { type Family, type Ip, familyOf } from '#values/ip.ts'
import { VERBENA_PROTOCOL } from '#values/mark.ts'
import type { NetnsPath } from '#values/netns.ts'
import { MAIN_TABLE, type Route } from '#values/route.ts'
import type { Step } from '#values/step.ts'

/** The first number that is taken. */
const FIRST_TABLE = 100
const DEFAULTS: Readonly<Record<Family, Cidr>> = {
  4: parseCidr('0.0.0.0/0'),
  6: parseCidr('::/0'),
}

/** An address of the interface, with its way out and its table. */
export type Sourced = {
  readonly address: Cidr
  readonly via: Ip | undefined
  readonly table: number
}

/** The lowest numbers from 100 on that are free. */
export function tablesFrom(used: ReadonlySet<number>, count: number): number[] {
  const tables: number[] = []
  for (let table = FIRST_TABLE; tables.length < count; table++) {
    if (!used.has(table)) tables.push(table)
  }
  return tables
}

/**
 * `routes` are the interface's in the main table. With `hints` the route of an
 * address's network stays there and names the address as its source.
 */
export function planSourceRoutes(
  of: {
    readonly netns: NetnsPath
    readonly ifName: IfName
    readonly wanted: readonly Sourced[]
    readonly hints: boolean
  },
  routes: readonly Route[],
): Step[] {
  const { netns, ifName, wanted, hints } = of
  const copies = wanted.flatMap((each) => routesFor(each, routes, ifName))
  const kept = hints ? routes.filter((route) => isOnLink(route)) : []
  // taken back in reverse, a gateway needs its network on the link again
  const gone = routes
    .filter((route) => !kept.includes(route))
    .toSorted((a, b) => Number(isOnLink(a)) - Number(isOnLink(b)))
  const hinted = kept.flatMap((route) => withHint(route, wanted))
  const add = (route: Route): Step => ({ do: 'add-route', where: netns, route })
  const remove = (route: Route): Step => ({ do: 'remove-route', where: netns, route })
  return [
    ...copies.map(add),
    ...gone.map(remove),
    ...hinted.flatMap(({ from, to }) => [remove(from), add(to)]),
  ]
}

function routesFor(
  { address, via, table }: Sourced,
  routes: readonly Route[],
  dev: IfName,
): Route[] {
  const family = familyOf(address)
  const common = { dev, table, src: undefined, onlink: false, protocol: VERBENA_PROTOCOL }
  const out: Route[] =
    via === undefined
      ? []
      : [{ ...common, dst: DEFAULTS[family], via, scope: 'global', priority: undefined }]
  const copied = routes
    .filter((route) => familyOf(route.dst) === family && serves(route, address))
    .map((route): Route => ({ ...route, table, protocol: VERBENA_PROTOCOL }))
  // what leads out by a gateway can be added only once the network is on the link
  const all = [...copied.filter(isOnLink), ...out, ...copied.filter((route) => !isOnLink(route))]
  const seen = new Set<string>()
  return all.filter((route) => {
    const key = `${route.dst} ${route.dst === DEFAULTS[family] ? '' : (route.priority ?? 0)}`
    return !seen.has(key) && seen.add(key)
  })
}

function serves({ src, via }: Route, address: Cidr): boolean {
  if (src === undefined && via === undefined) return true
  return [src, via].some((ip) => ip !== undefined && isInside(ip, address))
}

function isInside(ip: Ip, cidr: Cidr): boolean {
  const { prefix, family } = cidrParts(cidr)
  return familyOf(ip) === family && networkOf(cidrOf(ip, prefix)) === networkOf(cidr)
}

function isOnLink({ via }: Route): boolean {
  return via === undefined
}

/** IPv4 routes of the kernel name their source already. */
function withHint(route: Route, wanted: readonly Sourced[]): { from: Route; to: Route }[] {
  if (route.src !== undefined || route.table !== MAIN_TABLE) return []
  const own = wanted.find(({ address }) => networkOf(address) === route.dst)
  if (own === undefined) return []
  return [
    { from: route, to: { ...route, src: cidrParts(own.address).ip, protocol: VERBENA_PROTOCOL } },
  ]
}
