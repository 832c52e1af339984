/**
 * SpiderReservedIP: addresses that no pool gives out. Totals of pools stay as
 * they are, and who has such an address already keeps it.
 *
 * Spec: spiderpool.spidernet.io/v2beta1, kind SpiderReservedIP. Cluster-scoped, no status.
 * @module
 */
import { headOf } from './metadata.ts'
import { SPIDER_API_VERSION } from './spider-ip-pool.ts'
import { type Reading, readWith, z } from './zod.ts'

export const RESERVED_IP_KIND = 'SpiderReservedIP'

export const spiderReservedIp = z.object({
  ...headOf(SPIDER_API_VERSION, RESERVED_IP_KIND),
  spec: z
    .object({ ipVersion: z.int().exactOptional(), ips: z.array(z.string()).exactOptional() })
    .prefault({}),
})
export type SpiderReservedIp = z.output<typeof spiderReservedIp>

/** Reads one, or gives every fault of its schema. */
export function readSpiderReservedIp(raw: unknown): Reading<SpiderReservedIp> {
  return readWith(spiderReservedIp, raw)
}
