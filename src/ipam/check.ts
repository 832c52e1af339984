/**
 * Proves the allocator's invariants on what a store holds: no address with two
 * owners, none held by a pod that does not exist, none outside its pool, none
 * used and not held, none held and used by nobody. Pure: the caller lists the
 * documents and looks at the interfaces.
 * @module
 */
import type { Document } from '#needs/records.ts'
import { ownerKey } from '#values/owner.ts'
import { addressOfName, allocationName, fieldOf, holderOf } from './allocation.ts'
import { checkEndpoints, isKeptFor } from './check-endpoints.ts'
import { checkPools, mayGive } from './check-pools.ts'
import type { AllocatorState, Damage, Finding } from './finding.ts'
import { labelsOf } from './labels.ts'
import { readOr } from './text-fault.ts'

/** Every finding, in the order of the allocations; none when all invariants hold. */
export function checkAllocations(state: AllocatorState): Finding[] {
  const { allocations, pods } = state
  const context: Context = {
    state,
    uids: pods === undefined ? undefined : new Set(pods.map((pod) => pod.metadata.uid)),
    ofOwner: Map.groupBy(usedFirst(state), ownerAndPool),
    ofAddress: Map.groupBy(allocations, (one) => fieldOf(one, 'address')),
    used: new Set(state.uses.map((use) => useKey(ownerKey(use.owner), use.ip))),
  }
  return [
    ...allocations.flatMap((one) => faultsOfAllocation(one, context)),
    ...usedAndNotHeld(state),
    ...checkPools(state),
    ...checkEndpoints(state),
  ]
}

type Context = {
  readonly state: AllocatorState
  readonly uids: ReadonlySet<string | undefined> | undefined
  readonly ofOwner: ReadonlyMap<string, readonly Document[]>
  readonly ofAddress: ReadonlyMap<string, readonly Document[]>
  readonly used: ReadonlySet<string>
}

/** What makes the others meaningless is told alone. */
function faultsOfAllocation(one: Document, context: Context): Finding[] {
  const first = unreadable(one)
  if (first.length > 0) return first
  const name = misnamed(one, context)
  if (name.length > 0) return name
  return [
    ...outsidePool(one, context.state.pools),
    ...heldByNobody(one, context),
    ...heldTwice(one, context),
    ...usedByNobody(one, context),
    ...mislabelled(one),
  ]
}

function finding(one: Document, damage: Damage, what: string): Finding {
  const { name } = one.metadata
  const mend = `verbena delete allocation ${name}`
  return { object: `Allocation/${name}`, damage, what, mend, document: one, use: undefined }
}

function unreadable(one: Document): Finding[] {
  const missing = ['address', 'pool', 'owner'].filter((field) => fieldOf(one, field) === '')
  if (missing.length === 0) return []
  return [finding(one, 'unreadable', `it says nothing of its ${missing.join(' and ')}`)]
}

/** A record under another name than its address would let the address be given twice. */
function misnamed(one: Document, { ofAddress }: Context): Finding[] {
  const address = fieldOf(one, 'address')
  const ip = readOr(() => addressOfName(one.metadata.name)).value
  if (ip === undefined) {
    return [finding(one, 'misnamed', `its name is no address; it holds ${address}`)]
  }
  if (allocationName(ip) === one.metadata.name && ip === address) return []
  const other = ofAddress.get(address)?.find((document) => document !== one)
  return other === undefined
    ? [finding(one, 'misnamed', `it holds ${address}, which is not its name`)]
    : [finding(one, 'address-twice', `it holds ${address}, which ${holderOf(other)} holds too`)]
}

function outsidePool(one: Document, pools: readonly Document[]): Finding[] {
  const name = fieldOf(one, 'pool')
  const pool = pools.find(({ metadata }) => metadata.name === name)
  if (pool === undefined) return [finding(one, 'pool-missing', `its pool ${name} does not exist`)]
  const inside = mayGive(pool, addressOfName(one.metadata.name))
  return inside === false
    ? [finding(one, 'outside-pool', `it is outside the addresses of pool ${name}`)]
    : []
}

function heldByNobody(one: Document, { uids, state }: Context): Finding[] {
  const uid = fieldOf(one, 'podUid')
  if (uids === undefined || uid === '' || uids.has(uid) || isKeptFor(one, state)) return []
  return [finding(one, 'holder-gone', `pod ${holderOf(one)} with UID ${uid} does not exist`)]
}

/** One interface has one address of a pool; the one that is used is the right one. */
function heldTwice(one: Document, { ofOwner }: Context): Finding[] {
  const [first] = ofOwner.get(ownerAndPool(one)) ?? []
  if (first === undefined || first === one) return []
  const text = `${holderOf(one)} holds ${fieldOf(first, 'address')} of the same pool too`
  return [finding(one, 'held-twice', text)]
}

function ownerAndPool(one: Document): string {
  return `${fieldOf(one, 'owner')} ${fieldOf(one, 'pool')}`
}

function usedFirst({ allocations, live }: AllocatorState): readonly Document[] {
  if (live === undefined) return allocations
  const isLive = (one: Document): boolean => live.has(fieldOf(one, 'address'))
  return [...allocations.filter(isLive), ...allocations.filter((one) => !isLive(one))]
}

/** Only where its node's journal was read and every interface looked at. */
function usedByNobody(one: Document, { state, used, uids }: Context): Finding[] {
  const { nodes, live } = state
  const address = fieldOf(one, 'address')
  if (live === undefined || live.has(address) || !nodes.has(fieldOf(one, 'node'))) return []
  const owner = fieldOf(one, 'owner')
  if (used.has(useKey(owner, address)) || state.busy.has(owner) || isKeptFor(one, state)) return []
  const uid = fieldOf(one, 'podUid')
  if (uid !== '' && uids?.has(uid) === false) return []
  return isReleasing(one)
    ? [finding(one, 'released', `${holderOf(one)} gave it back, and its interface is gone`)]
    : [finding(one, 'unused', `no interface of ${holderOf(one)} has it, and no agent knows of it`)]
}

function isReleasing({ status }: Document): boolean {
  return typeof status === 'object' && status !== null && 'state' in status
    ? status.state === 'releasing'
    : false
}

const OWNED = ['owner', 'pool', 'node'] as const

/** Labels are how a record is found by its owner and its pool. */
function mislabelled(one: Document): Finding[] {
  const { labels = {} } = one.metadata
  const [owner = '', pool = '', node = ''] = OWNED.map((field) => fieldOf(one, field))
  const right = labelsOf({ owner, pool, node })
  const wrong = Object.entries(right).filter(([key, value]) => labels[key] !== value)
  if (wrong.length === 0) return []
  const keys = wrong.map(([key]) => key).join(', ')
  const found = finding(one, 'mislabelled', `it cannot be found by ${keys}`)
  return [{ ...found, mend: 'verbena repair' }]
}

/** Addresses of pools that an interface has and no record gives to it. */
function usedAndNotHeld({ uses, allocations, pools }: AllocatorState): Finding[] {
  const byAddress = new Map(allocations.map((one) => [fieldOf(one, 'address'), one]))
  return uses
    .filter(({ gone }) => !gone)
    .filter(({ ip }) => pools.some((pool) => mayGive(pool, ip) === true))
    .flatMap((use) => {
      const { owner, ip } = use
      const holder = byAddress.get(ip)
      if (holder !== undefined && fieldOf(holder, 'owner') === ownerKey(owner)) return []
      const who = `${owner.ifName} of container ${owner.containerId} uses it`
      const object = `Allocation/${allocationName(ip)}`
      const common = { object, document: holder, use }
      return holder === undefined
        ? {
            ...common,
            damage: 'used-not-held',
            what: `${who}, nobody holds it`,
            mend: 'verbena repair',
          }
        : {
            ...common,
            damage: 'used-by-another',
            what: `${who}, ${holderOf(holder)} holds it`,
            mend: `crictl stopp ${owner.containerId}`,
          }
    })
}

function useKey(owner: string, address: string): string {
  return `${owner} ${address}`
}
