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
import { NO_DNS } from '#wire/cni/empty-result.ts'
import type { CniRoute } from '#wire/cni/result.ts'
import type { AskedRoute, Candidates } from './annotation.ts'
import { type Granted, heldOf } from './allocator.ts'
import type { Reservation } from './ipam.ts'
import { poolCidr } from './pool.ts'
import type { SpiderpoolConf } from './spiderpool-needs.ts'

export type Answering = {
  readonly conf: SpiderpoolConf
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
        address: cidrOf(ip, answerOf(pool).prefix),
        gateway: answerOf(pool).gateway,
        interface: undefined,
      })),
      routes: granted.flatMap(({ pool }) => [
        ...answerOf(pool).routes,
        ...asked.filter(({ gw }) => isIn(pool, gw)).map(({ dst, gw }) => routeTo(dst, gw)),
        ...(clean ? [] : answerOf(pool).defaults),
      ]),
      dns: NO_DNS,
    },
    held: granted.map(heldOf),
    why: granted.map(
      ({ ip, pool }) =>
        `${ip} from pool ${pool.metadata.name} (${WORDS[candidates.source] ?? candidates.source})`,
    ),
  }
}

/** Whose word a pool is, for people. */
const WORDS: Readonly<Record<string, string>> = {
  pod: 'pod annotation',
  namespace: 'namespace annotation',
  network: 'CNI configuration',
  'cluster default': 'default pool',
  subnet: 'automatic pool',
}

/** What a pool gives to each of its addresses. */
type PoolAnswer = {
  readonly prefix: number
  readonly gateway: Ip | undefined
  readonly routes: readonly CniRoute[]
  readonly defaults: readonly CniRoute[]
}

/** A pool is read once for each version that is stored. */
const answers = new WeakMap<SpiderIpPool, PoolAnswer>()

function answerOf(pool: SpiderIpPool): PoolAnswer {
  const known = answers.get(pool)
  if (known !== undefined) return known
  const { gateway: text = '', routes = [], ipVersion } = pool.spec
  const gateway = text === '' ? undefined : parseIp(text)
  const whole = parseCidr(ipVersion === 6 ? '::/0' : '0.0.0.0/0')
  const answer = {
    prefix: cidrParts(poolCidr(pool)).prefix,
    gateway,
    routes: routes.map(({ dst, gw }) => routeTo(parseCidr(dst), parseIp(gw))),
    defaults: gateway === undefined ? [] : [routeTo(whole, gateway)],
  }
  answers.set(pool, answer)
  return answer
}

function isIn(pool: SpiderIpPool, ip: Ip): boolean {
  return rangeContains(rangeOfCidr(poolCidr(pool)), parseRange(ip))
}

function routeTo(dst: Cidr, gw: Ip): CniRoute {
  const rest = { mtu: undefined, advmss: undefined, priority: undefined, table: undefined }
  return { dst, gw, ...rest, scope: undefined }
}
