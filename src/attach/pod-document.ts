/**
 * The Pod that a runtime names, as the store knows it.
 * @module
 */
import type { Clock } from '#needs/clock.ts'
import type { Document, Records, Stored } from '#needs/records.ts'
import type { PodRef } from '#values/owner.ts'
import { fail } from './failures.ts'

/** How long an ADD waits for its Pod to be known, in milliseconds. */
const POD_WAIT_MS = 2_500
const POD_POLL_MS = 25
const SOURCE = 'kubernetes.io/config.source'

/**
 * True when `pod` is the one that the runtime means: by its uid, unless it is the
 * mirror of a static pod, whose uid only the kubelet knows.
 */
export function isPodOf(pod: Document, { uid }: PodRef): boolean {
  const source = pod.metadata.annotations?.[SOURCE]
  return pod.metadata.uid === uid || (source !== undefined && source !== 'api')
}

/** @throws {Failure} `pod-unknown`, `pod-uid-differs` after a bounded wait */
export async function waitForPod(
  ref: PodRef,
  { records, clock }: { readonly records: Records; readonly clock: Clock },
): Promise<Stored> {
  const { namespace, name, uid } = ref
  for (let waitedMs = 0; ; waitedMs += POD_POLL_MS) {
    const pod = await records.get({ apiVersion: 'v1', kind: 'Pod', namespace, name })
    if (pod !== undefined && isPodOf(pod, ref)) return pod
    if (waitedMs < POD_WAIT_MS) await clock.sleep(POD_POLL_MS)
    else if (pod === undefined) throw fail('pod-unknown', { namespace, name })
    else throw fail('pod-uid-differs', { wanted: uid, found: pod.metadata.uid })
  }
}

/** Names of its containers, in the pod's order. */
export function containersOf(pod: Document): string[] {
  const { spec } = pod
  const list = typeof spec === 'object' && spec !== null ? Object.entries(spec) : []
  const parts = ['initContainers', 'containers'].flatMap((key) => {
    const found: unknown = list.find(([name]) => name === key)?.[1]
    return Array.isArray(found) ? found : []
  })
  return parts.flatMap((one: unknown) => {
    const named = typeof one === 'object' && one !== null && 'name' in one ? one.name : undefined
    return typeof named === 'string' ? [named] : []
  })
}
