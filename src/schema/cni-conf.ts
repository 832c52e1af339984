/**
 * Configurations of the CNI plugins `ipoib`, `macvlan` and `coordinator`: the
 * keys that we read, with their types. What upstream checks in its own words is
 * left to the plugin; what is a key of ours (`pkey`, `mode`, `guid`) is strict.
 *
 * Spec: CNI 1.1.0, section 1 (plugin configuration objects); MTU in bytes.
 * @module
 */
import { failureIn } from '#values/failure.ts'
import { parseGuid } from '#values/guid.ts'
import { parseIfName } from '#values/if-name.ts'
import { parseCidr } from '#values/cidr.ts'
import { parseIp } from '#values/ip.ts'
import { type Pkey, parsePkey, pkeyFromBits } from '#values/pkey.ts'
import { type Reading, readWith, z } from './zod.ts'

/** How one plugin's configuration is read. */
export type ConfSchema<T> = {
  /** Keys in their own spelling: of the whole, and of the objects below it by key. */
  readonly keys: readonly string[]
  readonly nested: Readonly<Record<string, readonly string[]>>
  /** Keys must have their own spelling by now; those not known are dropped. */
  read(folded: unknown): Reading<T>
}

/** IPoIB connected mode carries 65520 bytes and no other mode more. */
const MAX_IPOIB_MTU = 65520
const MAX_TABLE = 0xffffffff

type Check = { addIssue(issue: { code: 'custom'; message: string }): void }

/** A schema for what a parser of `values/` reads; its failure becomes the issue. */
function parsed<T>(parse: (raw: string) => T): z.ZodType<T> {
  return z.string().transform((raw, check) => attempt(check, () => parse(raw)))
}

function attempt<T>(check: Check, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    const failure = failureIn(cause)
    check.addIssue({ code: 'custom', message: String(failure?.details['reason'] ?? cause) })
    return z.NEVER
  }
}

const ifName = parsed(parseIfName)
const ip = parsed(parseIp)
const cidr = parsed(parseCidr)
const guid = parsed(parseGuid)
/** Decimal as a number; decimal or 0x as a text. */
const pkey: z.ZodType<Pkey> = z.unknown().transform((raw, check) =>
  attempt(check, () => {
    if (typeof raw === 'number') return pkeyFromBits(raw)
    return parsePkey(typeof raw === 'string' ? raw : JSON.stringify(raw))
  }),
)
/** Empty is as good as absent, as it is for every upstream plugin. */
const orEmpty = <T>(schema: z.ZodType<T>) =>
  z.preprocess((raw) => (raw === '' ? undefined : raw), schema.optional())

const dns = z.object({
  nameservers: z.array(z.string()).default([]),
  domain: orEmpty(z.string()),
  search: z.array(z.string()).default([]),
  options: z.array(z.string()).default([]),
})
const ipam = z.object({ type: orEmpty(z.string()) })
const runtimeConfig = z.object({ mac: orEmpty(z.string()), infinibandGUID: orEmpty(guid) })
const policyRoute = z.object({ dst: cidr, gw: ip })

const mainKeys = {
  mac: orEmpty(z.string()),
  ipam: ipam.optional(),
  dns: dns.optional(),
  runtimeConfig: runtimeConfig.optional(),
}
const ipoib = z.object({
  master: orEmpty(ifName),
  pkey: pkey.optional(),
  mode: orEmpty(z.enum(['datagram', 'connected'])),
  mtu: z.int().min(0).max(MAX_IPOIB_MTU).default(0),
  guid: orEmpty(guid),
  ...mainKeys,
})
const macvlan = z.object({
  master: orEmpty(ifName),
  mode: orEmpty(z.string()),
  mtu: z.int().default(0),
  linkInContainer: z.boolean().default(false),
  bcqueuelen: z.int().min(0).max(MAX_TABLE).default(0),
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
  hijackCIDR: z.array(cidr).default([]),
  policyRoutes: z.array(policyRoute).default([]),
  tunePodRoutes: z.boolean().default(true),
  hostRuleTable: z.int().min(0).max(MAX_TABLE).default(0),
  podRPFilter: z.int().min(-1).max(2).default(0),
  txQueueLen: z.int().min(0).max(MAX_TABLE).default(0),
  logOptions: z.looseObject({}).optional(),
})

const nested = {
  dns: Object.keys(dns.shape),
  ipam: Object.keys(ipam.shape),
  runtimeConfig: Object.keys(runtimeConfig.shape),
}

export type IpoibDocument = z.output<typeof ipoib>
export type MacvlanDocument = z.output<typeof macvlan>
export type CoordinatorDocument = z.output<typeof coordinator>

export const IPOIB_CONF: ConfSchema<IpoibDocument> = {
  keys: Object.keys(ipoib.shape),
  nested,
  read: (folded) => readWith(ipoib, folded),
}
export const MACVLAN_CONF: ConfSchema<MacvlanDocument> = {
  keys: Object.keys(macvlan.shape),
  nested,
  read: (folded) => readWith(macvlan, folded),
}
export const COORDINATOR_CONF: ConfSchema<CoordinatorDocument> = {
  keys: Object.keys(coordinator.shape),
  nested: { policyRoutes: Object.keys(policyRoute.shape) },
  read: (folded) => readWith(coordinator, folded),
}
