/**
 * Pools for tests of addresses: written short, admitted as any other.
 * @module
 */
import { deepEqual } from 'node:assert/strict'
import { admitPool } from '#ipam/index.ts'

export const V4 = {
  subnet: '172.91.0.0/16',
  ips: ['172.91.0.100-172.91.0.120'],
  gateway: '172.91.0.1',
}
export const V6 = { subnet: 'fd00::/120', ips: ['fd00::10-fd00::1f'], gateway: 'fd00::1' }

/** A pool as a user writes it. */
export function raw(spec: object, metadata: object = {}, rest: object = {}) {
  const name = { name: 'p', ...metadata }
  const kind = { apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderIPPool' }
  return { ...kind, metadata: name, spec, ...rest }
}

/** What admission makes of it; there must be no fault. */
export function stored(spec: object, metadata: object = {}, rest: object = {}) {
  const { document, faults } = admitPool(raw(spec, metadata, rest), NOBODY)
  deepEqual(faults, [])
  return document
}

export const NOBODY = { previous: undefined, others: [] }

/** A pool and what is wrong with it. */
export type PoolCase = {
  does: string
  spec?: object
  others?: readonly unknown[]
  is: readonly (readonly [reason: string, field: string, text: RegExp])[]
}
