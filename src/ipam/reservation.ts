/**
 * What granted addresses come to in a CNI result.
 *
 * Spec: Spiderpool's answer to ADD: the pool's routes, those that the pod asks
 * for by annotation, and the default route by the pool's gateway.
 * @module
 */
import { type Cidr, cidrOf, cidrParts, parseCidr } from '#values/cidr.ts'
import { parseRange, rangeContains, rangeOfCidr } from '#values/ip-range.ts'
import { type Ip, parseIp } from '#values/ip.ts'
import type { SpiderIpPool } from '#schema/spider-ip-pool.ts'
import type { SpiderpoolDocument } from '#schema/spiderpool-conf.ts'
import { NO_DNS } from '#wire/cni/empty-result.ts'
import type { CniRoute } from '#wire/cni/result.ts'
import type { AskedRoute, Candidates } from './annotation.ts'
import { type Granted, heldOf } from './allocator.ts'
import type { Reservation } from './ipam.ts'
import { poolCidr } from './pool.ts'

export type Answering = {
  readonly conf: SpiderpoolDocument
  readonly candidates: Candidates
  /** Routes that the pod asks for, of all its interfaces. */
  readonly asked: readonly AskedRoute[]
}

/** Pure; the pools were admitted, so their texts can be read. */
export function reservationOf(
  granted: readonly Granted[],
  { conf, candidates, asked }: Answering,
): Reservation {
  const clean = conf.clean_gateway || candidates.cleanGateway
  return {
    addressing: {
      ips: granted.map(({ ip, pool }) => ({
        address: cidrOf(ip, cidrParts(poolCidr(pool)).prefix),
        gateway: gatewayOf(pool),
        interface: undefined,
      })),
      routes: granted.flatMap(({ pool }) => [
        ...(pool.spec.routes ?? []).map(({ dst, gw }) => routeTo(parseCidr(dst), parseIp(gw))),
        ...asked.filter(({ gw }) => isIn(pool, gw)).map(({ dst, gw }) => routeTo(dst, gw)),
        ...(clean ? [] : defaultRouteOf(pool)),
      ]),
      dns: NO_DNS,
    },
    held: granted.map(heldOf),
    why: granted.map(
      ({ ip, pool }) => `${ip} from pool ${pool.metadata.name} (${candidates.source})`,
    ),
  }
}

function gatewayOf({ spec }: SpiderIpPool): Ip | undefined {
  return spec.gateway === undefined || spec.gateway === '' ? undefined : parseIp(spec.gateway)
}

function defaultRouteOf(pool: SpiderIpPool): CniRoute[] {
  const gateway = gatewayOf(pool)
  if (gateway === undefined) return []
  return [routeTo(parseCidr(pool.spec.ipVersion === 6 ? '::/0' : '0.0.0.0/0'), gateway)]
}

function isIn(pool: SpiderIpPool, ip: Ip): boolean {
  return rangeContains(rangeOfCidr(poolCidr(pool)), parseRange(ip))
}

function routeTo(dst: Cidr, gw: Ip): CniRoute {
  const rest = { mtu: undefined, advmss: undefined, priority: undefined, table: undefined }
  return { dst, gw, ...rest, scope: undefined }
}
