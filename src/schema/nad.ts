/**
 * NetworkAttachmentDefinition: a network by name, with its CNI configuration as text.
 *
 * Spec: Kubernetes Network Custom Resource Definition De-facto Standard 1.3,
 * section 3; CRD network-attachment-definitions.k8s.cni.cncf.io, v1. Namespaced.
 * @module
 */
import { headOf } from './metadata.ts'
import { z } from './zod.ts'

export const NAD_API_VERSION = 'k8s.cni.cncf.io/v1'
export const NAD_KIND = 'NetworkAttachmentDefinition'

export const nad = z.object({
  ...headOf(NAD_API_VERSION, NAD_KIND),
  /** Without `config` the name stands for a file in the CNI configuration folder. */
  spec: z.object({ config: z.string().exactOptional() }).prefault({}),
})
export type Nad = z.output<typeof nad>
