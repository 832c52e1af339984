/**
 * SpiderSubnet: addresses of one network from which pools are cut, by hand or
 * for an application; gateway and routes are inherited by its pools.
 *
 * Spec: spiderpool.spidernet.io/v2beta1, kind SpiderSubnet. Cluster-scoped.
 * @module
 */
import { headOf } from './metadata.ts'
import { SPIDER_API_VERSION } from './spider-ip-pool.ts'
import { type Reading, readWith, z } from './zod.ts'

export const SPIDER_SUBNET_KIND = 'SpiderSubnet'

const spec = z.object({
  ipVersion: z.int().exactOptional(),
  subnet: z.string(),
  ips: z.array(z.string()).exactOptional(),
  excludeIPs: z.array(z.string()).exactOptional(),
  gateway: z.string().exactOptional(),
  routes: z.array(z.object({ dst: z.string(), gw: z.string() })).exactOptional(),
})

const status = z.looseObject({
  /** JSON text: pool name → `{"ips":[...],"application":"..."}`. */
  controlledIPPools: z.string().exactOptional(),
  /** Up to 2^63-1: not every such number is exact here. */
  totalIPCount: z.number().min(0).exactOptional(),
  allocatedIPCount: z.number().min(0).exactOptional(),
})

export const spiderSubnet = z.object({
  ...headOf(SPIDER_API_VERSION, SPIDER_SUBNET_KIND),
  spec,
  status: status.exactOptional(),
})
export type SpiderSubnet = z.output<typeof spiderSubnet>

/** Reads one, or gives every fault of its schema. */
export function readSpiderSubnet(raw: unknown): Reading<SpiderSubnet> {
  return readWith(spiderSubnet, raw)
}
