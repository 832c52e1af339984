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
import type { Ip } from '#values/ip.ts'
import { type Owner, ownerKey } from '#values/owner.ts'
import type { SpiderIpPool } from '#schema/spider-ip-pool.ts'
import {
  allocationName,
  allocationOf,
  allocationRef,
  allocationsOf,
  fieldOf,
  holderOf,
} from './allocation.ts'
import { AllocationView, pagesOf } from './allocation-view.ts'
import { fail } from './failures.ts'
import { FreeList } from './free-list.ts'
import { poolFamily, rangesOfPool } from './pool.ts'

export type AllocatorNeeds = {
  readonly records: Records
  readonly random: Random
  readonly node: string
}

/** An address that is held now. */
export type Granted = { readonly ip: Ip; readonly pool: SpiderIpPool; readonly record: Stored }

/** One record that is to be freed. */
export type Releasing = { readonly name: string; readonly uid: string; readonly pool: string }

type By = { readonly owner: Owner; readonly pool: SpiderIpPool }

/** Holders named in a failure. */
const SHOWN_HOLDERS = 3
/** Addresses that others may take before us, one after the other. */
const MOST_REFUSALS = 1_000

export class Allocator {
  readonly #needs: AllocatorNeeds
  readonly #view: AllocationView
  /** By pool name; a pool that was changed or made anew gets a new one. */
  readonly #lists = new Map<string, { readonly key: string; readonly list: FreeList }>()
  /** Names whose record is being created at this moment. */
  readonly #pending = new Set<string>()

  constructor(needs: AllocatorNeeds) {
    this.#needs = needs
    this.#view = new AllocationView(needs.records, {
      taken: (ip) => {
        for (const { list } of this.#lists.values()) list.mark(ip)
      },
      free: (ip) => {
        if (this.#pending.has(allocationName(ip))) return
        for (const { list } of this.#lists.values()) list.free(ip)
      },
    })
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

  /** What the owner holds by the store alone. */
  async recordsOf(owner: Owner): Promise<Stored[]> {
    const { items } = await this.#needs.records.list(allocationsOf({ owner }))
    return items.filter((item) => isOf(item, owner))
  }

  /** Notes the newer container of an owner that holds the address already. */
  async takeOver(record: Stored, owner: Owner): Promise<Stored> {
    if (fieldOf(record, 'containerId') === owner.containerId) return record
    const { containerId } = owner
    const spec = { ...Object(record['spec']), containerId, node: this.#needs.node }
    const taken = await this.#needs.records.replace({ ...record, spec })
    this.#view.put(taken)
    return taken
  }

  /**
   * An address of the first pool that has one left, in their order.
   * @throws {Failure} `pool-exhausted`, naming every pool; `pool-contended`
   */
  async allocate(owner: Owner, pools: readonly SpiderIpPool[]): Promise<Granted> {
    await this.#view.ready()
    const holders: Stored[] = []
    for (const pool of pools) {
      const granted = await this.#fromPool({ owner, pool }, holders)
      if (granted !== undefined) return granted
    }
    throw this.#exhausted(pools, holders)
  }

  /** A certain address. @throws {Failure} `address-taken`: somebody has it, or no pool */
  async allocateThis(owner: Owner, ip: Ip, pools: readonly SpiderIpPool[]): Promise<Granted> {
    await this.#view.ready()
    const refused = (reason: string): Failure =>
      fail('address-taken', { address: ip, ifName: owner.ifName, reason })
    const pool = pools.find((one) => this.#listOf(one).has(ip))
    const names = pools.map(({ metadata }) => metadata.name).join(', ')
    if (pool === undefined) throw refused(`it is not in pool ${names}`)
    this.#listOf(pool).mark(ip)
    const record = await this.#create(ip, { owner, pool })
    if (record !== undefined) return { ip, pool, record }
    const holder = await this.#needs.records.get(allocationRef(allocationName(ip)))
    throw refused(holder === undefined ? 'it was taken' : `${holderOf(holder)} holds it`)
  }

  /**
   * Frees one record; false when that very record is gone already.
   * With `owner` only while its container has it: a newer one took over.
   */
  async release({ name, uid }: Releasing, owner: Owner | undefined): Promise<boolean> {
    if (owner !== undefined && !(await this.#isHeldBy(owner, { name, uid }))) return false
    try {
      return await this.#needs.records.delete(allocationRef(name), { uid })
    } catch (cause) {
      // another has the address by now: ours is gone
      if (failureIn(cause)?.code === 'record-conflict') return false
      throw cause
    } finally {
      this.#view.drop({ name, uid })
    }
  }

  async #isHeldBy({ containerId }: Owner, at: { name: string; uid: string }): Promise<boolean> {
    const known = this.#view.get(at.name)
    if (known?.uid === at.uid) return known.containerId === containerId
    const record = await this.#needs.records.get(allocationRef(at.name))
    if (record?.metadata.uid !== at.uid) return false
    return fieldOf(record, 'containerId') === containerId
  }

  /** Undefined when the pool is full; who fills it is then in `holders`. */
  async #fromPool(by: By, holders: Stored[]): Promise<Granted | undefined> {
    const list = this.#listOf(by.pool)
    let ip = list.takeLowest()
    for (let refusals = 0; refusals < MOST_REFUSALS;) {
      if (ip === undefined) {
        const all = await this.#lookAt(by.pool, list)
        ip = list.takeRandom(this.#needs.random)
        if (ip !== undefined) continue
        holders.push(...all)
        return undefined
      }
      const record = await this.#create(ip, by)
      if (record !== undefined) return { ip, pool: by.pool, record }
      refusals++
      ip = list.takeRandom(this.#needs.random)
    }
    throw fail('pool-contended', { pool: by.pool.metadata.name, tries: MOST_REFUSALS })
  }

  /** Undefined when somebody has the address; it stays marked then. */
  async #create(ip: Ip, { owner, pool }: By): Promise<Stored | undefined> {
    const name = allocationName(ip)
    this.#pending.add(name)
    const by = { owner, pool: pool.metadata.name, node: this.#needs.node }
    try {
      const record = await this.#needs.records.create(allocationOf(ip, by))
      this.#view.put(record)
      return record
    } catch (cause) {
      if (failureIn(cause)?.code === 'record-exists') return undefined
      this.#listOf(pool).free(ip)
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
      if (names.has(name) || this.#pending.has(name)) continue
      const record = await this.#needs.records.get(allocationRef(name))
      if (record !== undefined) this.#view.put(record)
      else if (!this.#pending.has(name)) list.free(ip)
    }
    return holders
  }

  #listOf(pool: SpiderIpPool): FreeList {
    const { name, uid = '', resourceVersion = '' } = pool.metadata
    const key = `${uid} ${resourceVersion}`
    const known = this.#lists.get(name)
    if (known?.key === key) return known.list
    const list = new FreeList(rangesOfPool(pool), poolFamily(pool.spec.subnet) ?? 4)
    for (const { ip } of this.#view.all()) list.mark(ip)
    this.#lists.set(name, { key, list })
    return list
  }

  #exhausted(pools: readonly SpiderIpPool[], holders: readonly Stored[]): Failure {
    const shown = holders.slice(0, SHOWN_HOLDERS)
    const texts = shown.map((item) => `${fieldOf(item, 'address')} ${holderOf(item)}`).join(', ')
    const more = holders.length > shown.length ? ` and ${holders.length - shown.length} more` : ''
    const size = pools.reduce((sum, pool) => sum + this.#listOf(pool).size, 0)
    const pool = pools.map(({ metadata }) => metadata.name).join(', ')
    return fail('pool-exhausted', { pool, size, holders: `${texts}${more}` || 'nobody' })
  }
}

/** What the journal keeps of a granted address. */
export function heldOf({ ip, pool, record }: Granted) {
  const { uid } = record.metadata
  return { held: 'allocation', name: allocationName(ip), uid, pool: pool.metadata.name } as const
}

function isOf(record: Stored, owner: Owner): boolean {
  return fieldOf(record, 'owner') === ownerKey(owner)
}

function ofPool({ metadata }: SpiderIpPool) {
  return allocationsOf({ pool: metadata.name })
}
