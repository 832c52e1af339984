/**
 * Allocation: one address held by one interface of one pod. Its name is the
 * address, whatever the pool, so that creating it is the allocation.
 *
 * Spec: verbena.dev/v1alpha1, cluster-scoped.
 * @module
 */
import { headOf } from './metadata.ts'
import { z } from './zod.ts'

export const ALLOCATION_API_VERSION = 'verbena.dev/v1alpha1'
export const ALLOCATION_KIND = 'Allocation'

const spec = z.object({
  address: z.string(),
  pool: z.string(),
  family: z.literal([4, 6]),
  /** Identity of the owner: pod UID and interface, or network, container and interface. */
  owner: z.string(),
  podNamespace: z.string().exactOptional(),
  podName: z.string().exactOptional(),
  podUid: z.string().exactOptional(),
  /** Controller whose next pod of the name has the address again: `StatefulSet/web`. */
  controller: z.string().exactOptional(),
  interface: z.string(),
  network: z.string(),
  containerId: z.string(),
  node: z.string(),
})

/**
 * `releasing`: given back by DEL, and not free before its interface is seen gone.
 * `kept`: nobody has it, and the next pod of the name gets it.
 */
const status = z.object({
  state: z.enum(['releasing', 'kept']).exactOptional(),
  /** `spec` as older containers of the pod had it, each until its own DEL. */
  before: z.array(z.looseObject({})).exactOptional(),
  /** It was kept for this pod: it is kept again should its ADD fail. */
  stays: z.boolean().exactOptional(),
})

export const allocation = z.object({
  ...headOf(ALLOCATION_API_VERSION, ALLOCATION_KIND),
  spec,
  status: status.exactOptional(),
})
export type Allocation = z.output<typeof allocation>
