/**
 * What is wrong with an agent or a store on purpose: histories must tell.
 * @module
 */
import { allocationRef, allocationsOf, type spiderpoolIpam } from '#ipam/index.ts'
import type { Records } from '#needs/records.ts'

export const MUTANTS = ['late-journal', 'release-of-any-container', 'create-overwrites'] as const
export type Mutant = (typeof MUTANTS)[number]

/** A store that gives a taken name again. */
export function overwriting(records: Records): Records['create'] {
  return async (document) => {
    const { apiVersion, kind, metadata } = document
    await records.delete({ apiVersion, kind, namespace: metadata.namespace, name: metadata.name })
    return records.create(document)
  }
}

type Spiderpool = ReturnType<typeof spiderpoolIpam>

/** Frees what the pod's interface holds whoever asks: an older container's DEL too. */
export function releasingAny(ipam: Spiderpool, records: Records): Spiderpool {
  return {
    ...ipam,
    async release(of) {
      await ipam.release(of)
      const { items } = await records.list(allocationsOf({ owner: of.owner }))
      for (const { metadata } of items) await records.delete(allocationRef(metadata.name))
    },
  }
}
