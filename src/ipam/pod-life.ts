/**
 * Whether a pod is alive: one that is not gets no address, since nobody would
 * give it back.
 *
 * Spec: Spiderpool: not being deleted; not succeeded unless it always starts
 * again; not failed for good; not evicted.
 * @module
 */
import type { Document } from '#needs/records.ts'
import { isRecord } from '#schema/zod.ts'
import { fail } from './failures.ts'

/** Why a pod is not alive, or undefined. */
export function endOf(pod: Document): string | undefined {
  const [status, spec] = [fieldsOf(pod['status']), fieldsOf(pod['spec'])]
  const restarts = spec['restartPolicy'] ?? 'Always'
  if (pod.metadata.deletionTimestamp !== undefined) return 'it is terminating'
  if (status['phase'] === 'Succeeded' && restarts !== 'Always') return 'it has succeeded'
  if (status['phase'] !== 'Failed') return undefined
  if (status['reason'] === 'Evicted') return 'it was evicted'
  return restarts === 'Never' ? 'it has failed' : undefined
}

/** @throws {Failure} `pod-not-alive` */
export function checkAlive(pod: Document | undefined, ifName: string): void {
  const reason = pod === undefined ? undefined : endOf(pod)
  if (pod === undefined || reason === undefined) return
  const { namespace = 'default', name } = pod.metadata
  const ends = pod.metadata.deletionTimestamp !== undefined
  const field = ends ? 'metadata.deletionTimestamp' : 'status.phase'
  throw fail('pod-not-alive', { pod: `${namespace}/${name}`, ifName, reason, field })
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {}
}
