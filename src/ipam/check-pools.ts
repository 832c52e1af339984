/**
 * Pools as a store holds them: each can be read, one that is terminating still
 * holds something, and counts that were written are true.
 * @module
 */
import type { Document } from '#needs/records.ts'
import { rangeContains } from '#values/ip-range.ts'
import { type Ip, familyOf, ipToBits } from '#values/ip.ts'
import { POOL_KIND, readSpiderIpPool } from '#schema/spider-ip-pool.ts'
import { fieldOf } from './allocation.ts'
import type { AllocatorState, Finding } from './finding.ts'
import { rangesOfPool } from './pool.ts'
import { readOr } from './text-fault.ts'

/** Whether an address is one of the pool's; undefined for a pool that cannot be read. */
export function mayGive(pool: Document, ip: Ip): boolean | undefined {
  const read = readSpiderIpPool(pool)
  if (!read.ok) return undefined
  const ranges = readOr(() => rangesOfPool(read.value)).value
  const bits = ipToBits(ip)
  const at = { family: familyOf(ip), first: bits, last: bits }
  return ranges?.some((range) => rangeContains(range, at))
}

/** Findings in the order of the pools. */
export function checkPools({ pools, allocations }: AllocatorState): Finding[] {
  const held = Map.groupBy(allocations, (one) => fieldOf(one, 'pool'))
  return pools.flatMap((pool) => {
    const count = held.get(pool.metadata.name)?.length ?? 0
    return [...unreadable(pool), ...emptyAndTerminating(pool, count), ...miscounted(pool, count)]
  })
}

function finding(pool: Document, found: Pick<Finding, 'damage' | 'what' | 'mend'>): Finding {
  const object = `${POOL_KIND}/${pool.metadata.name}`
  return { object, ...found, document: pool, use: undefined }
}

function unreadable(pool: Document): Finding[] {
  const read = readSpiderIpPool(pool)
  const [fault] = read.ok ? [] : read.faults
  const ranges = read.ok ? readOr(() => rangesOfPool(read.value)) : undefined
  if (read.ok && ranges?.value !== undefined) return []
  const why = fault === undefined ? 'its ranges cannot be read' : `${fault.field}: ${fault.message}`
  const mend = 'verbena apply -f FILE, with the pool as it should be'
  return [
    finding(pool, { damage: 'pool-unreadable', what: `no address comes of it: ${why}`, mend }),
  ]
}

/** Nothing comes back for it: standalone no controller takes the finalizer away. */
function emptyAndTerminating(pool: Document, held: number): Finding[] {
  const { name, deletionTimestamp } = pool.metadata
  if (deletionTimestamp === undefined || held > 0) return []
  const what = 'it is terminating and holds no address any more'
  return [
    finding(pool, { damage: 'pool-empty', what, mend: `verbena delete spiderippool ${name}` }),
  ]
}

/** Counts are derived from the allocations; those that were written may have grown old. */
function miscounted(pool: Document, held: number): Finding[] {
  const read = readSpiderIpPool(pool)
  const written = read.ok ? read.value.status?.allocatedIPCount : undefined
  if (written === undefined || written === held) return []
  const what = `its status counts ${written} allocations, there are ${held}`
  return [finding(pool, { damage: 'pool-counts', what, mend: 'verbena repair' })]
}
