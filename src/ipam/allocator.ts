/**
 * Allocates addresses of pools as records, one an address. Nobody holds a
 * lock: two agents that choose the same address meet in the store, and the one
 * that is refused chooses another. Lowest free first by what this agent knows;
 * after a refusal a random one; when none seems free, the truth.
 * @module
 */
import type { Records, Stored } from '#needs/records.ts'
import type { Random } from '#needs/clock.ts'
import { type Failure, failureIn } from '#values/failure.ts'
import { type IpRange, formatRange, subtractRanges } from '#values/ip-range.ts'
import { type Ip, familyOf, ipToBits } from '#values/ip.ts'
import { type Owner, ownerKey } from '#values/owner.ts'
import type { SpiderIpPool } from '#schema/spider-ip-pool.ts'
import {
  addressOfName,
  allocationName,
  allocationOf,
  allocationRef,
  allocationsOf,
  fieldOf,
  holderOf,
} from './allocation.ts'
import { formersOf, isKept } from './allocation-state.ts'
import { AllocationView, pagesOf, placeOf } from './allocation-view.ts'
import { exhausted } from './exhausted.ts'
import { fail } from './failures.ts'
import { FreeList } from './free-list.ts'
import { type Home, type Releasing, free, handBack, keep, withFormers } from './giving-back.ts'
import type { Keeper } from './keeping.ts'
import { networkFamily } from './network-addresses.ts'
import { rangesOfPool } from './pool.ts'
import type { Reserved } from './reserved-ip.ts'
import { Shunned } from './shunned.ts'

export type AllocatorNeeds = {
  readonly records: Records
  readonly random: Random
  readonly node: string
}

/** An address that is held now. */
export type Granted = {
  readonly ip: Ip
  readonly pool: SpiderIpPool
  readonly record: Stored
  /** What it was before this request. */
  readonly before: 'free' | 'kept' | 'of-another' | 'own'
}

/** Who asks, and what counts besides the pools. */
export type Taker = {
  readonly owner: Owner
  /** Where the address stays with a name. */
  readonly keeper: Keeper | undefined
  readonly reserved: readonly Reserved[]
}

type By = { readonly taker: Taker; readonly pool: SpiderIpPool }

/** Addresses that others may take before us, one after the other. */
const MOST_REFUSALS = 1_000

export class Allocator {
  readonly #needs: AllocatorNeeds
  readonly #view: AllocationView
  /** For giving back. */
  readonly home: Home
  /** By pool name; a pool that was changed or made anew gets a new one. */
  readonly #lists = new Map<string, { readonly key: string; readonly list: FreeList }>()
  /** Names whose record is being created at this moment. */
  readonly #pending = new Set<string>()
  readonly #shunned = new Shunned()

  constructor(needs: AllocatorNeeds) {
    this.#needs = needs
    this.#view = new AllocationView(needs.records, {
      taken: (ip) => {
        for (const { list } of this.#lists.values()) list.mark(ip)
      },
      free: (ip) => {
        if (this.#pending.has(allocationName(ip)) || this.#shunned.has(ip)) return
        for (const { list } of this.#lists.values()) list.free(ip)
      },
    })
    this.home = { records: needs.records, view: this.#view }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#view[Symbol.asyncDispose]()
  }

  /** What the owner holds already: looked for in memory, confirmed by the store. */
  async heldBy(owner: Owner): Promise<Stored[]> {
    await this.#view.ready()
    const held: Stored[] = []
    for (const { ip, uid } of this.#view.ofOwner(owner)) {
      const name = allocationName(ip)
      const record = await this.#needs.records.get(allocationRef(name))
      if (record === undefined) this.#view.drop({ name, uid })
      else {
        this.#view.put(record)
        if (isOf(record, owner)) held.push(record)
      }
    }
    return held
  }

  /** Does not choose `ip` while `holds` says so: somebody on the network has it. */
  shun(ip: Ip, holds: () => boolean): void {
    this.#shunned.add(ip, holds)
  }

  /** What the owner holds by the store alone. */
  async recordsOf(owner: Owner): Promise<Stored[]> {
    const { items } = await this.#needs.records.list(allocationsOf({ owner }))
    return items.filter((item) => isOf(item, owner))
  }

  /**
   * Addresses that stay with the name of an interface and that nobody has; of a
   * machine that moves, those that it still has elsewhere, too.
   */
  async keptFor({ owner, keeper }: Taker, moves: boolean): Promise<Stored[]> {
    const { pod, ifName } = owner
    if (pod === undefined || keeper === undefined) return []
    await this.#view.ready()
    const place = placeOf({ namespace: pod.namespace, name: keeper.name, ifName })
    const kept: Stored[] = []
    for (const { ip } of this.#view.ofPlace(place)) {
      const record = await this.#needs.records.get(allocationRef(allocationName(ip)))
      if (record !== undefined && (moves || isKept(record))) kept.push(record)
    }
    return kept
  }

  /** Notes the newer container, or the next pod of the name, that has the address from now on. */
  async takeOver(record: Stored, { owner, keeper }: Taker): Promise<Omit<Granted, 'pool'>> {
    const ip = addressOfName(record.metadata.name)
    const isSame = fieldOf(record, 'containerId') === owner.containerId && isOf(record, owner)
    if (isSame && !isKept(record)) return { ip, record, before: 'own' }
    const { node } = this.#needs
    const pool = fieldOf(record, 'pool')
    const { metadata, spec } = allocationOf(ip, { owner, pool, node, keeper })
    const labels = { ...record.metadata.labels, ...metadata.labels }
    // one that had it, lost it and comes back stands in the list no more
    const { containerId } = owner
    const formers = formersOf(record).filter((former) => former['containerId'] !== containerId)
    const others = isKept(record) || isSame ? [] : [...formers, Object(record['spec'])]
    const next = { ...record, metadata: { ...record.metadata, labels }, spec }
    const status = isKept(record) ? { status: { stays: true } } : {}
    const taken = await this.#needs.records.replace({ ...withFormers(next, others), ...status })
    this.#view.put(taken)
    return { ip, record: taken, before: isKept(record) ? 'kept' : 'of-another' }
  }

  /**
   * An address of the first pool that has one left, in their order.
   * @throws {Failure} `pool-exhausted`, naming every pool; `pool-contended`
   */
  async allocate(taker: Taker, pools: readonly SpiderIpPool[]): Promise<Granted> {
    await this.#view.ready()
    const holders: Stored[] = []
    for (const pool of pools) {
      const granted = await this.#fromPool({ taker, pool }, holders)
      if (granted !== undefined) return granted
    }
    throw exhausted(pools, { holders, reserved: taker.reserved })
  }

  /** A certain address. @throws {Failure} `address-taken`: somebody has it, or no pool */
  async allocateThis(taker: Taker, ip: Ip, pools: readonly SpiderIpPool[]): Promise<Granted> {
    await this.#view.ready()
    const { ifName } = taker.owner
    const refused = (reason: string): Failure =>
      fail('address-taken', { address: ip, ifName, reason })
    const pool = pools.find((one) => rangesOfPool(one).some((range) => holdsIp(range, ip)))
    const names = pools.map(({ metadata }) => metadata.name).join(', ')
    if (pool === undefined) throw refused(`it is not in pool ${names}`)
    const reserved = taker.reserved.find(({ range }) => holdsIp(range, ip))
    if (reserved !== undefined) throw refused(`SpiderReservedIP ${reserved.name} reserves it`)
    this.#listOf(pool, taker).mark(ip)
    const record = await this.#create(ip, { taker, pool })
    if (record !== undefined) return { ip, pool, record, before: 'free' }
    const holder = await this.#needs.records.get(allocationRef(allocationName(ip)))
    throw refused(holder === undefined ? 'it was taken' : `${holderOf(holder)} holds it`)
  }

  /** Frees one record, whoever has it; false when that very record is gone already. */
  free(releasing: Releasing): Promise<boolean> {
    return free(releasing, this.home)
  }

  /** Gives back what an ADD that failed had got; what somebody had before is theirs again. */
  async giveBack({ record, pool, before }: Granted): Promise<void> {
    const { name, uid } = record.metadata
    if (before === 'free') await free({ name, uid, pool: pool.metadata.name }, this.home)
    else if (before === 'kept') await keep(record, this.home)
    else if (before === 'of-another') await handBack(record, this.home)
  }

  /** Undefined when the pool is full; who fills it is then in `holders`. */
  async #fromPool(by: By, holders: Stored[]): Promise<Granted | undefined> {
    const list = this.#listOf(by.pool, by.taker)
    let ip = list.takeLowest()
    for (let refusals = 0; refusals < MOST_REFUSALS;) {
      if (ip === undefined) {
        const all = await this.#lookAt(by.pool, list)
        ip = list.takeRandom(this.#needs.random)
        if (ip !== undefined) continue
        holders.push(...all)
        return undefined
      }
      const record = this.#shunned.has(ip) ? undefined : await this.#create(ip, by)
      if (record !== undefined) return { ip, pool: by.pool, record, before: 'free' }
      refusals++
      ip = list.takeRandom(this.#needs.random)
    }
    throw fail('pool-contended', { pool: by.pool.metadata.name, tries: MOST_REFUSALS })
  }

  /** Undefined when somebody has the address; it stays marked then. */
  async #create(ip: Ip, { taker, pool }: By): Promise<Stored | undefined> {
    const name = allocationName(ip)
    this.#pending.add(name)
    const { owner, keeper } = taker
    const by = { owner, pool: pool.metadata.name, node: this.#needs.node, keeper }
    try {
      const record = await this.#needs.records.create(allocationOf(ip, by))
      this.#view.put(record)
      return record
    } catch (cause) {
      if (failureIn(cause)?.code === 'record-exists') return undefined
      this.#listOf(pool, taker).free(ip)
      throw cause
    } finally {
      this.#pending.delete(name)
    }
  }

  /** Who holds the pool's addresses in truth; marks that nobody stands behind are taken off. */
  async #lookAt(pool: SpiderIpPool, list: FreeList): Promise<Stored[]> {
    const holders: Stored[] = []
    for await (const { items } of pagesOf(this.#needs.records, ofPool(pool))) {
      holders.push(...items.filter((item) => fieldOf(item, 'pool') === pool.metadata.name))
    }
    const names = new Set(holders.map(({ metadata }) => metadata.name))
    for (const ip of list.taken()) {
      const name = allocationName(ip)
      if (names.has(name) || this.#pending.has(name) || this.#shunned.has(ip)) continue
      const record = await this.#needs.records.get(allocationRef(name))
      if (record !== undefined) {
        // its labels do not say so
        holders.push(record)
        this.#view.put(record)
      } else if (!this.#pending.has(name)) list.free(ip)
    }
    return holders
  }

  /** Addresses of the pool that are not reserved. */
  #listOf(pool: SpiderIpPool, { reserved }: Taker): FreeList {
    const { name, uid = '', resourceVersion = '' } = pool.metadata
    const key = `${uid} ${resourceVersion} ${formatReserved(reserved)}`
    const known = this.#lists.get(name)
    if (known?.key === key) return known.list
    const family = networkFamily(pool.spec.subnet) ?? 4
    const apart = reserved.flatMap(({ range }) => (range.family === family ? [range] : []))
    const list = new FreeList(subtractRanges(rangesOfPool(pool), apart), family)
    for (const { ip } of this.#view.all()) list.mark(ip)
    this.#lists.set(name, { key, list })
    return list
  }
}

/** What the journal keeps of a granted address. */
export function heldOf({ ip, pool, record }: Granted) {
  const { uid } = record.metadata
  return { held: 'allocation', name: allocationName(ip), uid, pool: pool.metadata.name } as const
}

function formatReserved(reserved: readonly Reserved[]): string {
  return reserved.map(({ range }) => formatRange(range)).join(',')
}

function holdsIp({ family, first, last }: IpRange, ip: Ip): boolean {
  const bits = ipToBits(ip)
  return familyOf(ip) === family && first <= bits && bits <= last
}

function isOf(record: Stored, owner: Owner): boolean {
  return fieldOf(record, 'owner') === ownerKey(owner)
}

function ofPool({ metadata }: SpiderIpPool) {
  return allocationsOf({ pool: metadata.name })
}
