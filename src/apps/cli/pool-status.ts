/**
 * What a pool has given out, derived from the allocations whenever it is read:
 * standalone there is no roll-up in its status.
 * @module
 */
import { capped, reservedIn, statusOfSpiderSubnet } from '#ipam/index.ts'
import type { Document, Records } from '#needs/records.ts'
import { readSpiderSubnet } from '#schema/spider-subnet.ts'
import {
  countOfRanges,
  formatRange,
  type IpRange,
  mergeRanges,
  parseRange,
  subtractRanges,
} from '#values/ip-range.ts'
import { addressOf, ALLOCATION, holderOf } from './allocation.ts'
import { textAt, textsAt } from './fields.ts'
import { listAll } from './store.ts'

/** A pool's addresses. */
export type PoolUse = {
  readonly total: bigint
  /** Allocations, by address. */
  readonly allocations: readonly Document[]
  /** Free addresses as merged ranges, lowest first. */
  readonly free: readonly IpRange[]
}

/** Allocations by the name of their pool. */
export type AllocationsByPool = ReadonlyMap<string, readonly Document[]>

export async function allocationsByPool(records: Records): Promise<AllocationsByPool> {
  const all = await listAll(ALLOCATION, records)
  return Map.groupBy(all, (allocation) => textAt(allocation, 'spec', 'pool') ?? '')
}

/** Addresses that are reserved are not free, and count all the same. */
export function useOf(
  pool: Document,
  byPool: AllocationsByPool,
  reserved: readonly IpRange[] = [],
): PoolUse {
  const allocations = byPool.get(pool.metadata.name) ?? []
  const whole = subtractRanges(rangesAt(pool, 'ips'), rangesAt(pool, 'excludeIPs'))
  const family = whole[0]?.family
  const taken = [
    ...allocations.flatMap((one) => rangesOf(addressOf(one))),
    ...reserved.filter((range) => range.family === family),
  ]
  return { total: capped(countOfRanges(whole)), allocations, free: subtractRanges(whole, taken) }
}

/** What every SpiderReservedIP of the store keeps from being given out. */
export async function reservedRanges(records: Records): Promise<IpRange[]> {
  const kind = { apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderReservedIP' }
  return reservedIn(await listAll(kind, records)).map(({ range }) => range)
}

/** Subnets with the `status` that a cluster's roll-up would have written. */
export function withSpiderSubnetStatus(
  subnets: readonly Document[],
  pools: readonly Document[],
): Document[] {
  return subnets.map((subnet) => {
    const read = readSpiderSubnet(subnet)
    return read.ok ? { ...subnet, status: statusOfSpiderSubnet(read.value, pools) } : subnet
  })
}

/** First free ranges in short; `<none>` when all are held. */
export function formatFree({ free }: PoolUse, shown = 3): string {
  if (free.length === 0) return '<none>'
  const more = free.length > shown ? ',...' : ''
  return `${free.slice(0, shown).map(formatRange).join(',')}${more}`
}

/** Pools with the `status` that a cluster's roll-up would have written. */
export async function withStatusOf(
  pools: readonly Document[],
  records: Records,
): Promise<Document[]> {
  if (pools.length === 0) return []
  const byPool = await allocationsByPool(records)
  return pools.map((pool) => ({ ...pool, status: statusOf(useOf(pool, byPool)) }))
}

function statusOf({ total, allocations }: PoolUse): Record<string, unknown> {
  const held = allocations.map((one) => [
    addressOf(one),
    { pod: holderOf(one), podUid: textAt(one, 'spec', 'podUid') ?? '' },
  ])
  return {
    ...(held.length === 0 ? {} : { allocatedIPs: JSON.stringify(Object.fromEntries(held)) }),
    totalIPCount: Number(total),
    allocatedIPCount: allocations.length,
  }
}

function rangesAt(pool: Document, key: 'ips' | 'excludeIPs'): IpRange[] {
  return mergeRanges(textsAt(pool, 'spec', key).flatMap(rangesOf))
}

/** A text that is no range counts for nothing: a listing shows the rest. */
function rangesOf(text: string): IpRange[] {
  try {
    return [parseRange(text)]
  } catch {
    return []
  }
}
