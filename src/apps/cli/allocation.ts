/**
 * Allocations as commands show them: which address, held by whom.
 * @module
 */
import type { Document } from '#needs/records.ts'
import { ALLOCATION_API_VERSION, ALLOCATION_KIND } from '#schema/allocation.ts'
import { textAt } from './fields.ts'

export const ALLOCATION = { apiVersion: ALLOCATION_API_VERSION, kind: ALLOCATION_KIND } as const

/** Address that an allocation holds. */
export function addressOf(allocation: Document): string {
  return textAt(allocation, 'spec', 'address') ?? allocation.metadata.name
}

/** `namespace/name` of the pod that holds it. */
export function holderOf(allocation: Document): string {
  const name = textAt(allocation, 'spec', 'podName')
  if (name === undefined) return `container ${textAt(allocation, 'spec', 'containerId') ?? '-'}`
  return `${textAt(allocation, 'spec', 'podNamespace') ?? 'default'}/${name}`
}
