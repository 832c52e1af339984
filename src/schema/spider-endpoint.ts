/**
 * SpiderEndpoint: the addresses that the interfaces of one pod have. Its name
 * is the pod's, or that of the virtual machine behind it.
 *
 * Spec: spiderpool.spidernet.io/v2beta1, kind SpiderEndpoint. Namespaced, no spec.
 * @module
 */
import { headOf } from './metadata.ts'
import { SPIDER_API_VERSION } from './spider-ip-pool.ts'
import { type Reading, readWith, z } from './zod.ts'

export const ENDPOINT_KIND = 'SpiderEndpoint'

const text = z.string().exactOptional()

/** One interface, both families. */
const endpointInterface = z.object({
  interface: z.string(),
  /** With prefix length: `172.91.0.100/16`. */
  ipv4: text,
  ipv6: text,
  ipv4Pool: text,
  ipv6Pool: text,
  ipv4Gateway: text,
  ipv6Gateway: text,
  vlan: z.int().min(0).max(4094).default(0),
  cleanGateway: z.boolean().exactOptional(),
  routes: z.array(z.object({ dst: z.string(), gw: z.string() })).exactOptional(),
  mac: text,
})
export type EndpointInterface = z.output<typeof endpointInterface>

export const spiderEndpoint = z.object({
  ...headOf(SPIDER_API_VERSION, ENDPOINT_KIND),
  status: z.object({
    current: z.object({
      uid: z.string(),
      node: z.string(),
      ips: z.array(endpointInterface),
    }),
    /** Kind of the controller at the top: `Deployment`, `StatefulSet`, `Pod`. */
    ownerControllerType: z.string(),
    ownerControllerName: z.string(),
  }),
})
export type SpiderEndpoint = z.output<typeof spiderEndpoint>

/** Reads one, or gives every fault of its schema. */
export function readSpiderEndpoint(raw: unknown): Reading<SpiderEndpoint> {
  return readWith(spiderEndpoint, raw)
}
