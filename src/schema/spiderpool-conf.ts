/**
 * The `ipam` part of a CNI configuration of type `spiderpool`.
 *
 * Spec: Spiderpool's CNI configuration. Keys about its log and socket are taken
 * and mean nothing here.
 * @module
 */
import { ipamReader } from './ipam-reading.ts'
import { z } from './zod.ts'

const texts = z.array(z.string()).exactOptional()
const spiderpool = z.object({
  type: z.string(),
  default_ipv4_ippool: texts,
  default_ipv6_ippool: texts,
  clean_gateway: z.boolean().default(false),
  match_master_subnet: z.boolean().default(false),
  /** Of this network alone; the agent's options say what holds elsewhere. */
  enableIPConflictDetection: z.boolean().exactOptional(),
  enableGatewayDetection: z.boolean().exactOptional(),
  log_level: z.string().exactOptional(),
  log_file_path: z.string().exactOptional(),
  log_file_max_size: z.number().exactOptional(),
  log_file_max_age: z.number().exactOptional(),
  log_file_max_count: z.number().exactOptional(),
  ipam_unix_socket_path: z.string().exactOptional(),
})
export type SpiderpoolDocument = z.output<typeof spiderpool>

/** How it is read; `keys` are all that it can hold. */
export const SPIDERPOOL_PART = {
  keys: Object.keys(spiderpool.shape),
  read: ipamReader(spiderpool),
}
