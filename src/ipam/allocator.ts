/**
 * Allocates addresses of pools as records, one an address. Nobody holds a
 * lock: two agents that choose the same address meet in the store, and the one
 * that is refused chooses another.
 *
 * Idempotent by owner and pool; a newer container of the owner takes over.
 * @module
 */
import type { Document, Records, Stored } from '#needs/records.ts'
import type { Random } from '#needs/clock.ts'
import { failureIn } from '#values/failure.ts'
import { type Ip, parseIp } from '#values/ip.ts'
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

/** Holders named in a failure. */
const SHOWN_HOLDERS = 3
/** Tries against other agents before the pool is read again. */
const REFUSALS = 64

export class Allocator {
  readonly #needs: AllocatorNeeds
  /** By pool name and resource version: a changed pool is looked at anew. */
  readonly #lists = new Map<string, { version: string; list: Promise<FreeList> }>()

  constructor(needs: AllocatorNeeds) {
    this.#needs = needs
  }

  /** What the owner holds already. */
  async heldBy(owner: Owner): Promise<readonly Stored[]> {
    const { items } = await this.#needs.records.list(allocationsOf({ owner }))
    const key = ownerKey(owner)
    return items.filter((item) => fieldOf(item, 'owner') === key)
  }

  /** Records the newer container of an owner that holds the address already. */
  async takeOver(record: Stored, owner: Owner): Promise<Stored> {
    if (fieldOf(record, 'containerId') === owner.containerId) return record
    const spec = {
      ...Object(record['spec']),
      containerId: owner.containerId,
      node: this.#needs.node,
    }
    return this.#needs.records.replace({ ...record, spec })
  }

  /**
   * An address of the first pool that has one left, in their order.
   * @throws {Failure} `pool-exhausted`, of the last pool, when none has
   */
  async allocate(owner: Owner, pools: readonly SpiderIpPool[]): Promise<Granted> {
    for (const [i, pool] of pools.entries()) {
      const granted = await this.#fromPool(owner, pool)
      if (granted !== undefined) return granted
      if (i === pools.length - 1) throw await this.#exhausted(pool)
    }
    throw fail('pool-none', { ifName: owner.ifName, reasons: 'no pool is named' })
  }

  /** A certain address. @throws {Failure} `address-not-available`: somebody has it, or no pool */
  async allocateThis(owner: Owner, ip: Ip, pools: readonly SpiderIpPool[]): Promise<Granted> {
    for (const pool of pools) {
      const list = await this.#listOf(pool)
      if (!list.has(ip)) continue
      list.mark(ip)
      const record = await this.#create(ip, { owner, pool })
      if (record !== undefined) return { ip, pool, record }
    }
    const ranges = pools.map(({ metadata }) => metadata.name).join(', ')
    throw fail('address-not-available', { address: ip, ranges })
  }

  /** Frees one address; false when that very record is gone already. */
  async release(of: {
    readonly name: string
    readonly uid: string
    readonly pool: string
  }): Promise<boolean> {
    const { name, uid, pool } = of
    const known = this.#lists.get(pool)
    try {
      const freed = await this.#needs.records.delete(allocationRef(name), { uid })
      if (freed && known !== undefined && !name.includes('-'))
        (await known.list).free(parseIp(name))
      return freed
    } catch (cause) {
      // another owner has the address by now: ours is gone
      if (failureIn(cause)?.code === 'record-conflict') return false
      throw cause
    }
  }

  async #fromPool(owner: Owner, pool: SpiderIpPool): Promise<Granted | undefined> {
    const known = await this.#listOf(pool)
    const granted = await this.#fromList(known, { owner, pool })
    if (granted !== undefined) return granted
    // the hint says full: the truth is in the store
    this.#lists.delete(pool.metadata.name)
    return this.#fromList(await this.#listOf(pool), { owner, pool })
  }

  async #fromList(
    list: FreeList,
    by: { owner: Owner; pool: SpiderIpPool },
  ): Promise<Granted | undefined> {
    let ip = list.takeLowest()
    for (let refusals = 0; ip !== undefined && refusals < REFUSALS; refusals++) {
      const record = await this.#create(ip, by).catch((cause: unknown) => {
        if (ip !== undefined) list.free(ip)
        throw cause
      })
      if (record !== undefined) return { ip, pool: by.pool, record }
      ip = list.takeRandom(this.#needs.random)
    }
    if (ip !== undefined) list.free(ip)
    return undefined
  }

  /** Undefined when somebody has the address. */
  async #create(
    ip: Ip,
    { owner, pool }: { owner: Owner; pool: SpiderIpPool },
  ): Promise<Stored | undefined> {
    const document: Document = allocationOf(ip, {
      owner,
      pool: pool.metadata.name,
      node: this.#needs.node,
    })
    try {
      return await this.#needs.records.create(document)
    } catch (cause) {
      if (failureIn(cause)?.code === 'record-exists') return undefined
      throw cause
    }
  }

  #listOf(pool: SpiderIpPool): Promise<FreeList> {
    const { name, resourceVersion = '' } = pool.metadata
    const known = this.#lists.get(name)
    if (known?.version === resourceVersion) return known.list
    const list = this.#readList(pool)
    this.#lists.set(name, { version: resourceVersion, list })
    // a list that could not be read must not stay
    list.catch(() => this.#lists.delete(name))
    return list
  }

  async #readList(pool: SpiderIpPool): Promise<FreeList> {
    const list = new FreeList(rangesOfPool(pool), poolFamily(pool.spec.subnet) ?? 4)
    const { items } = await this.#needs.records.list(allocationsOf({ pool: pool.metadata.name }))
    for (const item of items) list.mark(parseIp(fieldOf(item, 'address')))
    return list
  }

  async #exhausted(pool: SpiderIpPool): Promise<Error> {
    const { name } = pool.metadata
    const { items } = await this.#needs.records.list(allocationsOf({ pool: name }))
    const shown = items.slice(0, SHOWN_HOLDERS).map((item) => allocationLabel(item))
    const more = items.length > shown.length ? ` and ${items.length - shown.length} more` : ''
    const size = (await this.#listOf(pool)).size
    return fail('pool-exhausted', {
      pool: name,
      size,
      holders: `${shown.join(', ')}${more}` || 'nobody',
    })
  }
}

function allocationLabel(item: Stored): string {
  return `${fieldOf(item, 'address')} ${holderOf(item)}`
}

/** What the journal keeps of a granted address. */
export function heldOf({ ip, pool, record }: Granted) {
  const { uid } = record.metadata
  return { held: 'allocation', name: allocationName(ip), uid, pool: pool.metadata.name } as const
}
