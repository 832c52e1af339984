/**
 * Every parser and decoder that something from outside can reach.
 * @module
 */
import type { Target } from './target.ts'
import { CNI_TARGETS } from './targets-cni.ts'
import { DOCUMENT_TARGETS } from './targets-documents.ts'
import { NETLINK_TARGETS } from './targets-netlink.ts'
import { STORE_TARGETS } from './targets-stores.ts'
import { VALUE_TARGETS } from './targets-values.ts'

export const TARGETS: readonly Target[] = [
  ...VALUE_TARGETS,
  ...NETLINK_TARGETS,
  ...CNI_TARGETS,
  ...DOCUMENT_TARGETS,
  ...STORE_TARGETS,
]
