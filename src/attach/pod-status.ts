/**
 * network-status: what a pod's networks came to, written into its annotation
 * after the runtime has its answer.
 * @module
 */
import type { Records } from '#needs/records.ts'
import { networkStatusOf } from '#network/index.ts'
import { failureIn } from '#values/failure.ts'
import { EMPTY_RESULT } from '#wire/cni/empty-result.ts'
import type { Row } from './row.ts'

const ANNOTATION = 'k8s.v1.cni.cncf.io/network-status'
/** Tries of a write that meets another one. */
const TRIES = 8

/** @throws {Failure} what the store refuses after all tries */
export async function publishStatus(rows: readonly Row[], records: Records): Promise<void> {
  const ref = rows[0]?.owner.pod
  if (ref === undefined) return
  const status = networkStatusOf(
    rows.map((row, i) => ({
      network: row.networkRef ?? row.owner.network,
      isDefault: i === 0,
      result: row.result ?? EMPTY_RESULT,
      deviceInfo: undefined,
    })),
  )
  for (let tries = 1; ; tries++) {
    const { namespace, name } = ref
    const pod = await records.get({ apiVersion: 'v1', kind: 'Pod', namespace, name })
    if (pod === undefined || pod.metadata.uid !== ref.uid) return
    const annotations = { ...pod.metadata.annotations, [ANNOTATION]: status }
    try {
      await records.replace({ ...pod, metadata: { ...pod.metadata, annotations } })
      return
    } catch (cause) {
      if (failureIn(cause)?.code !== 'record-conflict' || tries === TRIES) throw cause
    }
  }
}
