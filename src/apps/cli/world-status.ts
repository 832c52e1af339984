/**
 * network-status of a pod in a world, once nothing of it is attached any more:
 * what an ADD wrote goes, so that the world is the one that it was.
 * @module
 */
import { NETWORK_STATUS } from '#attach/index.ts'
import type { PodRef } from '#values/owner.ts'
import type { WhatIf } from './what-if.ts'

/** Takes the annotation away, unless an attachment of the pod is left. */
export async function statusWithdrawn(
  pod: PodRef | undefined,
  { records, journal }: Pick<WhatIf, 'records' | 'journal'>,
): Promise<void> {
  if (pod === undefined) return
  if (journal.all().some((row) => row.owner.pod?.uid === pod.uid)) return
  const { namespace, name, uid } = pod
  const found = await records.get({ apiVersion: 'v1', kind: 'Pod', namespace, name })
  if (found?.metadata.uid !== uid) return
  const { annotations = {}, ...metadata } = found.metadata
  const { [NETWORK_STATUS]: status, ...others } = annotations
  if (status === undefined) return
  const kept = Object.keys(others).length === 0 ? {} : { annotations: others }
  await records.replace({ ...found, metadata: { ...metadata, ...kept } })
}
