/**
 * What mends each damage that `check` finds: a plan that can be shown before
 * it is done. Pure. An address is freed only where the interfaces were looked
 * at and none has it; the record's UID is the precondition of its going.
 * @module
 */
import type { Document, Ref } from '#needs/records.ts'
import { parseIp } from '#values/ip.ts'
import { ownerKey } from '#values/owner.ts'
import { addressOfName, allocationName, allocationOf, fieldOf } from './allocation.ts'
import { mayGive } from './check-pools.ts'
import type { AllocatorState, Damage, Finding, Use } from './finding.ts'
import { labelsOf } from './labels.ts'
import { readOr } from './text-fault.ts'

/** What is done to the store. */
export type Act =
  | { readonly do: 'delete'; readonly ref: Ref; readonly uid: string }
  | { readonly do: 'replace'; readonly document: Document }
  | { readonly do: 'create'; readonly document: Document }

/** One damage and what is to be done; without acts it is left to a person. */
export type Repair = {
  readonly object: string
  readonly damage: Damage
  /** Why it is so, or what is known of it. */
  readonly cause: string
  /** What is done, or why nothing is. */
  readonly action: string
  readonly acts: readonly Act[]
}

/** The interfaces, as repair must know them before it frees anything. */
export type Looked =
  | { readonly looked: true; readonly live: ReadonlyMap<string, string> }
  /** Why nobody could look. */
  | { readonly looked: false; readonly reason: string }

/** One repair an object, in the order of the findings. */
export function planRepairs(
  findings: readonly Finding[],
  state: AllocatorState,
  looked: Looked,
): Repair[] {
  const byObject = Map.groupBy(findings, ({ object }) => object)
  return [...byObject.values()].map((ofObject) => {
    // what takes the record away mends whatever else is wrong with it
    const [first, ...others] = ofObject.toSorted((a, b) => weight(b) - weight(a))
    const planned = planOf(first ?? NOTHING, state, looked)
    const { object, damage, what } = first ?? NOTHING
    const cause = [what, ...others.map((one) => one.what)].join('; ')
    return { object, damage, cause, ...planned }
  })
}

type Plan = Pick<Repair, 'action' | 'acts'>

const NOTHING: Finding = {
  object: '',
  damage: 'unused',
  what: '',
  mend: '',
  document: undefined,
  use: undefined,
}
const LIGHT: readonly Damage[] = ['mislabelled', 'pool-counts']

function weight({ damage }: Finding): number {
  return LIGHT.includes(damage) ? 0 : 1
}

function planOf(finding: Finding, state: AllocatorState, looked: Looked): Plan {
  const { damage, document, use } = finding
  if (document === undefined) return use === undefined ? left(finding.mend) : hold(use, state)
  switch (damage) {
    case 'mislabelled':
      return relabel(document)
    case 'misnamed':
    case 'address-twice':
      return rename(document, state, looked)
    case 'unreadable':
      return fill(document, state, looked)
    case 'pool-empty':
      return { action: 'delete the pool', acts: [remove(document)] }
    case 'pool-counts':
      return drop(document)
    case 'endpoint-gone':
      return { action: 'delete the endpoint', acts: [remove(document)] }
    case 'pool-unreadable':
    case 'used-by-another':
      return left(finding.mend)
    default:
      return free(document, state, looked)
  }
}

function left(mend: string): Plan {
  return { action: `none: ${mend}`, acts: [] }
}

/** Why an address may not be freed; undefined when it may. */
function keeps(addresses: readonly string[], looked: Looked): string | undefined {
  if (!looked.looked) return `none: an interface may have it, ${looked.reason}`
  const [address] = addresses.filter((one) => looked.live.has(one))
  if (address === undefined) return undefined
  return `none: ${looked.live.get(address)} has ${address}, delete its pod or container first`
}

function free(document: Document, { busy }: AllocatorState, looked: Looked): Plan {
  if (busy.has(fieldOf(document, 'owner'))) {
    return { action: 'none: its attachment is being made or taken down', acts: [] }
  }
  const kept = keeps(addressesOf(document), looked)
  if (kept !== undefined) return { action: kept, acts: [] }
  const address = fieldOf(document, 'address') || document.metadata.name
  return { action: `free ${address}: no interface has it`, acts: [remove(document)] }
}

/** What the record holds by its field and, where that is an address, by its name. */
function addressesOf(document: Document): string[] {
  const named = readOr(() => addressOfName(document.metadata.name)).value
  return [...new Set([fieldOf(document, 'address'), named ?? ''])].filter((one) => one !== '')
}

/** The record of an address that an attachment has. */
export function recordOfUse({ owner, node, ip, pool }: Use, pools: readonly Document[]): Document {
  const giver = pools.find((one) => mayGive(one, ip) === true)?.metadata.name
  return allocationOf(ip, { owner, pool: pool ?? giver ?? '', node })
}

function hold(use: Use, { pools }: AllocatorState): Plan {
  const action = `hold ${use.ip} for ${use.owner.ifName} of container ${use.owner.containerId}`
  return { action, acts: [{ do: 'create', document: recordOfUse(use, pools) }] }
}

/** The right name for what is used, and nothing for what is not. */
function rename(document: Document, state: AllocatorState, looked: Looked): Plan {
  const address = fieldOf(document, 'address')
  const use = useOf(state, address, fieldOf(document, 'owner'))
  const right = readOr(() => allocationName(parseIp(address))).value
  const known = state.allocations.some((one) => one.metadata.name === right)
  const named = readOr(() => addressOfName(document.metadata.name)).value ?? ''
  const kept = keeps(named === address ? [] : [named], looked)
  if (kept !== undefined) return { action: kept, acts: [] }
  if (use !== undefined && !known) {
    const pool = fieldOf(document, 'pool')
    const own = recordOfUse({ ...use, pool }, state.pools)
    const acts: Act[] = [{ do: 'create', document: own }, remove(document)]
    return { action: `hold ${address} under its own name, and delete this record`, acts }
  }
  if (known) return { action: 'delete this record', acts: [remove(document)] }
  return free(document, state, looked)
}

/** A record that says nothing is filled in from the attachment that has its address. */
function fill(document: Document, state: AllocatorState, looked: Looked): Plan {
  const [address = ''] = addressesOf(document)
  const use = state.uses.find((one) => one.ip === address)
  if (use === undefined) return free(document, state, looked)
  const { spec, metadata } = recordOfUse(use, state.pools)
  const { labels = {} } = metadata
  const filled = { ...document, spec, metadata: { ...document.metadata, labels } }
  const action = `write that ${use.owner.ifName} of container ${use.owner.containerId} holds it`
  return { action, acts: [{ do: 'replace', document: filled }] }
}

function relabel(document: Document): Plan {
  const [owner = '', pool = '', node = ''] = ['owner', 'pool', 'node'].map((field) =>
    fieldOf(document, field),
  )
  const labels = { ...document.metadata.labels, ...labelsOf({ owner, pool, node }) }
  const labelled = { ...document, metadata: { ...document.metadata, labels } }
  return { action: 'write its labels anew', acts: [{ do: 'replace', document: labelled }] }
}

/** Counts come from the allocations when they are read. */
function drop(document: Document): Plan {
  const { status: _, ...rest } = document
  return { action: 'take the counts out', acts: [{ do: 'replace', document: rest }] }
}

function remove({ apiVersion, kind, metadata }: Document): Act {
  const { namespace, name, uid = '' } = metadata
  return { do: 'delete', ref: { apiVersion, kind, namespace, name }, uid }
}

function useOf({ uses }: AllocatorState, address: string, owner: string): Use | undefined {
  return uses.find((one) => one.ip === address && ownerKey(one.owner) === owner)
}
