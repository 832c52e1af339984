/**
 * Documents in order, as an API server would take them: read, given their
 * defaults, admitted against what stands by then, with what follows from them.
 * What `apply` and `render` share. Pure: the state is given and a new one comes back.
 * @module
 */
import { isDeepStrictEqual } from 'node:util'
import { admitPool, admitReservedIp, admitSpiderSubnet, poolsOfSpiderSubnet } from '#ipam/index.ts'
import type { Document } from '#needs/records.ts'
import { type Admission, admitSpiderCoordinator, admitSpiderMultusConfig } from '#network/index.ts'
import type { FoundDocument, RawDocument, TextFault } from '#schema/documents.ts'
import { type Kind, placeDocument, warningsOf } from '#schema/kinds.ts'
import { readSettings } from '#schema/settings-text.ts'
import { isSettings } from '#schema/spiderpool-settings.ts'
import { readSpiderSubnet } from '#schema/spider-subnet.ts'
import { isRecord } from '#schema/zod.ts'
import type { AdmissionError } from '#values/admission.ts'
import { POOL, SPIDER_SUBNET, withAutoPools } from './auto-pools.ts'
import { derive, NAD } from './derived.ts'
import { injectPods } from './injection.ts'
import { hasEnded, inherit, withEnd } from './inheritance.ts'
import { settingsIn } from './settings.ts'
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
  const all = found.reduce((admitted, one) => take(admitted, one, options), start)
  return withPods(withPools(all, found, options), found, options)
}

/** Automatic pools of the workloads that were written, by all that was admitted. */
function withPools(
  admitted: Admitted,
  found: readonly FoundDocument[],
  options: AdmissionOptions,
): Admitted {
  const made = withAutoPools(admitted.state, admitted.written)
  const after: Admitted = {
    ...admitted,
    generated: including(admitted.generated, made.generated),
    obsolete: including(admitted.obsolete, made.obsolete),
    warnings: [...admitted.warnings, ...made.warnings],
    state: made.state,
  }
  return withRefused(after, made.errors, { found, options })
}

/** Pods as the pod webhook leaves them, by all that was admitted; a refused one changes nothing. */
function withPods(
  admitted: Admitted,
  found: readonly FoundDocument[],
  options: AdmissionOptions,
): Admitted {
  const { state, errors, warnings } = injectPods(admitted.state, admitted.written)
  const after = { ...admitted, state, warnings: [...admitted.warnings, ...warnings] }
  return withRefused(after, errors, { found, options })
}

/** What only all documents together showed to be wrong. */
function withRefused(
  admitted: Admitted,
  errors: readonly (AdmissionError & { readonly key: string })[],
  {
    found,
    options: { namespace },
  }: { readonly found: readonly FoundDocument[]; readonly options: AdmissionOptions },
): Admitted {
  const refused = errors.map(({ key }) => key)
  const whereOf = (key: string): string => {
    const its = found.findLast(({ document }) => {
      const placed = placeDocument(document, namespace)
      return placed.ok && keyOfRaw(placed.document) === key
    })
    return its?.where ?? ''
  }
  return {
    ...admitted,
    written: admitted.written.filter((key) => !refused.includes(key)),
    errors: [
      ...admitted.errors,
      ...errors.map(({ key, ...error }) => ({ ...error, where: whereOf(key) })),
    ],
    state: withoutKeys(admitted.state, refused),
  }
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
  const standing = [stated, ...derived.made].reduce(withDocument, before.state)
  const pools = adopted(made, standing)
  const state = pools.reduce(withDocument, standing)
  const gone = [...derived.gone, ...(hasEnded(made) ? [made] : [])].map(keyOf)
  return {
    written: including(before.written, [key, ...pools.map(keyOf)]),
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
      const subnets = documentsOf(state, SPIDER_SUBNET)
      const settings = settingsIn(state)
      const admission = admitPool(raw, { previous, others, subnets, settings })
      const pruned = admission.document === undefined ? [] : warningsOf(raw, admission.document)
      return { ...admission, warnings: including(admission.warnings, pruned) }
    }
    case 'SpiderSubnet': {
      const [others, pools] = [documentsOf(state, SPIDER_SUBNET), documentsOf(state, POOL)]
      return admitSpiderSubnet(raw, { previous, others, pools, settings: settingsIn(state) })
    }
    case 'SpiderReservedIP':
      return admitReservedIp(raw, { previous, settings: settingsIn(state) })
    case 'SpiderMultusConfig':
      return admitSpiderMultusConfig(raw, { previous, nads: documentsOf(state, NAD) })
    case 'SpiderCoordinator':
      return admitSpiderCoordinator(raw)
    default: {
      const read = kind.read(raw)
      if (!read.ok) return { document: undefined, faults: read.faults, warnings: [] }
      const faults = isSettings(read.value) ? readSettings(read.value).faults : []
      return { document: read.value, faults, warnings: warningsOf(raw, read.value) }
    }
  }
}

/** Pools of a subnet's CIDR become its own as soon as it is there. */
function adopted(subnet: Document, state: State): Document[] {
  const read = subnet.kind === SPIDER_SUBNET.kind ? readSpiderSubnet(subnet) : undefined
  const settings = settingsIn(state)
  if (read?.ok !== true || !settings.enableSpiderSubnet) return []
  return poolsOfSpiderSubnet(read.value, documentsOf(state, POOL)).flatMap((previous) => {
    const subnets = documentsOf(state, SPIDER_SUBNET)
    const { document, faults } = admitPool(previous, { previous, others: [], subnets, settings })
    if (document === undefined || faults.length > 0) return []
    return isDeepStrictEqual(document, previous) ? [] : [document]
  })
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
