/**
 * Node and Namespace: their labels and annotations are looked at; the rest is kept.
 *
 * Spec: Kubernetes core/v1 Node, Namespace. Both cluster-scoped.
 * @module
 */
import { headOf } from './metadata.ts'
import { z } from './zod.ts'

const rest = { spec: z.looseObject({}).exactOptional(), status: z.looseObject({}).exactOptional() }

export const node = z.object({ ...headOf('v1', 'Node'), ...rest })
export type Node = z.output<typeof node>

export const namespace = z.object({ ...headOf('v1', 'Namespace'), ...rest })
export type Namespace = z.output<typeof namespace>
