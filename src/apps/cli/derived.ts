/**
 * What follows from a document: of a SpiderMultusConfig its
 * NetworkAttachmentDefinition. Standalone there is no controller, so it is
 * derived whenever the document is written.
 * @module
 */
import { isDeepStrictEqual } from 'node:util'
import type { Document } from '#needs/records.ts'
import { nadOf, POD_ANNOTATION } from '#network/index.ts'
import { NAD_API_VERSION, NAD_KIND } from '#schema/nad.ts'
import { SPIDER_API_VERSION } from '#schema/spider-ip-pool.ts'
import { type SpiderMultusConfig, spiderMultusConfig } from '#schema/spider-multus-config.ts'
import { readWith } from '#schema/zod.ts'
import { type State, documentsOf, keyOf } from './state.ts'

/** Kinds that are looked for by name. */
export const NAD = { apiVersion: NAD_API_VERSION, kind: NAD_KIND } as const
export const SMC = { apiVersion: SPIDER_API_VERSION, kind: 'SpiderMultusConfig' } as const

export type Derived = {
  readonly made: readonly Document[]
  /** What followed from the previous form only. */
  readonly gone: readonly Document[]
  readonly warnings: readonly string[]
}

const NOTHING: Derived = { made: [], gone: [], warnings: [] }

/** `document` is admitted; `previous` is its form before, as it stands in `state`. */
export function derive(
  document: Document,
  { previous, state }: { readonly previous: Document | undefined; readonly state: State },
): Derived {
  const smc = smcOf(document)
  if (smc === undefined) return repaired(document, state)
  const nad = nadOf(smc)
  const former = smcOf(previous)
  const before = former === undefined ? undefined : nadOf(former)
  const standing = state.get(keyOf(nad))
  const foreign = standing !== undefined && !isOwnedBy(standing, document)
  const gone = before === undefined || keyOf(before) === keyOf(nad) ? [] : [before]
  return {
    made: [merge(nad, { standing, before })],
    gone: gone.flatMap((one) => state.get(keyOf(one)) ?? []),
    warnings: foreign
      ? [`takes over NetworkAttachmentDefinition ${nad.metadata.name}, which was written by hand`]
      : [],
  }
}

/** A network object that follows from a SpiderMultusConfig is what that says, whoever wrote it. */
function repaired(document: Document, state: State): Derived {
  if (document.kind !== NAD.kind || document.apiVersion !== NAD.apiVersion) return NOTHING
  const owner = documentsOf(state, SMC)
    .map(smcOf)
    .find((one) => one !== undefined && keyOf(nadOf(one)) === keyOf(document))
  if (owner === undefined) return NOTHING
  const nad = nadOf(owner)
  const differs =
    document['spec'] === undefined || !isDeepStrictEqual(document['spec'], nad['spec'])
  const text = `follows from SpiderMultusConfig ${owner.metadata.name}: its own spec is ignored`
  return {
    made: [merge(nad, { standing: document, before: nad })],
    gone: [],
    warnings: differs ? [text] : [],
  }
}

/** True when a controller reference of `document` names `owner`. */
export function isOwnedBy(document: Document, owner: Document): boolean {
  const references = document.metadata.ownerReferences ?? []
  return references.some(({ kind, name }) => kind === owner.kind && name === owner.metadata.name)
}

function smcOf(document: Document | undefined): SpiderMultusConfig | undefined {
  if (document?.kind !== SMC.kind) return undefined
  const read = readWith(spiderMultusConfig, document)
  return read.ok ? read.value : undefined
}

/** Annotations that others put on the NAD stay; those of its former form do not. */
function merge(
  nad: Document,
  of: { readonly standing: Document | undefined; readonly before: Document | undefined },
): Document {
  if (of.standing === undefined) return nad
  const before = Object.keys(of.before?.metadata.annotations ?? {})
  const own: readonly string[] = [...before, POD_ANNOTATION.resourceName]
  const others = Object.entries(of.standing.metadata.annotations ?? {}).filter(
    ([key]) => !own.includes(key),
  )
  const annotations = { ...Object.fromEntries(others), ...nad.metadata.annotations }
  const bare = Object.keys(annotations).length === 0
  const noted = bare && of.standing.metadata.annotations === undefined ? {} : { annotations }
  return { ...nad, metadata: { ...of.standing.metadata, ...nad.metadata, ...noted } }
}
