/**
 * `Records` in a map, for histories of a million operations: the same contract
 * as the stores' (`test/contract/records.ts` runs over it), without their cost.
 * @module
 */
import { isDeepStrictEqual } from 'node:util'
import type { Change, Document, Page, Records, Ref, Selection, Stored } from '#needs/records.ts'
import { fail } from '#store/failures.ts'

type Written = {
  readonly change: Change['change']
  readonly document: Stored
  /** As it was until then; undefined for a new one. */
  readonly before: Stored | undefined
  readonly at: number
}

export type MemoryRecords = Records & {
  /** Everything that is stored, in the order of writing. */
  all(): Iterable<Stored>
}

/** Changes that a watch can start from. */
const KEPT = 2_000

export function memoryRecords(): MemoryRecords {
  const documents = new Map<string, Stored>()
  const changes: Written[] = []
  const wakers = new Set<() => void>()
  let revision = 0
  let ids = 0
  const note = (change: Change['change'], document: Stored, before?: Stored): Stored => {
    changes.push({ change, document, before, at: revision })
    if (changes.length > 2 * KEPT) changes.splice(0, KEPT)
    for (const wake of wakers) wake()
    return document
  }
  const stamped = (document: Document, metadata: Partial<Stored['metadata']>): Stored => {
    const resourceVersion = String(++revision)
    const made = { creationTimestamp: '2026-01-01T00:00:00Z', uid: '', ...document.metadata }
    return { ...document, metadata: { ...made, ...metadata, resourceVersion } }
  }
  const drop = (before: Stored): void => {
    documents.delete(keyOf(refOf(before)))
    note('deleted', stamped(before, {}), before)
    const owned = [...documents.values()].filter((one) => isControlledBy(one, before))
    for (const one of owned) drop(one)
  }
  return {
    all: () => documents.values(),
    get: async (ref) => documents.get(keyOf(ref)),
    list: async (selection) => pageOf([...documents.values()], selection, String(revision)),
    async create(document) {
      const key = keyOf(refOf(document))
      if (documents.has(key)) throw fail('record-exists', named(refOf(document)))
      const made = stamped(document, { uid: uidOf(++ids), generation: 1 })
      documents.set(key, made)
      return note('added', made)
    },
    async replace(document) {
      const ref = refOf(document)
      const before = documents.get(keyOf(ref))
      if (before === undefined) throw fail('record-missing', named(ref))
      const { uid, resourceVersion } = document.metadata
      const sameUid = uid === undefined || uid === before.metadata.uid
      if (!sameUid || resourceVersion !== before.metadata.resourceVersion) {
        throw fail('record-conflict', named(ref))
      }
      const { uid: id, creationTimestamp, generation: count = 1 } = before.metadata
      const generation = count + (isDeepStrictEqual(document['spec'], before['spec']) ? 0 : 1)
      const made = stamped(document, { uid: id, creationTimestamp, generation })
      documents.set(keyOf(ref), made)
      return note('modified', made, before)
    },
    async delete(ref, precondition) {
      const before = documents.get(keyOf(ref))
      if (before === undefined) return false
      if (precondition !== undefined && precondition.uid !== before.metadata.uid) {
        throw fail('record-conflict', named(ref))
      }
      drop(before)
      return true
    },
    async *watch(selection, since, signal) {
      let seen = Number(since)
      while (!signal.aborted) {
        const [oldest] = changes
        if (oldest !== undefined && seen < oldest.at - 1) {
          throw fail('record-expired', { kind: selection.kind, since })
        }
        for (const written of changesAfter(changes, seen)) {
          seen = written.at
          const change = changeIn(written, selection)
          const { document, at } = written
          if (change !== undefined) yield { change, document, resourceVersion: String(at) }
        }
        if (seen === revision) await woken(wakers, signal)
      }
    },
  }
}

function changesAfter(changes: readonly Written[], seen: number): readonly Written[] {
  const from = changes.findLastIndex(({ at }) => at <= seen)
  return changes.slice(from + 1)
}

/** What a change is for a selection that its document may enter or leave. */
function changeIn(
  { change, document, before }: Written,
  selection: Selection,
): Change['change'] | undefined {
  const was = before !== undefined && matches(before, selection)
  const is = change !== 'deleted' && matches(document, selection)
  if (was) return is ? 'modified' : 'deleted'
  return is ? 'added' : undefined
}

function isControlledBy({ metadata }: Stored, owner: Stored): boolean {
  const references = metadata.ownerReferences ?? []
  return references.some((one) => one.controller === true && one.uid === owner.metadata.uid)
}

function uidOf(count: number): string {
  return `00000000-0000-4000-8000-${count.toString(16).padStart(12, '0')}`
}

function woken(wakers: Set<() => void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      wakers.delete(wake)
      signal.removeEventListener('abort', wake)
      resolve()
    }
    wakers.add(wake)
    signal.addEventListener('abort', wake)
  })
}

function pageOf(all: readonly Stored[], selection: Selection, version: string): Page {
  const { limit, from } = selection
  const [at = version, after = ''] = from?.split('\n') ?? []
  const chosen = all
    .filter((one) => matches(one, selection))
    .toSorted((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1))
    .filter((one) => from === undefined || placeOf(one) > after)
  const items = limit === undefined ? chosen : chosen.slice(0, limit)
  const last = items.length < chosen.length ? items.at(-1) : undefined
  const next = last === undefined ? undefined : `${at}\n${placeOf(last)}`
  return { items, next, resourceVersion: at }
}

function matches(document: Stored, { apiVersion, kind, namespace, labels = {} }: Selection) {
  if (document.kind !== kind || document.apiVersion !== apiVersion) return false
  if (namespace !== undefined && document.metadata.namespace !== namespace) return false
  const own = document.metadata.labels ?? {}
  return Object.entries(labels).every(([key, value]) => own[key] === value)
}

function placeOf({ metadata }: Stored): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`
}

function keyOf({ apiVersion, kind, namespace = '', name }: Ref): string {
  return `${apiVersion}/${kind}/${namespace}/${name}`
}

function refOf({ apiVersion, kind, metadata }: Document): Ref {
  return { apiVersion, kind, namespace: metadata.namespace, name: metadata.name }
}

function named({ kind, name }: Ref): { kind: string; name: string } {
  return { kind, name }
}
