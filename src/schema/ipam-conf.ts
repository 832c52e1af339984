/**
 * The `ipam` part of a CNI configuration, for host-local and static.
 *
 * Spec: CNI plugins, host-local and static.
 * Unknown keys are kept out and reported, as the replaced plugins accept them.
 * @module
 */
import { ipamReader } from './ipam-reading.ts'
import { type Reading, readWith, z } from './zod.ts'

const route = z.object({
  dst: z.string(),
  gw: z.string().exactOptional(),
  mtu: z.int().exactOptional(),
  advmss: z.int().exactOptional(),
  priority: z.int().exactOptional(),
  table: z.int().exactOptional(),
  scope: z.int().exactOptional(),
})
const range = z.object({
  subnet: z.string(),
  rangeStart: z.string().exactOptional(),
  rangeEnd: z.string().exactOptional(),
  gateway: z.string().exactOptional(),
})
const dns = z.object({
  nameservers: z.array(z.string()).exactOptional(),
  domain: z.string().exactOptional(),
  search: z.array(z.string()).exactOptional(),
  options: z.array(z.string()).exactOptional(),
})

const hostLocal = z.object({
  type: z.string(),
  ...range.partial().shape,
  ranges: z.array(z.array(range)).exactOptional(),
  routes: z.array(route).exactOptional(),
  dataDir: z.string().default('/var/lib/cni/networks'),
  resolvConf: z.string().exactOptional(),
})
const fixed = z.object({
  type: z.string(),
  addresses: z
    .array(z.object({ address: z.string(), gateway: z.string().exactOptional() }))
    .exactOptional(),
  routes: z.array(route).exactOptional(),
  dns: dns.exactOptional(),
})
export type RangeDocument = z.output<typeof range>
export type RouteDocument = z.output<typeof route>
export type HostLocalDocument = z.output<typeof hostLocal>
export type StaticDocument = z.output<typeof fixed>

const rangeKeys = Object.keys(range.shape)
const routeKeys = Object.keys(route.shape)

/** How each part is read; `keys` are all that it can hold, at any depth. */
export const HOST_LOCAL_PART = {
  keys: [...Object.keys(hostLocal.shape), ...rangeKeys, ...routeKeys],
  read: ipamReader(hostLocal),
}
export const STATIC_PART = {
  keys: [
    ...Object.keys(fixed.shape),
    ...Object.keys(dns.shape),
    'address',
    'gateway',
    ...routeKeys,
  ],
  read: ipamReader(fixed),
}
/** `runtimeConfig.ipRanges`. */
export function readRanges(raw: unknown): Reading<RangeDocument[][]> {
  return readWith(z.array(z.array(range)), raw, 'runtimeConfig.ipRanges')
}
