/**
 * What an update by file does not touch: what the home of the documents and
 * their other writers recorded.
 *
 * Spec: Kubernetes API conventions, metadata; status is written by others than spec.
 * @module
 */
import type { Document } from '#needs/records.ts'
import type { RawDocument } from '#schema/documents.ts'
import { isRecord } from '#schema/zod.ts'
import { textAt, valueAt, without } from './fields.ts'

/** What agents write into documents of users. */
const KEPT_ANNOTATIONS = ['k8s.v1.cni.cncf.io/network-status']
/** A file may state these; where it does not, they stay. */
const KEPT = ['finalizers', 'ownerReferences'] as const
/** These are the home's alone: a file that `get` printed may be old. */
const RECORDED = [
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
] as const

/** The document as it would be admitted; `takesStatus`: its own status counts. */
export function inherit(
  raw: RawDocument,
  previous: Document | undefined,
  takesStatus: boolean,
): RawDocument {
  const { status, apiVersion, kind, metadata, ...rest } = raw
  const state = takesStatus && status !== undefined ? status : previous?.['status']
  const written = {
    ...rest,
    apiVersion,
    kind,
    ...(state === undefined ? {} : { status: state }),
  }
  if (!isRecord(metadata)) return metadata === undefined ? written : { ...written, metadata }
  // nobody ends an object by writing it
  const own = without(metadata, ['deletionTimestamp'])
  // and a store gives a new object a uid of its own
  if (previous === undefined) {
    return { ...written, metadata: takesStatus ? own : without(own, ['uid']) }
  }
  return { ...written, metadata: { ...own, ...inherited(own, previous) } }
}

function inherited(
  own: Readonly<Record<string, unknown>>,
  { metadata: old }: Document,
): Record<string, unknown> {
  const kept = KEPT.filter((key) => own[key] === undefined)
  const all = [...kept, ...RECORDED].map((key) => [key, old[key]] as const)
  const notes = KEPT_ANNOTATIONS.flatMap((key) => {
    const text = old.annotations?.[key]
    const stated = valueAt(own, 'annotations', key) !== undefined
    return text === undefined || stated ? [] : [[key, text] as const]
  })
  const annotations = isRecord(own['annotations']) ? own['annotations'] : {}
  return {
    ...Object.fromEntries(all.filter(([, value]) => value !== undefined)),
    ...(notes.length === 0
      ? {}
      : { annotations: { ...annotations, ...Object.fromEntries(notes) } }),
  }
}

/** A document whose file says that it is terminating: part of the state that it brings along. */
export function withEnd(document: Document, raw: RawDocument): Document {
  const deletionTimestamp = textAt(raw, 'metadata', 'deletionTimestamp')
  if (deletionTimestamp === undefined) return document
  return { ...document, metadata: { ...document.metadata, deletionTimestamp } }
}

/** True for a terminating document that nothing holds back any more. */
export function hasEnded({ metadata }: Document): boolean {
  return metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).length === 0
}
