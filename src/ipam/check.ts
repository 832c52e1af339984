/**
 * Proves the allocator's invariants on what a store holds: no address with two
 * owners, none held by a pod that does not exist, none outside its pool.
 * Pure: the caller lists the documents.
 * @module
 */
import type { Document } from '#needs/records.ts'
import { rangeContains } from '#values/ip-range.ts'
import { familyOf, ipToBits } from '#values/ip.ts'
import { readSpiderIpPool } from '#schema/spider-ip-pool.ts'
import { addressOfName, allocationName, fieldOf, holderOf } from './allocation.ts'
import { rangesOfPool } from './pool.ts'

/** One thing that is not as it must be. */
export type Finding = {
  /** `Allocation/172.91.0.112`. */
  readonly object: string
  readonly what: string
  /** The command that mends it. */
  readonly mend: string
}

export type AllocatorState = {
  readonly allocations: readonly Document[]
  readonly pools: readonly Document[]
  /** Undefined where no store knows pods: then nobody is missed. */
  readonly pods: readonly Document[] | undefined
}

/** Every finding, in the order of the allocations; none when all invariants hold. */
export function checkAllocations({ allocations, pools, pods }: AllocatorState): Finding[] {
  const owners = Map.groupBy(
    allocations,
    (one) => `${fieldOf(one, 'owner')} ${fieldOf(one, 'pool')}`,
  )
  const uids = pods === undefined ? undefined : new Set(pods.map((pod) => pod.metadata.uid))
  return allocations.flatMap((one) => [
    ...misnamed(one),
    ...outsidePool(one, pools),
    ...heldByNobody(one, uids),
    ...heldTwice(one, owners.get(`${fieldOf(one, 'owner')} ${fieldOf(one, 'pool')}`) ?? []),
  ])
}

function finding(one: Document, what: string): Finding {
  const { name } = one.metadata
  return { object: `Allocation/${name}`, what, mend: `verbena delete allocation ${name}` }
}

/** A record under another name than its address would let the address be given twice. */
function misnamed(one: Document): Finding[] {
  const address = fieldOf(one, 'address')
  try {
    const ip = addressOfName(one.metadata.name)
    return allocationName(ip) === one.metadata.name && ip === address
      ? []
      : [finding(one, `it holds ${address}, which is not its name`)]
  } catch {
    return [finding(one, `its name is no address; it holds ${address}`)]
  }
}

function outsidePool(one: Document, pools: readonly Document[]): Finding[] {
  const name = fieldOf(one, 'pool')
  const pool = pools.find(({ metadata }) => metadata.name === name)
  if (pool === undefined) return [finding(one, `its pool ${name} does not exist`)]
  const read = readSpiderIpPool(pool)
  if (!read.ok) return []
  try {
    const ip = addressOfName(one.metadata.name)
    const bits = ipToBits(ip)
    const at = { family: familyOf(ip), first: bits, last: bits }
    const inside = rangesOfPool(read.value).some((range) => rangeContains(range, at))
    return inside ? [] : [finding(one, `it is outside the addresses of pool ${name}`)]
  } catch {
    return []
  }
}

function heldByNobody(one: Document, uids: ReadonlySet<string | undefined> | undefined): Finding[] {
  const uid = fieldOf(one, 'podUid')
  if (uids === undefined || uid === '' || uids.has(uid)) return []
  return [finding(one, `pod ${holderOf(one)} with UID ${uid} does not exist`)]
}

/** One interface has one address of a pool. */
function heldTwice(one: Document, ofOwner: readonly Document[]): Finding[] {
  const [first] = ofOwner
  if (first === undefined || first === one) return []
  return [finding(one, `${holderOf(one)} holds ${fieldOf(first, 'address')} of the same pool too`)]
}
