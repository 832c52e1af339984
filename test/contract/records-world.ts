/**
 * What the contract of `Records` is told over: a home with two clients, and
 * documents written short.
 * @module
 */
import type { Document, Records, Ref, Stored } from '#needs/records.ts'

/** An empty home; `other` is a second client of the same one (another agent). */
export type RecordsWorld = {
  readonly records: Records
  readonly other: Records
  close(): Promise<void>
}

export const POOL = { apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderIPPool' } as const
export const POD = { apiVersion: 'v1', kind: 'Pod' } as const

export function pool(
  name: string,
  labels: Record<string, string> = {},
  spec: object = {},
): Document {
  return { ...POOL, metadata: { name, labels }, spec: { subnet: '10.1.0.0/16', ...spec } }
}

export function pod(namespace: string, name: string): Document {
  return { ...POD, metadata: { namespace, name }, spec: {} }
}

export function poolRef(name: string): Ref {
  return { ...POOL, namespace: undefined, name }
}

/** One sentence of the contract. */
export type Clause = readonly [does: string, run: (world: RecordsWorld) => Promise<void>]

/** A pool that another document controls. */
export function owned(name: string, { apiVersion, kind, metadata }: Stored): Document {
  const owner = { apiVersion, kind, name: metadata.name, uid: metadata.uid, controller: true }
  return { ...POOL, metadata: { name, ownerReferences: [owner] }, spec: {} }
}
