/**
 * The `ipam` part of a CNI configuration, for each IPAM of ours.
 *
 * Spec: CNI plugins host-local and static; Spiderpool's CNI configuration.
 * Unknown keys are kept out and reported, as the replaced plugins accept them.
 * @module
 */
import { type Reading, readWith, unknownKeys, z } from './zod.ts'

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
const texts = z.array(z.string()).exactOptional()
const spiderpool = z.object({
  type: z.string(),
  default_ipv4_ippool: texts,
  default_ipv6_ippool: texts,
  clean_gateway: z.boolean().default(false),
  match_master_subnet: z.boolean().default(false),
  log_level: z.string().exactOptional(),
  log_file_path: z.string().exactOptional(),
  log_file_max_size: z.number().exactOptional(),
  log_file_max_age: z.number().exactOptional(),
  log_file_max_count: z.number().exactOptional(),
  ipam_unix_socket_path: z.string().exactOptional(),
})

export type RangeDocument = z.output<typeof range>
export type RouteDocument = z.output<typeof route>
export type HostLocalDocument = z.output<typeof hostLocal>
export type StaticDocument = z.output<typeof fixed>
export type SpiderpoolDocument = z.output<typeof spiderpool>

/** A configuration as read, with a warning for each key that means nothing here. */
export type IpamReading<T> = { readonly read: Reading<T>; readonly warnings: readonly string[] }

function reader<T>(schema: z.ZodType<T>): (raw: unknown) => IpamReading<T> {
  return (raw) => {
    const read = readWith(schema, raw, 'ipam')
    const unknown = read.ok ? unknownKeys(raw, read.value, 'ipam') : []
    return { read, warnings: unknown.map((key) => `${key} is not known and has no effect`) }
  }
}

const rangeKeys = Object.keys(range.shape)
const routeKeys = Object.keys(route.shape)

/** How each part is read; `keys` are all that it can hold, at any depth. */
export const HOST_LOCAL_PART = {
  keys: [...Object.keys(hostLocal.shape), ...rangeKeys, ...routeKeys],
  read: reader(hostLocal),
}
export const STATIC_PART = {
  keys: [
    ...Object.keys(fixed.shape),
    ...Object.keys(dns.shape),
    'address',
    'gateway',
    ...routeKeys,
  ],
  read: reader(fixed),
}
export const SPIDERPOOL_PART = {
  keys: Object.keys(spiderpool.shape),
  read: reader(spiderpool),
}
/** `runtimeConfig.ipRanges`. */
export function readRanges(raw: unknown): Reading<RangeDocument[][]> {
  return readWith(z.array(z.array(range)), raw, 'runtimeConfig.ipRanges')
}
