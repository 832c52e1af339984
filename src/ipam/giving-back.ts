/**
 * The ways out of an allocation: freed, kept for the next pod of the name, or
 * handed back. A newer container of a pod takes the address over while the
 * older one's interface may still live; who had it is noted in the record, so
 * that the address is theirs again when the newer one goes first, whoever
 * crashed meanwhile.
 * @module
 */
import type { Document, Records, Stored } from '#needs/records.ts'
import { failureIn } from '#values/failure.ts'
import { type Owner, ownerKey } from '#values/owner.ts'
import { allocationRef, fieldOf } from './allocation.ts'
import { type Former, formersOf } from './allocation-state.ts'
import type { AllocationView } from './allocation-view.ts'
import { labelsOf } from './labels.ts'

/** One record that is to be given back. */
export type Releasing = { readonly name: string; readonly uid: string; readonly pool: string }

export type Home = { readonly records: Records; readonly view: AllocationView }

/** The record with these older holders, and nothing else in its status. */
export function withFormers<T extends Document>(record: T, formers: readonly Former[]): T {
  return { ...record, status: formers.length === 0 ? {} : { before: formers } }
}

/** False when that very record is gone already. */
export async function free({ name, uid }: Releasing, { records, view }: Home): Promise<boolean> {
  try {
    return await records.delete(allocationRef(name), { uid })
  } catch (cause) {
    // another has the address by now: ours is gone
    if (failureIn(cause)?.code === 'record-conflict') return false
    throw cause
  } finally {
    view.drop({ name, uid })
  }
}

/** Nobody has the address, and it is not free: the next pod of the name gets it. */
export async function keep(record: Stored, { records, view }: Home): Promise<void> {
  view.put(await records.replace({ ...record, status: { state: 'kept' } }))
}

/** The record is again that of the container that had it last; false when there is none. */
export async function handBack(record: Stored, { records, view }: Home): Promise<boolean> {
  const formers = formersOf(record)
  const spec = formers.at(-1)
  if (spec === undefined) return false
  const back = { ...record, spec }
  const [owner, pool, node] = [fieldOf(back, 'owner'), fieldOf(back, 'pool'), fieldOf(back, 'node')]
  const labels = { ...record.metadata.labels, ...labelsOf({ owner, pool, node }) }
  const metadata = { ...record.metadata, labels }
  view.put(await records.replace(withFormers({ ...back, metadata }, formers.slice(0, -1))))
  return true
}

/**
 * The record while the owner's container has it. One that was repaired has
 * another UID than it had. A container that had it before is noted no more.
 */
export async function recordHeldBy(
  owner: Owner,
  at: Releasing,
  { records, view }: Home,
): Promise<Stored | undefined> {
  const record = await records.get(allocationRef(at.name))
  if (record === undefined) return undefined
  const isIts = fieldOf(record, 'owner') === ownerKey(owner)
  if (record.metadata.uid !== at.uid && !isIts) return undefined
  if (fieldOf(record, 'containerId') === owner.containerId) return record
  const formers = formersOf(record)
  const left = formers.filter(({ containerId }) => containerId !== owner.containerId)
  if (left.length < formers.length) view.put(await records.replace(withFormers(record, left)))
  return undefined
}
