/**
 * Pools as the targets admit them: against nothing else.
 * @module
 */
import { admitPool as admit, rangesOfPool, sizeOfPool } from '#ipam/index.ts'
import { readSpiderIpPool } from '#schema/spider-ip-pool.ts'
import { isJsonObject } from '#wire/cni/conf.ts'

export function admitPool(raw: unknown) {
  const whole = isJsonObject(raw)
    ? { ...raw, apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderIPPool' }
    : raw
  return admit(whole, { previous: undefined, others: [] })
}

/** What the allocator does with a stored pool first. */
export function readAsPool(document: unknown): void {
  const read = readSpiderIpPool(document)
  if (!read.ok) throw new Error(JSON.stringify(read.faults))
  rangesOfPool(read.value)
  sizeOfPool(read.value)
}
