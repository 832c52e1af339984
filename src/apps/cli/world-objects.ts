/**
 * Documents of a world: taken in order as an API server would take them, put
 * into a store, and read out of it again with what has changed.
 * @module
 */
import { allocationsInStatus } from '#ipam/index.ts'
import type { Document, Records, Stored } from '#needs/records.ts'
import type { FoundDocument } from '#schema/documents.ts'
import { KINDS } from '#schema/kinds.ts'
import { isRecord } from '#schema/zod.ts'
import type { PodRef } from '#values/owner.ts'
import { asWritten, type LeftOut } from './as-written.ts'
import { keyOf, type State, withDocument } from './state.ts'
import { listAll } from './store.ts'

/** The objects as found documents; `where` is the path of each. */
export function foundObjects(objects: readonly unknown[]): FoundDocument[] {
  return objects.map((object, index) => {
    const raw = isRecord(object) ? object : {}
    const { apiVersion, kind } = raw
    const head = {
      apiVersion: typeof apiVersion === 'string' ? apiVersion : '',
      kind: typeof kind === 'string' ? kind : '',
    }
    return { document: { ...raw, ...head }, where: `objects[${index}]` }
  })
}

/** A store's documents as they were put into it, by {@link keyOf}. */
export type Loaded = ReadonlyMap<string, Stored>

/** A state with a record for each address that the status of a pool says is held. */
function withHeld(state: State): State {
  const pools = [...state.values()].filter(({ kind }) => kind === 'SpiderIPPool')
  const held = pools.flatMap(allocationsInStatus)
  return held.filter((one) => !state.has(keyOf(one))).reduce(withDocument, state)
}

/** Puts the documents of a state into an empty store; a Pod without a uid gets that of `pod`. */
export async function loadState(
  state: State,
  records: Records,
  pod: PodRef | undefined,
): Promise<Loaded> {
  const loaded = new Map<string, Stored>()
  for (const [key, document] of withHeld(state)) {
    loaded.set(key, await records.create(withUid(document, pod)))
  }
  return loaded
}

function withUid(document: Document, pod: PodRef | undefined): Document {
  const { kind, metadata } = document
  const { namespace, name, uid } = metadata
  const isIt = kind === 'Pod' && namespace === pod?.namespace && name === pod?.name
  if (!isIt || pod === undefined || (uid !== undefined && uid !== '')) return document
  return { ...document, metadata: { ...metadata, uid: pod.uid } }
}

/**
 * The objects of the world after: those that stood in it as they were written
 * but for what changed, then the new ones. What only follows from others is left out.
 */
export async function objectsAfter(
  objects: readonly unknown[],
  { records, loaded }: { readonly records: Records; readonly loaded: Loaded },
  leftOut: LeftOut,
): Promise<unknown[]> {
  const now = new Map<string, Stored>()
  for (const kind of KINDS) for (const one of await listAll(kind, records)) now.set(keyOf(one), one)
  const keys = foundObjects(objects).map(({ document }) => keyOfRaw(document, loaded))
  const old = keys.flatMap((key, index) => {
    const [before, after] = [loaded.get(key), now.get(key)]
    if (before === undefined) return [objects[index]]
    if (after === undefined) return []
    const versions = { raw: objects[index], before: plain(before), after: plain(after) }
    return [asWritten(versions, leftOut, `/objects/${key}`)]
  })
  const made = [...now].filter(([key]) => !keys.includes(key) && !loaded.has(key))
  return [...old, ...made.map(([, document]) => plain(document))]
}

/** A namespaced document that names no namespace is in the default one. */
function keyOfRaw(document: FoundDocument['document'], loaded: Loaded): string {
  const { apiVersion, kind } = document
  const metadata = isRecord(document['metadata']) ? document['metadata'] : {}
  const [name, namespace] = [metadata['name'], metadata['namespace']].map(textOr)
  const bare = keyOf({ apiVersion, kind, metadata: { name: name ?? '' } })
  const within = (one: string): string =>
    keyOf({ apiVersion, kind, metadata: { name: name ?? '', namespace: one } })
  const own = within(namespace === undefined || namespace === '' ? 'default' : namespace)
  return loaded.has(own) ? own : bare
}

function textOr(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** Without what only this store knows of it. */
function plain(document: Stored): unknown {
  const { resourceVersion: _, generation: __, ...metadata } = document.metadata
  return { ...document, metadata }
}
