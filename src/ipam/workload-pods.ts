/**
 * How many pods a workload has by its own word.
 *
 * Spec: Kubernetes apps/v1 (replicas, 1 when absent), batch/v1 (completions,
 * else parallelism; 0 counts as 1), DaemonSet (one for every node).
 * @module
 */
import type { Document } from '#needs/records.ts'
import { isRecord } from '#schema/zod.ts'

/** Undefined for kinds whose number cannot be told: those of other vendors. */
export function podsOfWorkload(workload: Document, nodes: number): number | undefined {
  const { apiVersion, kind, spec } = workload
  switch (`${apiVersion} ${kind}`) {
    case 'apps/v1 Deployment':
    case 'apps/v1 ReplicaSet':
    case 'apps/v1 StatefulSet':
      return numberAt(spec, 'replicas') ?? 1
    case 'apps/v1 DaemonSet':
      return Math.max(numberAt(workload['status'], 'desiredNumberScheduled') ?? 0, nodes)
    case 'batch/v1 Job':
      return podsOfJob(spec)
    case 'batch/v1 CronJob': {
      const template = isRecord(spec) ? spec['jobTemplate'] : undefined
      return podsOfJob(isRecord(template) ? template['spec'] : undefined)
    }
    default:
      return undefined
  }
}

function podsOfJob(spec: unknown): number {
  const count = numberAt(spec, 'completions') ?? numberAt(spec, 'parallelism')
  return count === undefined || count === 0 ? 1 : count
}

function numberAt(from: unknown, key: string): number | undefined {
  const value = isRecord(from) ? from[key] : undefined
  return typeof value === 'number' ? value : undefined
}
