/**
 * network-status: what a pod's networks came to, written into its annotation
 * after the runtime has its answer.
 * @module
 */
import type { Records } from '#needs/records.ts'
import type { Files } from '#needs/files.ts'
import { networkStatusOf } from '#network/index.ts'
import { failureIn } from '#values/failure.ts'
import { EMPTY_RESULT } from '#wire/cni/empty-result.ts'
import { deviceInfoOf } from './device-files.ts'
import { isPodOf } from './pod-document.ts'
import type { Row } from './row.ts'

/** Annotation of a pod. */
export const NETWORK_STATUS = 'k8s.v1.cni.cncf.io/network-status'
/** Tries of a write that meets another one. */
const TRIES = 8

/** `files`: where the files about devices are. @throws {Failure} what the store refuses at last */
export async function publishStatus(
  rows: readonly Row[],
  records: Records,
  files?: Pick<Files, 'read'>,
): Promise<void> {
  const ref = rows[0]?.owner.pod
  if (ref === undefined) return
  const made = await Promise.all(
    rows.map(async (row, i) => ({
      network: row.networkRef ?? row.owner.network,
      isDefault: i === 0,
      result: row.result ?? EMPTY_RESULT,
      deviceInfo: files && (await deviceInfoOf(row, files)),
    })),
  )
  const status = networkStatusOf(made)
  for (let tries = 1; ; tries++) {
    const { namespace, name } = ref
    const pod = await records.get({ apiVersion: 'v1', kind: 'Pod', namespace, name })
    if (pod === undefined || !isPodOf(pod, ref)) return
    const annotations = { ...pod.metadata.annotations, [NETWORK_STATUS]: status }
    try {
      await records.replace({ ...pod, metadata: { ...pod.metadata, annotations } })
      return
    } catch (cause) {
      if (failureIn(cause)?.code !== 'record-conflict' || tries === TRIES) throw cause
    }
  }
}
