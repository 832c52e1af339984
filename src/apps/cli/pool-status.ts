/**
 * What a pool has given out, derived from the allocations whenever it is read:
 * standalone there is no roll-up in its status.
 * @module
 */
import type { Document, Records } from '#needs/records.ts'
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

export function useOf(pool: Document, byPool: AllocationsByPool): PoolUse {
  const allocations = byPool.get(pool.metadata.name) ?? []
  const whole = subtractRanges(rangesAt(pool, 'ips'), rangesAt(pool, 'excludeIPs'))
  const taken = allocations.flatMap((one) => rangesOf(addressOf(one)))
  return { total: countOfRanges(whole), allocations, free: subtractRanges(whole, taken) }
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

const INT64_MAX = 2n ** 63n - 1n

function statusOf({ total, allocations }: PoolUse): Record<string, unknown> {
  const count = total > INT64_MAX ? INT64_MAX : total
  const held = allocations.map((one) => [
    addressOf(one),
    { pod: holderOf(one), podUid: textAt(one, 'spec', 'podUid') ?? '' },
  ])
  return {
    ...(held.length === 0 ? {} : { allocatedIPs: JSON.stringify(Object.fromEntries(held)) }),
    totalIPCount: Number(count),
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
