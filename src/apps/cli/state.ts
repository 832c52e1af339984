/**
 * The documents that a command knows, by key. Never changed: each step gives a new one.
 * @module
 */
import type { Document } from '#needs/records.ts'

/** Documents by {@link keyOf}, in order of their first appearance. */
export type State = ReadonlyMap<string, Document>

type Keyed = Pick<Document, 'apiVersion' | 'kind'> & {
  readonly metadata: Pick<Document['metadata'], 'name' | 'namespace'>
}

/** One text per document: equal for forms of the same object. */
export function keyOf({ apiVersion, kind, metadata: { namespace, name } }: Keyed): string {
  return [apiVersion, kind, namespace ?? '', name].join(' ')
}

export function stateOf(documents: readonly Document[]): State {
  return new Map(documents.map((document) => [keyOf(document), document]))
}

export function withDocument(state: State, document: Document): State {
  return new Map([...state, [keyOf(document), document]])
}

export function withoutKeys(state: State, keys: readonly string[]): State {
  return new Map([...state].filter(([key]) => !keys.includes(key)))
}

/** All of one kind. */
export function documentsOf(
  state: State,
  { apiVersion, kind }: { readonly apiVersion: string; readonly kind: string },
): Document[] {
  return [...state.values()].filter(
    (document) => document.apiVersion === apiVersion && document.kind === kind,
  )
}

/** Documents of `keys`, in their order; keys that nothing stands for are left out. */
export function documentsAt(state: State, keys: readonly string[]): Document[] {
  return keys.flatMap((key) => {
    const document = state.get(key)
    return document === undefined ? [] : [document]
  })
}
