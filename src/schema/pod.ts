/**
 * Pod: the few fields that are looked at; the rest is kept as it is.
 *
 * Spec: Kubernetes core/v1 Pod.
 * @module
 */
import { headOf } from './metadata.ts'
import { z } from './zod.ts'

const container = z.looseObject({
  name: z.string(),
  image: z.string().exactOptional(),
  command: z.array(z.string()).exactOptional(),
  args: z.array(z.string()).exactOptional(),
})

/** A PodSpec, of a Pod or of a template. */
export const podSpec = z.looseObject({
  containers: z.array(container).min(1),
  nodeName: z.string().exactOptional(),
  nodeSelector: z.record(z.string(), z.string()).exactOptional(),
  hostNetwork: z.boolean().exactOptional(),
})

export const pod = z.object({
  ...headOf('v1', 'Pod'),
  spec: podSpec,
  status: z.looseObject({}).exactOptional(),
})
export type Pod = z.output<typeof pod>
