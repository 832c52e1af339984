/**
 * Routes of an IPAM configuration, for the result.
 *
 * Spec: CNI 1.1.0, section 5 (routes).
 * @module
 */
import { failureIn } from '#values/failure.ts'
import { parseCidr } from '#values/cidr.ts'
import { parseIp } from '#values/ip.ts'
import type { RouteDocument } from '#schema/ipam-conf.ts'
import type { CniRoute } from '#wire/cni/result.ts'
import { fail } from './failures.ts'

/** @throws {Failure} `ipam-conf-invalid` naming the route */
export function routesOfConf(documents: readonly RouteDocument[]): CniRoute[] {
  return documents.map(({ dst, gw, mtu, advmss, priority, table, scope }, i) => {
    const field = `ipam.routes[${i}]`
    return {
      dst: read(`${field}.dst`, () => parseCidr(dst)),
      gw: gw === undefined || gw === '' ? undefined : read(`${field}.gw`, () => parseIp(gw)),
      mtu,
      advmss,
      priority,
      table,
      scope,
    }
  })
}

function read<T>(field: string, parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    throw fail('ipam-conf-invalid', { field, reason: failureIn(cause)?.message }, cause)
  }
}
