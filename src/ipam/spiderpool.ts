/**
 * IPAM `spiderpool`: addresses from pools, for both families side by side, all
 * or nothing.
 *
 * Spec: Spiderpool's IPAM plugin (answer: address with the prefix of the
 * pool's subnet, its gateway, its routes, and the default route unless
 * clean_gateway).
 * @module
 */
import type { Records } from '#needs/records.ts'
import type { Random } from '#needs/clock.ts'
import { type Cidr, cidrOf, cidrParts, parseCidr } from '#values/cidr.ts'
import { type Ip, parseIp } from '#values/ip.ts'
import {
  POOL_KIND,
  SPIDER_API_VERSION,
  type SpiderIpPool,
  readSpiderIpPool,
} from '#schema/spider-ip-pool.ts'
import { type SpiderpoolDocument, readSpiderpool } from '#schema/ipam-conf.ts'
import { NO_DNS } from '#wire/cni/empty-result.ts'
import type { CniRoute } from '#wire/cni/result.ts'
import { lookUp, isJsonObject } from '#wire/cni/conf.ts'
import { addressOfName, fieldOf } from './allocation.ts'
import { Allocator, type Granted, heldOf } from './allocator.ts'
import { fail } from './failures.ts'
import type { Ipam, IpamRequest, Reservation } from './ipam.ts'
import { poolCidr } from './pool.ts'
import type { Candidates } from './annotation.ts'
import { candidatesOf, choosePools } from './selection.ts'

export type SpiderpoolNeeds = {
  readonly records: Records
  readonly random: Random
  readonly node: string
}

export function spiderpoolIpam(needs: SpiderpoolNeeds): Ipam<SpiderpoolDocument> {
  const allocator = new Allocator(needs)
  return {
    type: 'spiderpool',
    parse: parseConf,
    reserve: (request) => reserve(request, { ...needs, allocator }),
    async release({ owner, held }) {
      if (held !== undefined) {
        for (const one of held) if (one.held === 'allocation') await allocator.release(one)
        return
      }
      for (const record of await allocator.heldBy(owner)) {
        // an older container's DEL frees nothing of the newer one
        if (fieldOf(record, 'containerId') !== owner.containerId) continue
        const { name, uid } = record.metadata
        await allocator.release({ name, uid, pool: fieldOf(record, 'pool') })
      }
    },
    async check({ owner, addressing }) {
      const held = new Set((await allocator.heldBy(owner)).map((one) => fieldOf(one, 'address')))
      const lost = addressing.ips.filter(({ address }) => !held.has(cidrParts(address).ip))
      return lost.map(({ address }) =>
        fail('address-not-held', {
          type: 'spiderpool',
          address,
          containerId: owner.containerId,
        }),
      )
    },
  }
}

function parseConf(raw: unknown): { conf: SpiderpoolDocument; warnings: readonly string[] } {
  const part = isJsonObject(raw) ? lookUp(raw, 'ipam') : undefined
  if (part === undefined) throw fail('ipam-conf-missing')
  const { read, warnings } = readSpiderpool(part)
  if (read.ok) return { conf: read.value, warnings }
  const [first] = read.faults
  throw fail('ipam-conf-invalid', { field: first?.field, reason: first?.message })
}

type Reserving = SpiderpoolNeeds & { readonly allocator: Allocator }

async function reserve(
  request: IpamRequest<SpiderpoolDocument>,
  needs: Reserving,
): Promise<Reservation> {
  const { conf, owner, pod, namespace } = request
  const [pools, before, node] = await Promise.all([
    poolsOf(needs.records),
    needs.allocator.heldBy(owner),
    nodeOf(needs),
  ])
  const asking = {
    owner,
    pod,
    namespace,
    node,
    confIpv4: conf.default_ipv4_ippool ?? [],
    confIpv6: conf.default_ipv6_ippool ?? [],
  }
  const candidates = candidatesOf(asking, pools)
  const families = ([4, 6] as const).flatMap((family) => {
    const names = family === 4 ? candidates.ipv4 : candidates.ipv6
    return names.length === 0
      ? []
      : [{ family, pools: choosePools(names, family, { asking, pools }) }]
  })
  const works = families.map((one) => ofFamily(one, { request, before, needs }))
  const granted = await allOrNone(works, needs.allocator, before)
  const kept = new Set(granted.map(({ record }) => record.metadata.name))
  for (const record of before) {
    if (kept.has(record.metadata.name)) continue
    const { name, uid } = record.metadata
    await needs.allocator.release({ name, uid, pool: fieldOf(record, 'pool') })
  }
  return reservationOf(granted, { conf, candidates })
}

async function ofFamily(
  { family, pools }: { family: 4 | 6; pools: readonly SpiderIpPool[] },
  of: {
    request: IpamRequest<SpiderpoolDocument>
    before: Awaited<ReturnType<Allocator['heldBy']>>
    needs: Reserving
  },
): Promise<Granted> {
  const { owner, requested } = of.request
  const { allocator } = of.needs
  const wanted = requestedOf(requested, family)
  for (const record of of.before) {
    const pool = pools.find(({ metadata }) => metadata.name === fieldOf(record, 'pool'))
    const ip = addressOfName(record.metadata.name)
    if (pool === undefined || (wanted !== undefined && wanted !== ip)) continue
    return { ip, pool, record: await allocator.takeOver(record, owner) }
  }
  if (wanted !== undefined) return allocator.allocateThis(owner, wanted, pools)
  return allocator.allocate(owner, pools)
}

/** The address asked for in a family, bare or with a prefix length. */
function requestedOf(requested: readonly string[], family: 4 | 6): Ip | undefined {
  const texts = requested.filter((text) => text.includes(':') === (family === 6))
  const [first] = texts
  if (first === undefined) return undefined
  return first.includes('/') ? cidrParts(parseCidr(first)).ip : parseIp(first)
}

/** Gives back what was got when one family gets nothing; what was held before stays. */
async function allOrNone(
  works: readonly Promise<Granted>[],
  allocator: Allocator,
  before: Awaited<ReturnType<Allocator['heldBy']>>,
): Promise<Granted[]> {
  const settled = await Promise.allSettled(works)
  const granted = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const failed = settled.find((one) => one.status === 'rejected')
  if (failed === undefined) return granted
  const old = new Set(before.map((record) => record.metadata.uid))
  for (const one of granted) {
    if (!old.has(one.record.metadata.uid)) await allocator.release(heldOf(one))
  }
  throw failed.reason
}

function reservationOf(
  granted: readonly Granted[],
  { conf, candidates }: { conf: SpiderpoolDocument; candidates: Candidates },
): Reservation {
  const clean = conf.clean_gateway || candidates.cleanGateway
  return {
    addressing: {
      ips: granted.map(({ ip, pool }) => ({
        address: cidrOf(ip, cidrParts(poolCidr(pool)).prefix),
        gateway: gatewayOf(pool),
        interface: undefined,
      })),
      routes: granted.flatMap(({ pool }) => routesOf(pool, clean)),
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

function routesOf(pool: SpiderIpPool, clean: boolean): CniRoute[] {
  const gateway = gatewayOf(pool)
  const own = (pool.spec.routes ?? []).map(({ dst, gw }) => routeTo(parseCidr(dst), parseIp(gw)))
  const whole = parseCidr(pool.spec.ipVersion === 6 ? '::/0' : '0.0.0.0/0')
  return gateway === undefined || clean ? own : [...own, routeTo(whole, gateway)]
}

function routeTo(dst: Cidr, gw: Ip): CniRoute {
  const rest = { mtu: undefined, advmss: undefined, priority: undefined, table: undefined }
  return { dst, gw, ...rest, scope: undefined }
}

async function poolsOf(records: Records): Promise<SpiderIpPool[]> {
  const { items } = await records.list({ apiVersion: SPIDER_API_VERSION, kind: POOL_KIND })
  return items.flatMap((item) => {
    const read = readSpiderIpPool(item)
    return read.ok ? [read.value] : []
  })
}

async function nodeOf({ records, node }: Reserving) {
  const found = await records.get({
    apiVersion: 'v1',
    kind: 'Node',
    namespace: undefined,
    name: node,
  })
  return { name: node, labels: found?.metadata.labels ?? {} }
}
