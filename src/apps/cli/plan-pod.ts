/**
 * The pod that a plan is for: a Pod among the documents, or the one that a
 * workload among them would have.
 * @module
 */
import type { Document } from '#needs/records.ts'
import { shortHash } from '#values/hash.ts'
import { valueAt } from './fields.ts'
import { isRecord } from '#schema/zod.ts'
import { keyOf, type State, withDocument } from './state.ts'

export const POD = { apiVersion: 'v1', kind: 'Pod' } as const
const APPS = 'apps/v1'
/** Kinds of workloads, with what a name of a pod of theirs has after their own. */
const WORKLOADS = [
  { kind: 'StatefulSet', suffix: /^-\d+$/ },
  { kind: 'DaemonSet', suffix: /^-[a-z0-9]+$/ },
  { kind: 'Deployment', suffix: /^-[a-z0-9]+(-[a-z0-9]+)?$/ },
] as const

/** The name as it is asked for. */
export type PodName = { readonly namespace: string; readonly name: string }
export type PlannedPod = {
  readonly pod: Document
  /** With the pod in it. */
  readonly state: State
  readonly warnings: readonly string[]
}

/** Undefined when no document is that pod or would have it. */
export function findPod({ namespace, name }: PodName, state: State): PlannedPod | undefined {
  const own = state.get(keyOf({ ...POD, metadata: { namespace, name } }))
  if (own !== undefined) return placed(own, state, [])
  for (const workload of state.values()) {
    const called = podNameOf(workload, { namespace, name })
    if (called === undefined) continue
    const pod = podOf(workload, called)
    const of = `${workload.kind} ${namespace}/${workload.metadata.name}`
    return placed(pod, state, [`pod ${namespace}/${called} is one that ${of} would have`])
  }
  return undefined
}

/** A pod that is not stored yet has no uid; one is made up. */
function placed(pod: Document, state: State, warnings: readonly string[]): PlannedPod {
  const { namespace, name, uid } = pod.metadata
  const known = uid ?? `plan-${shortHash(`${namespace}/${name}`)}`
  const made = { ...pod, metadata: { ...pod.metadata, uid: known } }
  return { pod: made, state: withDocument(state, made), warnings }
}

function podNameOf(
  { apiVersion, kind, metadata }: Document,
  { namespace, name }: PodName,
): string | undefined {
  const row = WORKLOADS.find((one) => one.kind === kind)
  if (apiVersion !== APPS || row === undefined || metadata.namespace !== namespace) return undefined
  if (metadata.name === name) return `${name}-0`
  if (!name.startsWith(metadata.name)) return undefined
  return row.suffix.test(name.slice(metadata.name.length)) ? name : undefined
}

function podOf(workload: Document, name: string): Document {
  const template = valueAt(workload, 'spec', 'template')
  const { metadata = {}, spec = {} } = isRecord(template) ? template : {}
  const { apiVersion, kind, metadata: owner } = workload
  const uid = owner.uid ?? `plan-${shortHash(`${kind}/${owner.namespace}/${owner.name}`)}`
  const reference = { apiVersion, kind, name: owner.name, uid, controller: true }
  return {
    ...POD,
    metadata: {
      ...(isRecord(metadata) ? metadata : {}),
      name,
      namespace: owner.namespace ?? 'default',
      ownerReferences: [reference],
    },
    spec,
  }
}
