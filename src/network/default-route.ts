/**
 * Which network of a pod has its default route, where the pod asks for one
 * (`default-route` of an annotation). Per IP version: the network with the
 * gateway gets the route, all others lose theirs; `[]` alone takes the default
 * routes of both versions from every network.
 *
 * Spec: Kubernetes Network Custom Resource Definition De-facto Standard 1.3, section 4.1.2.1.9.
 * @module
 */
import { type Family, familyOf, type Ip } from '#values/ip.ts'
import type { Failure } from '#values/failure.ts'
import { fail } from './failures.ts'

/** What one attachment asks for. */
export type RouteRequest = {
  readonly network: string
  readonly defaultRoute: readonly Ip[] | undefined
}

/** What becomes of the default routes of one attachment. */
export type DefaultRouteChange = {
  /** Gateways of new default routes by its interface; they replace those that it has. */
  readonly add: readonly Ip[]
  /** IP versions whose default routes by its interface are taken away. */
  readonly drop: readonly Family[]
}

const FAMILIES: readonly Family[] = [4, 6]

/** More than one gateway of an IP version is refused, wherever they are asked for. */
export function defaultRouteProblems(requests: readonly RouteRequest[]): Failure[] {
  const gateways = gatewaysOf(requests)
  const twice = FAMILIES.some((family) => countOf(gateways, family) > 1)
  return twice ? [fail('default-route-twice', { gateways })] : []
}

/** One change per request, in order; undefined when no network asks. */
export function defaultRouteChanges(
  requests: readonly RouteRequest[],
): DefaultRouteChange[] | undefined {
  if (requests.every(({ defaultRoute }) => defaultRoute === undefined)) return undefined
  const gateways = gatewaysOf(requests)
  const settled = FAMILIES.filter(
    (family) => gateways.length === 0 || countOf(gateways, family) > 0,
  )
  return requests.map(({ defaultRoute: add = [] }) => ({
    add,
    drop: settled.filter((family) => countOf(add, family) === 0),
  }))
}

function gatewaysOf(requests: readonly RouteRequest[]): Ip[] {
  return requests.flatMap(({ defaultRoute }) => defaultRoute ?? [])
}

function countOf(gateways: readonly Ip[], family: Family): number {
  return gateways.filter((ip) => familyOf(ip) === family).length
}
