/**
 * IPAM `spiderpool`: addresses from pools, for both families side by side, all
 * or nothing. Pools are read from the store at every ADD; a home that is far
 * away answers that from its own watch.
 *
 * Spec: Spiderpool's IPAM plugin (answer: address with the prefix of the
 * pool's subnet, its gateway, its routes, those of the pod, and the default
 * route unless clean_gateway).
 * @module
 */
import type { Records, Stored } from '#needs/records.ts'
import type { Random } from '#needs/clock.ts'
import { cidrParts } from '#values/cidr.ts'
import { type Family, type Ip, familyOf, parseIp } from '#values/ip.ts'
import type { SpiderIpPool } from '#schema/spider-ip-pool.ts'
import { SPIDERPOOL_PART, type SpiderpoolDocument } from '#schema/spiderpool-conf.ts'
import { isJsonObject } from '#wire/cni/conf.ts'
import { addressOfName, fieldOf } from './allocation.ts'
import { routesOfPod } from './annotation.ts'
import { Allocator, type Granted, heldOf } from './allocator.ts'
import { partReader } from './conf-part.ts'
import { fail } from './failures.ts'
import type { Ipam, IpamRequest, Reservation } from './ipam.ts'
import { type PoolBook, poolBook } from './pool-book.ts'
import { reservationOf } from './reservation.ts'
import { type Asking, candidatesOf, choosePools, defaultsOf, hasPattern } from './selection.ts'

export type SpiderpoolNeeds = {
  readonly records: Records
  readonly random: Random
  /** Name of the node that the interfaces are on. */
  readonly node: string
}

type Request = IpamRequest<SpiderpoolDocument>
type Reserving = SpiderpoolNeeds & { readonly allocator: Allocator; readonly book: PoolBook }

/** Disposing of it ends the watch that it keeps once the first address was asked for. */
export function spiderpoolIpam(needs: SpiderpoolNeeds): Ipam<SpiderpoolDocument> & AsyncDisposable {
  const allocator = new Allocator(needs)
  const reserving = { ...needs, allocator, book: poolBook(needs.records) }
  return {
    type: 'spiderpool',
    parse: parseConf,
    reserve: (request) => reserve(request, reserving),
    async release({ owner, held }) {
      const records = held === undefined ? await allocator.recordsOf(owner) : []
      const found = records.map(releasingOf)
      const known = (held ?? []).filter((one) => one.held === 'allocation')
      for (const one of [...found, ...known]) await allocator.release(one, owner)
    },
    async check({ owner, addressing }) {
      const held = new Set((await allocator.recordsOf(owner)).map((one) => fieldOf(one, 'address')))
      const lost = addressing.ips.filter(({ address }) => !held.has(cidrParts(address).ip))
      const { containerId } = owner
      return lost.map(({ address }) =>
        fail('address-not-held', { type: 'spiderpool', address, containerId }),
      )
    },
    [Symbol.asyncDispose]: () => allocator[Symbol.asyncDispose](),
  }
}

const readPart = partReader(SPIDERPOOL_PART)

function parseConf(raw: unknown): { conf: SpiderpoolDocument; warnings: readonly string[] } {
  const { value, warnings } = readPart(raw)
  for (const key of ['default_ipv4_ippool', 'default_ipv6_ippool'] as const) {
    const names = value[key] ?? []
    const twice = names.find((name, i) => names.indexOf(name) !== i)
    if (twice === undefined) continue
    throw fail('ipam-conf-invalid', {
      field: `ipam.${key}`,
      reason: `pool ${twice} is there twice`,
    })
  }
  const unmet = 'ipam.match_master_subnet has no effect: only VFs have a master to look at'
  return { conf: value, warnings: value.match_master_subnet ? [...warnings, unmet] : warnings }
}

async function reserve(request: Request, needs: Reserving): Promise<Reservation> {
  const { conf, owner, pod, namespace } = request
  checkAlive(request)
  const asked = routesOfPod(pod)
  const asking: Asking = {
    owner,
    pod,
    namespace,
    node: needs.node,
    nodeLabels: () => labelsOfNode(needs),
  }
  const [ipv4 = [], ipv6 = []] = [conf.default_ipv4_ippool, conf.default_ipv6_ippool]
  const named = candidatesOf(asking, { ipv4, ipv6 })
  const pools =
    named === undefined || hasPattern(named)
      ? await needs.book.all()
      : await needs.book.named([...named.ipv4, ...named.ipv6])
  const candidates = named ?? defaultsOf(pools, owner.ifName)
  const families: { family: Family; pools: SpiderIpPool[] }[] = []
  for (const family of [4, 6] as const) {
    const names = family === 4 ? candidates.ipv4 : candidates.ipv6
    const chosen = await choosePools(names, family, { asking, pools })
    if (chosen.length > 0) families.push({ family, pools: chosen })
  }
  if (families.length === 0) {
    throw fail('pool-missing', { pool: [...candidates.ipv4, ...candidates.ipv6].join(', ') })
  }
  const before = await needs.allocator.heldBy(owner)
  const granted = await allOrNone(
    families.map((one) => ofFamily(one, { request, before, needs })),
    { allocator: needs.allocator, before },
  )
  await releaseOthers(granted, { allocator: needs.allocator, before })
  return reservationOf(granted, { conf, candidates, asked })
}

/** @throws {Failure} `pod-not-alive`: its addresses would be nobody's at once */
function checkAlive({ pod, owner }: Request): void {
  if (pod === undefined) return
  const { status } = pod
  const phase = isJsonObject(status) ? status['phase'] : undefined
  const ended =
    phase === 'Succeeded' || phase === 'Failed' ? `it has ${phase.toLowerCase()}` : undefined
  const reason = pod.metadata.deletionTimestamp === undefined ? ended : 'it is terminating'
  if (reason === undefined) return
  const { namespace = 'default', name } = pod.metadata
  throw fail('pod-not-alive', { pod: `${namespace}/${name}`, ifName: owner.ifName, reason })
}

type Holding = { readonly allocator: Allocator; readonly before: readonly Stored[] }

async function ofFamily(
  { family, pools }: { readonly family: Family; readonly pools: readonly SpiderIpPool[] },
  of: { readonly request: Request; readonly before: readonly Stored[]; readonly needs: Reserving },
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
function requestedOf(requested: readonly string[], family: Family): Ip | undefined {
  const ips = requested.map((text) => parseIp(text.split('/')[0] ?? ''))
  return ips.find((ip) => familyOf(ip) === family)
}

/** Gives back what was got when one family gets nothing; what was held before stays. */
async function allOrNone(
  works: readonly Promise<Granted>[],
  { allocator, before }: Holding,
): Promise<Granted[]> {
  const settled = await Promise.allSettled(works)
  const granted = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const failed = settled.find((one) => one.status === 'rejected')
  if (failed === undefined) return granted
  const old = new Set(before.map(({ metadata }) => metadata.uid))
  for (const one of granted) {
    if (!old.has(one.record.metadata.uid)) await allocator.release(heldOf(one), undefined)
  }
  throw failed.reason
}

/** What the owner held of pools that are no longer its own. */
async function releaseOthers(
  granted: readonly Granted[],
  { allocator, before }: Holding,
): Promise<void> {
  const kept = new Set(granted.map(({ record }) => record.metadata.name))
  for (const record of before) {
    if (!kept.has(record.metadata.name)) await allocator.release(releasingOf(record), undefined)
  }
}

function releasingOf(record: Stored) {
  const { name, uid } = record.metadata
  return { name, uid, pool: fieldOf(record, 'pool') }
}

async function labelsOfNode({ records, node: name }: Reserving): Promise<Record<string, string>> {
  const ref = { apiVersion: 'v1', kind: 'Node', namespace: undefined, name }
  return { ...(await records.get(ref))?.metadata.labels }
}
