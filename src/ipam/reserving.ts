/**
 * One reservation of `spiderpool`: candidates, pools, addresses of both
 * families side by side, all or nothing.
 *
 * Spec: Spiderpool's IPAM plugin (answer: address with the prefix of the
 * pool's subnet, its gateway, its routes, those of the pod, and the default
 * route unless clean_gateway).
 * @module
 */
import type { Stored } from '#needs/records.ts'
import { type Family, type Ip, familyOf, parseIp } from '#values/ip.ts'
import { SPIDER_API_VERSION, type SpiderIpPool } from '#schema/spider-ip-pool.ts'
import { RESERVED_IP_KIND } from '#schema/spider-reserved-ip.ts'
import type { Settings } from '#schema/spiderpool-settings.ts'
import { again } from './again.ts'
import { addressOfName, allocationRef, fieldOf } from './allocation.ts'
import type { Allocator, Granted, Taker } from './allocator.ts'
import { type Candidates, routesOfPod } from './annotation.ts'
import { type Application, applicationOf } from './application.ts'
import { autoCandidates } from './auto-choice.ts'
import type { EndpointBook } from './endpoint-book.ts'
import { interfaceOf, withInterface } from './endpoint.ts'
import type { IpamRequest, Reservation } from './ipam.ts'
import { isMigrationTarget, keeperOf } from './keeping.ts'
import { sayingWho } from './named-by.ts'
import { checkAlive } from './pod-life.ts'
import type { PoolBook } from './pool-book.ts'
import { type Reserved, reservedIn } from './reserved-ip.ts'
import { reservationOf } from './reservation.ts'
import {
  type Asking,
  type FamilyChoice,
  candidatesOf,
  choosePools,
  defaultsOf,
  hasPattern,
} from './selection.ts'
import type { SettingsBook } from './settings-book.ts'
import type { SpiderpoolConf, SpiderpoolNeeds } from './spiderpool-needs.ts'

export type Reserving = {
  readonly needs: SpiderpoolNeeds
  readonly allocator: Allocator
  readonly book: PoolBook
  readonly settings: SettingsBook
  readonly endpoints: EndpointBook
}

type Request = IpamRequest<SpiderpoolConf>

/** Waits of an ADD for an automatic pool, one after the other. */
const POOL_WAITS = 25
const POOL_WAIT_MS = 2_000

/** @throws {Failure} `pool-exhausted`, `pool-none`, ...; then all is held as it was before */
export function reserve(request: Request, at: Reserving): Promise<Reservation> {
  return again(() => reserveOnce(request, at))
}

async function reserveOnce(request: Request, at: Reserving): Promise<Reservation> {
  const { conf, owner, pod } = request
  checkAlive(pod, owner.ifName)
  const settings = await at.settings.settings()
  const asked = routesOfPod(pod)
  const asking = askingOf(request, at)
  const { candidates, pools } = await candidatesFor(asking, { request, at, settings })
  const who = { candidates, asking }
  const families = await sayingWho(who, () => choosePools(candidates, { asking, pools, settings }))
  const taker: Taker = {
    owner,
    keeper: keeperOf(pod, settings),
    reserved: await reservedNow(at),
  }
  const held = await at.allocator.heldBy(owner)
  const kept = await at.allocator.keptFor(taker, isMigrationTarget(pod))
  const before = [...held, ...kept.filter((one) => !held.some((own) => isSame(own, one)))]
  const granted = await sayingWho(who, () => {
    const works = families.map((one) => ofFamily(one, { request, taker, before, at }))
    return allOrNone(works, at.allocator)
  })
  const reservation = reservationOf(granted, { conf, candidates, asked })
  await releaseOthers(granted, { before, at })
  followEndpoint(granted, { taker, asking, request, at, candidates, reservation })
  return reservation
}

/** The pod's endpoint follows the answer. */
function followEndpoint(
  granted: readonly Granted[],
  of: {
    readonly taker: Taker
    readonly asking: Asking
    readonly request: Request
    readonly at: Reserving
    readonly candidates: Candidates
    readonly reservation: Reservation
  },
): void {
  const { pod, owner, conf } = of.request
  const { follow, node } = of.at.needs
  if (pod === undefined || follow === undefined) return
  const { routes } = of.reservation.addressing
  const cleanGateway = conf.clean_gateway || of.candidates.cleanGateway
  const one = interfaceOf(owner.ifName, granted, { routes, cleanGateway })
  const { keeper } = of.taker
  const name = keeper?.name ?? pod.metadata.name
  const { namespace = 'default' } = pod.metadata
  const stays = keeper !== undefined
  follow(() =>
    of.at.endpoints.write({ namespace, name }, async (old) => {
      // an ADD that failed has given them back by now
      if (!(await areHeld(granted, of.at))) return undefined
      const application = await of.asking.application()
      return withInterface(old, one, { pod, name, stays, node, application })
    }),
  )
}

async function areHeld(granted: readonly Granted[], { needs }: Reserving): Promise<boolean> {
  const now = await Promise.all(
    granted.map(({ record }) => needs.records.get(allocationRef(record.metadata.name))),
  )
  return now.every((one, i) => one?.metadata.uid === granted[i]?.record.metadata.uid)
}

function askingOf({ conf, owner, pod, namespace, networkRef }: Request, at: Reserving): Asking {
  const { records, node, clusterNetwork, masterAddresses } = at.needs
  let application: Promise<Application> | undefined
  return {
    owner,
    pod,
    namespace,
    node,
    networkRef,
    clusterNetwork: clusterNetwork && `${clusterNetwork.namespace}/${clusterNetwork.name}`,
    async nodeLabels() {
      const ref = { apiVersion: 'v1', kind: 'Node', namespace: undefined, name: node }
      return { ...(await records.get(ref))?.metadata.labels }
    },
    application() {
      application ??= applicationOf(
        pod ?? { apiVersion: 'v1', kind: 'Pod', metadata: { name: owner.pod?.name ?? '' } },
        records,
      )
      return application
    },
    masterAddresses: conf.match_master_subnet
      ? async () => masterAddresses?.(conf.master)
      : undefined,
  }
}

type Choosing = {
  readonly request: Request
  readonly at: Reserving
  readonly settings: Settings
}

async function candidatesFor(
  asking: Asking,
  { request, at, settings }: Choosing,
): Promise<{ candidates: Candidates; pools: readonly SpiderIpPool[] }> {
  const { conf, owner, pod } = request
  let waits = 0
  const auto = await autoCandidates({
    pod,
    ifName: owner.ifName,
    settings,
    application: () => asking.application(),
    pools: () => at.book.all(),
    async wait() {
      if (at.needs.clock === undefined || ++waits > POOL_WAITS) return false
      await at.needs.clock.sleep(POOL_WAIT_MS)
      return true
    },
  })
  const [ipv4 = [], ipv6 = []] = [conf.default_ipv4_ippool, conf.default_ipv6_ippool]
  const named = auto ?? candidatesOf(asking, { ipv4, ipv6 })
  const pools =
    named === undefined || hasPattern(named)
      ? await at.book.all()
      : await at.book.named([...named.ipv4, ...named.ipv6])
  return { candidates: named ?? defaultsOf(pools, owner.ifName), pools }
}

async function reservedNow({ needs: { records } }: Reserving): Promise<Reserved[]> {
  const kind = { apiVersion: SPIDER_API_VERSION, kind: RESERVED_IP_KIND }
  const { items } = await records.list(kind)
  return items.length === 0 ? [] : reservedIn(items)
}

type Taking = {
  readonly request: Request
  readonly taker: Taker
  readonly before: readonly Stored[]
  readonly at: Reserving
}

/** What is held already, or kept for the name, in a pool that may still be used; else a new one. */
async function ofFamily(
  { family, pools }: FamilyChoice,
  { request, taker, before, at }: Taking,
): Promise<Granted> {
  const wanted = requestedOf(request.requested, family)
  for (const record of before) {
    const pool = pools.find(({ metadata }) => metadata.name === fieldOf(record, 'pool'))
    const ip = addressOfName(record.metadata.name)
    if (pool === undefined || (wanted !== undefined && wanted !== ip)) continue
    return { ...(await at.allocator.takeOver(record, taker)), pool }
  }
  if (wanted !== undefined) return at.allocator.allocateThis(taker, wanted, pools)
  return at.allocator.allocate(taker, pools)
}

/** The address asked for in a family, bare or with a prefix length. */
function requestedOf(requested: readonly string[], family: Family): Ip | undefined {
  const ips = requested.map((text) => parseIp(text.split('/')[0] ?? ''))
  return ips.find((ip) => familyOf(ip) === family)
}

/** Gives back what was got when one family gets nothing; what was held before stays. */
async function allOrNone(
  works: readonly Promise<Granted>[],
  allocator: Allocator,
): Promise<Granted[]> {
  const settled = await Promise.allSettled(works)
  const granted = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const failed = settled.find((one) => one.status === 'rejected')
  if (failed === undefined) return granted
  for (const one of granted) await allocator.giveBack(one)
  throw failed.reason
}

/** What the owner held, or was kept for it, of pools that are no longer its own. */
async function releaseOthers(
  granted: readonly Granted[],
  { before, at }: { readonly before: readonly Stored[]; readonly at: Reserving },
): Promise<void> {
  const names = new Set(granted.map(({ record }) => record.metadata.name))
  for (const record of before) {
    const { name, uid } = record.metadata
    if (!names.has(name)) await at.allocator.free({ name, uid, pool: fieldOf(record, 'pool') })
  }
}

function isSame(a: Stored, b: Stored): boolean {
  return a.metadata.uid === b.metadata.uid
}
