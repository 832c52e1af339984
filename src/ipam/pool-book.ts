/**
 * Pools as they are stored, each read by its schema once for each version.
 * @module
 */
import type { Records, Stored } from '#needs/records.ts'
import {
  POOL_KIND,
  SPIDER_API_VERSION,
  type SpiderIpPool,
  readSpiderIpPool,
} from '#schema/spider-ip-pool.ts'
import { fail } from './failures.ts'

const KIND = { apiVersion: SPIDER_API_VERSION, kind: POOL_KIND } as const

/** Gives pools by name, or all. */
export type PoolBook = {
  /** Those that exist. @throws {Failure} `pool-invalid`, for one that was not admitted */
  named(names: readonly string[]): Promise<SpiderIpPool[]>
  /** Every pool that can be read. */
  all(): Promise<SpiderIpPool[]>
}

export function poolBook(records: Records): PoolBook {
  const pages = new Map<string, { readonly version: string; readonly pool: SpiderIpPool }>()
  const readPool = (record: Stored): SpiderIpPool => {
    const { name, uid, resourceVersion } = record.metadata
    const version = `${uid} ${resourceVersion}`
    const known = pages.get(name)
    if (known?.version === version) return known.pool
    const read = readSpiderIpPool(record)
    if (!read.ok) {
      const [first] = read.faults
      throw fail('pool-invalid', { pool: name, reason: `${first?.field}: ${first?.message}` })
    }
    pages.set(name, { version, pool: read.value })
    return read.value
  }
  return {
    async named(names) {
      const unique = [...new Set(names)]
      const found = await Promise.all(
        unique.map((name) => records.get({ ...KIND, namespace: undefined, name })),
      )
      return found.flatMap((record) => (record === undefined ? [] : [readPool(record)]))
    },
    async all() {
      const { items } = await records.list(KIND)
      return items.filter((item) => readSpiderIpPool(item).ok).map(readPool)
    },
  }
}
