/**
 * What the kubelet gave to containers: its PodResources `List` answer as JSON,
 * and its checkpoint file. Keys are found whatever their case and underscores:
 * protobuf's JSON says `podResources`, Go's `pod_resources`.
 *
 * Spec: k8s.io/kubelet podresources/v1 ListPodResourcesResponse; kubelet
 * pkg/kubelet/cm/devicemanager/checkpoint.
 * @module
 */
import { isRecord, type Reading, readWith, z } from './zod.ts'

const texts = z.array(z.string()).default([])

const answer = z.object({
  podresources: z
    .array(
      z.object({
        name: z.string(),
        namespace: z.string(),
        containers: z
          .array(
            z.object({
              name: z.string().default(''),
              devices: z
                .array(z.object({ resourcename: z.string(), deviceids: texts }))
                .default([]),
            }),
          )
          .default([]),
      }),
    )
    .default([]),
})

const checkpoint = z.object({
  data: z.object({
    poddeviceentries: z
      .array(
        z.object({
          poduid: z.string(),
          containername: z.string().default(''),
          resourcename: z.string(),
          /** By NUMA node; kubelets before 1.20 have one list. */
          deviceids: z.union([texts, z.record(z.string(), texts)]).default([]),
        }),
      )
      .default([]),
  }),
})

export type PodResourcesDocument = z.output<typeof answer>
export type CheckpointDocument = z.output<typeof checkpoint>

export function readPodResources(raw: unknown): Reading<PodResourcesDocument> {
  return readWith(answer, folded(raw))
}

export function readCheckpoint(raw: unknown): Reading<CheckpointDocument> {
  return readWith(checkpoint, folded(raw))
}

function folded(raw: unknown): unknown {
  if (Array.isArray(raw)) return raw.map(folded)
  if (!isRecord(raw)) return raw
  const pairs = Object.entries(raw).map(([key, value]) => [
    key.toLowerCase().replaceAll('_', ''),
    folded(value),
  ])
  return Object.fromEntries(pairs)
}
