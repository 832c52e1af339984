/**
 * Workloads: documents with a pod template, of Kubernetes and of others. Looked
 * at are the template, the number of pods, and who controls them; the rest is kept.
 *
 * Spec: Kubernetes apps/v1 ReplicaSet; batch/v1 Job, CronJob (template at
 * spec.jobTemplate.spec); any other kind has spec.template.
 * @module
 */
import { headOf } from './metadata.ts'
import { podSpec } from './pod.ts'
import { isRecord, z } from './zod.ts'

const texts = z.record(z.string(), z.string())
const count = z.int().min(0).exactOptional()

const template = z.looseObject({
  metadata: z
    .looseObject({ labels: texts.exactOptional(), annotations: texts.exactOptional() })
    .prefault({}),
  spec: podSpec,
})
const replicated = z.looseObject({ replicas: count, template })
const jobSpec = z.looseObject({ parallelism: count, completions: count, template })

function workload<K extends string, S extends z.ZodType>(apiVersion: string, kind: K, spec: S) {
  const status = z.looseObject({}).exactOptional()
  return z.object({ ...headOf(apiVersion, kind), spec, status })
}

export const replicaSet = workload('apps/v1', 'ReplicaSet', replicated)
export const job = workload('batch/v1', 'Job', jobSpec)
export const cronJob = workload(
  'batch/v1',
  'CronJob',
  z.looseObject({ jobTemplate: z.looseObject({ spec: jobSpec }) }),
)
/** A workload of another vendor: `CloneSet` of `apps.kruise.io/v1alpha1`. */
export function thirdParty(apiVersion: string, kind: string) {
  return workload(apiVersion, kind, z.looseObject({ template }))
}

/** The pod template of a document as it stands, of whatever kind; undefined without one. */
export function templateOf(document: unknown): Readonly<Record<string, unknown>> | undefined {
  if (!isRecord(document) || !isRecord(document['spec'])) return undefined
  const { jobTemplate, template: own } = document['spec']
  if (isRecord(own)) return own
  return jobTemplate === undefined ? undefined : templateOf(jobTemplate)
}
