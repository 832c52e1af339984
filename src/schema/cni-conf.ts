/**
 * Configurations of the CNI plugins `ipoib`, `macvlan` and `coordinator`: the
 * keys that we read, with their types. What upstream checks in its own words is
 * left to the plugin; what is a key of ours (`pkey`, `mode`, `guid`) is strict.
 *
 * Spec: CNI 1.1.0, section 1 (plugin configuration objects); MTU in bytes.
 * @module
 */
import { cidrOf, parseCidr } from '#values/cidr.ts'
import { bitsOf, familyOf, parseIp } from '#values/ip.ts'
import { type Pkey, parsePkey, pkeyFromBits } from '#values/pkey.ts'
import {
  type ConfSchema,
  attempt,
  confSchema,
  ifName,
  guid,
  mainKeys,
  orEmpty,
  parsed,
} from './cni-keys.ts'
import { readWith, z } from './zod.ts'

/** IPoIB connected mode carries 65520 bytes and no other mode more. */
const MAX_IPOIB_MTU = 65520
const MAX_TABLE = 0xffffffff

const ip = parsed(parseIp)
const cidr = parsed(parseCidr)
/** An address alone is all of its bits: admission rewrites it so, in some places only. */
const cidrOrIp = parsed((text) => {
  if (text.includes('/')) return parseCidr(text)
  const alone = parseIp(text)
  return cidrOf(alone, bitsOf(familyOf(alone)))
})
/** Decimal as a number; decimal or 0x as a text. */
const pkey: z.ZodType<Pkey> = z.unknown().transform((raw, check) =>
  attempt(check, () => {
    if (typeof raw === 'number') return pkeyFromBits(raw)
    return parsePkey(typeof raw === 'string' ? raw : JSON.stringify(raw))
  }),
)
const policyRoute = z.object({ dst: cidrOrIp, gw: ip })

const ipoib = z.object({
  master: orEmpty(ifName),
  pkey: pkey.optional(),
  mode: orEmpty(z.enum(['datagram', 'connected'])),
  mtu: z.int().min(0).max(MAX_IPOIB_MTU).default(0),
  guid: orEmpty(guid),
  mac: orEmpty(z.string()),
  ...mainKeys,
})
const macvlan = z.object({
  master: orEmpty(ifName),
  mode: orEmpty(z.string()),
  mtu: z.int().default(0),
  linkInContainer: z.boolean().default(false),
  bcqueuelen: z.int().min(0).max(MAX_TABLE).default(0),
  mac: orEmpty(z.string()),
  ...mainKeys,
})
const coordinator = z.object({
  mode: orEmpty(z.string()),
  podDefaultCniNic: orEmpty(ifName),
  podDefaultRouteNic: orEmpty(ifName),
  vethLinkAddress: orEmpty(ip),
  vethMTU: z.int().min(0).max(65535).default(0),
  podMACPrefix: orEmpty(z.string()),
  overlayPodCIDR: z.array(cidr).default([]),
  serviceCIDR: z.array(cidr).default([]),
  hijackCIDR: z.array(cidrOrIp).default([]),
  policyRoutes: z.array(policyRoute).default([]),
  tunePodRoutes: z.boolean().default(true),
  hostRuleTable: z.int().min(0).max(MAX_TABLE).default(0),
  podRPFilter: z.int().max(2).default(0),
  txQueueLen: z.int().min(0).max(MAX_TABLE).default(0),
  logOptions: z.looseObject({}).optional(),
})

export type IpoibDocument = z.output<typeof ipoib>
export type MacvlanDocument = z.output<typeof macvlan>
export type CoordinatorDocument = z.output<typeof coordinator>

export const IPOIB_CONF = confSchema(ipoib)
export const MACVLAN_CONF = confSchema(macvlan)
export const COORDINATOR_CONF: ConfSchema<CoordinatorDocument> = {
  keys: Object.keys(coordinator.shape),
  nested: { policyRoutes: Object.keys(policyRoute.shape) },
  read: (folded) => readWith(coordinator, folded),
}
