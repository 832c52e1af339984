/**
 * Kinds of workloads that are accepted besides those of `daemon-set.ts`: more of
 * Kubernetes, of OpenKruise and of KubeVirt.
 *
 * Spec: Kubernetes API conventions (group, version, kind, resource names).
 * @module
 */
import { type AnyDocument, anyDocument } from './metadata.ts'
import { cronJob, job, replicaSet, thirdParty } from './workload.ts'
import type { z } from './zod.ts'

type WorkloadRow = {
  readonly apiVersion: string
  readonly kind: string
  readonly scope: 'namespaced'
  readonly plural: string
  readonly names: readonly string[]
  readonly schema: z.ZodType<AnyDocument>
}

function row(
  [apiVersion, kind]: readonly [string, string],
  schema: z.ZodType<AnyDocument>,
  short: readonly string[] = [],
): WorkloadRow {
  const name = kind.toLowerCase()
  return {
    apiVersion,
    kind,
    scope: 'namespaced',
    plural: `${name}s`,
    names: [name, ...short],
    schema,
  }
}

const KRUISE = 'apps.kruise.io'

export const WORKLOAD_ROWS: readonly WorkloadRow[] = [
  row(['apps/v1', 'ReplicaSet'], replicaSet, ['rs']),
  row(['batch/v1', 'Job'], job),
  row(['batch/v1', 'CronJob'], cronJob, ['cj']),
  row([`${KRUISE}/v1alpha1`, 'CloneSet'], thirdParty(`${KRUISE}/v1alpha1`, 'CloneSet')),
  row(['kubevirt.io/v1', 'VirtualMachine'], anyDocument, ['vm']),
  row(['kubevirt.io/v1', 'VirtualMachineInstance'], anyDocument, ['vmi']),
]
