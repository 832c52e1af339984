/**
 * SpiderIPPool: addresses, gateway and routes of one network, and who may have them.
 *
 * Spec: spiderpool.spidernet.io/v2beta1, kind SpiderIPPool.
 * @module
 */
import { headOf } from './metadata.ts'
import { type Reading, readWith, z } from './zod.ts'

/** A Kubernetes LabelSelector. */
const labelSelector = z.looseObject({
  matchLabels: z.record(z.string(), z.string()).exactOptional(),
  matchExpressions: z
    .array(
      z.object({
        key: z.string(),
        /** Checked with its values by admission, as upstream does. */
        operator: z.string(),
        values: z.array(z.string()).exactOptional(),
      }),
    )
    .exactOptional(),
})
export type LabelSelector = z.output<typeof labelSelector>

const spec = z.object({
  ipVersion: z.int().exactOptional(),
  subnet: z.string(),
  ips: z.array(z.string()).exactOptional(),
  excludeIPs: z.array(z.string()).exactOptional(),
  gateway: z.string().exactOptional(),
  routes: z.array(z.object({ dst: z.string(), gw: z.string() })).exactOptional(),
  podAffinity: labelSelector.exactOptional(),
  namespaceAffinity: labelSelector.exactOptional(),
  nodeAffinity: labelSelector.exactOptional(),
  namespaceName: z.array(z.string()).exactOptional(),
  nodeName: z.array(z.string()).exactOptional(),
  multusName: z.array(z.string()).exactOptional(),
  default: z.boolean().default(false),
  disable: z.boolean().default(false),
})

const status = z.looseObject({
  allocatedIPs: z.string().exactOptional(),
  /** Up to 2^63-1: not every such number is exact here. */
  totalIPCount: z.number().min(0).exactOptional(),
  allocatedIPCount: z.number().min(0).exactOptional(),
})

export const SPIDER_API_VERSION = 'spiderpool.spidernet.io/v2beta1'
export const POOL_KIND = 'SpiderIPPool'

export const spiderIpPool = z.object({
  ...headOf(SPIDER_API_VERSION, POOL_KIND),
  spec,
  status: status.exactOptional(),
})
export type SpiderIpPool = z.output<typeof spiderIpPool>

/** Reads one, or gives every fault of its schema. */
export function readSpiderIpPool(raw: unknown): Reading<SpiderIpPool> {
  return readWith(spiderIpPool, raw)
}
