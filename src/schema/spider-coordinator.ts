/**
 * SpiderCoordinator, and the coordinator block of a SpiderMultusConfig, which
 * has the same fields: how a pod reaches its node and its cluster.
 *
 * Spec: CRD spidercoordinators.spiderpool.spidernet.io, v2beta1. Cluster-scoped.
 * Rules of a field beyond its type (MAC prefix, CIDR texts) are admission's.
 * @module
 */
import { headOf } from './metadata.ts'
import { z } from './zod.ts'

export const COORDINATOR_MODES = ['auto', 'underlay', 'overlay', 'disabled'] as const
/** Where the pod CIDRs of the cluster are learnt. */
export const POD_CIDR_TYPES = ['auto', 'cluster', 'calico', 'cilium', 'none'] as const

/** Fields with the defaults of the schema. */
export const coordinatorSpec = z.object({
  mode: z.enum(COORDINATOR_MODES).default('auto'),
  podCIDRType: z.string().exactOptional(),
  hijackCIDR: z.array(z.string()).exactOptional(),
  policyRoutes: z.array(z.object({ dst: z.string(), gw: z.string() })).exactOptional(),
  /** First two bytes of a pod's MAC address: `0a:1b`. */
  podMACPrefix: z.string().exactOptional(),
  tunePodRoutes: z.boolean().default(true),
  podDefaultRouteNIC: z.string().exactOptional(),
  /** Number of the routing table on the node. */
  hostRuleTable: z.int().default(500),
  /** 0, 1 or 2; negative leaves it alone. */
  podRPFilter: z.int().default(0),
  /** Packets; 0 leaves it alone. */
  txQueueLen: z.int().default(0),
  vethLinkAddress: z.string().exactOptional(),
  /** Bytes. */
  vethMTU: z.int().exactOptional(),
})
export type CoordinatorSpec = z.output<typeof coordinatorSpec>

export const spiderCoordinator = z.object({
  ...headOf('spiderpool.spidernet.io/v2beta1', 'SpiderCoordinator'),
  spec: coordinatorSpec.prefault({}),
  status: z.looseObject({ phase: z.enum(['NotReady', 'Synced']) }).exactOptional(),
})
export type SpiderCoordinator = z.output<typeof spiderCoordinator>
