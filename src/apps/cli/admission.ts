/**
 * Documents in order, as an API server would take them: read, given their
 * defaults, admitted against what stands by then, with what follows from them.
 * What `apply` and `render` share. Pure: the state is given and a new one comes back.
 * @module
 */
import { admitPool } from '#ipam/index.ts'
import type { Document } from '#needs/records.ts'
import { type Admission, admitSpiderCoordinator, admitSpiderMultusConfig } from '#network/index.ts'
import type { FoundDocument, RawDocument, TextFault } from '#schema/documents.ts'
import { type Kind, placeDocument, warningsOf } from '#schema/kinds.ts'
import { isRecord } from '#schema/zod.ts'
import type { AdmissionError } from '#values/admission.ts'
import { derive, NAD } from './derived.ts'
import { hasEnded, inherit, withEnd } from './inheritance.ts'
import { type State, documentsOf, keyOf, withDocument, withoutKeys } from './state.ts'

/** An error with where the document stands; a text that cannot be read has no object. */
export type PlacedError = AdmissionError & { readonly where: string }

/** What became of the documents, and of the state that they met. */
export type Admitted = {
  /** Keys of the documents that were admitted, in order of their first appearance. */
  readonly written: readonly string[]
  /** Keys of what follows from them. */
  readonly generated: readonly string[]
  /** Keys of what followed from an earlier form and does no more. */
  readonly obsolete: readonly string[]
  /** `Kind/namespace/name: sentence`. */
  readonly warnings: readonly string[]
  readonly errors: readonly PlacedError[]
  readonly state: State
}

/** What the caller decides. */
export type AdmissionOptions = {
  /** Namespace of documents that name none. */
  readonly namespace: string
  /** Whether a document may bring its `status`: in a store it is what was recorded. */
  readonly takesStatus: boolean
}

/** A document with an error changes nothing: later ones meet the state without it. */
export function admitAll(
  found: readonly FoundDocument[],
  state: State,
  options: AdmissionOptions,
): Admitted {
  const start: Admitted = {
    written: [],
    generated: [],
    obsolete: [],
    warnings: [],
    errors: [],
    state,
  }
  return found.reduce((admitted, one) => take(admitted, one, options), start)
}

/** The error as it is printed for programs: without its place. */
export function admissionErrorOf({ object, reason, field, message }: PlacedError): AdmissionError {
  return { object, reason, field, message }
}

/** Faults of texts as errors: no object could be read there, so the place stands for it. */
export function errorsOfTexts(faults: readonly TextFault[]): PlacedError[] {
  return faults.map(({ where, reason, field, message }) => ({
    object: where,
    reason,
    field,
    message,
    where,
  }))
}

function take(
  before: Admitted,
  { document, where }: FoundDocument,
  { namespace, takesStatus }: AdmissionOptions,
): Admitted {
  const placed = placeDocument(document, namespace)
  if (!placed.ok) {
    const error = { object: placed.object, ...placed.fault, where }
    return { ...before, errors: [...before.errors, error] }
  }
  const { kind, object } = placed
  const key = keyOfRaw(placed.document)
  const previous = before.state.get(key)
  const raw = inherit(placed.document, previous, takesStatus)
  const { document: made, faults, warnings } = admit(raw, kind, { previous, state: before.state })
  const all = [...before.warnings, ...warnings.map((text) => `${object}: ${text}`)]
  if (made === undefined || faults.length > 0) {
    const errors = faults.map((fault) => ({ object, ...fault, where }))
    return { ...before, warnings: all, errors: [...before.errors, ...errors] }
  }
  const derived = derive(made, { previous, state: before.state })
  const stated = previous === undefined && takesStatus ? withEnd(made, document) : made
  const state = [stated, ...derived.made].reduce(withDocument, before.state)
  const gone = [...derived.gone, ...(hasEnded(made) ? [made] : [])].map(keyOf)
  return {
    written: including(before.written, [key]),
    generated: including(before.generated, derived.made.map(keyOf)).filter(
      (one) => !gone.includes(one),
    ),
    obsolete: including(before.obsolete, gone),
    warnings: [...all, ...derived.warnings.map((text) => `${object}: ${text}`)],
    errors: before.errors,
    state: withoutKeys(state, gone),
  }
}

type Around = { readonly previous: Document | undefined; readonly state: State }

/** The rules of the kind; a kind without any has those of its schema. */
function admit(raw: RawDocument, kind: Kind, { previous, state }: Around): Admission<Document> {
  switch (kind.kind) {
    case 'SpiderIPPool': {
      const pools = documentsOf(state, kind)
      const others = pools.filter((pool) => pool.metadata.name !== previous?.metadata.name)
      const admission = admitPool(raw, { previous, others })
      const pruned = admission.document === undefined ? [] : warningsOf(raw, admission.document)
      return { ...admission, warnings: including(admission.warnings, pruned) }
    }
    case 'SpiderMultusConfig':
      return admitSpiderMultusConfig(raw, { previous, nads: documentsOf(state, NAD) })
    case 'SpiderCoordinator':
      return admitSpiderCoordinator(raw)
    default: {
      const read = kind.read(raw)
      if (!read.ok) return { document: undefined, faults: read.faults, warnings: [] }
      return { document: read.value, faults: [], warnings: warningsOf(raw, read.value) }
    }
  }
}

function keyOfRaw({ apiVersion, kind, ...rest }: RawDocument): string {
  const metadata = isRecord(rest['metadata']) ? rest['metadata'] : {}
  const namespace = metadata['namespace']
  const name = typeof metadata['name'] === 'string' ? metadata['name'] : ''
  return keyOf({
    apiVersion,
    kind,
    metadata: typeof namespace === 'string' ? { name, namespace } : { name },
  })
}

function including(keys: readonly string[], more: readonly string[]): string[] {
  return [...new Set([...keys, ...more])]
}
