/**
 * What the status of an allocation says: that nobody has the address for now,
 * or who had it before.
 * @module
 */
import type { Document } from '#needs/records.ts'
import { isRecord } from '#schema/zod.ts'

/** `spec` of an allocation as an older container had it. */
export type Former = Readonly<Record<string, unknown>>

/** Who had the address before, oldest first: each until its own DEL. */
export function formersOf({ status }: Document): Former[] {
  const list = isRecord(status) ? status['before'] : undefined
  return Array.isArray(list) ? list.filter(isRecord) : []
}

/** True for an address that was kept for the pod that has it. */
export function staysKept({ status }: Document): boolean {
  return isRecord(status) && status['stays'] === true
}

/** True for an address that nobody has, and the next pod of a name gets. */
export function isKept({ status }: Document): boolean {
  return typeof status === 'object' && status !== null && 'state' in status
    ? status.state === 'kept'
    : false
}
