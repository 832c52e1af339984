/**
 * Rules of admission of SpiderIPPool, in the order in which they are told: the
 * first that is broken is the answer, together with that of `podAffinity` when
 * a pool is new.
 *
 * Spec: Spiderpool, validation of SpiderIPPool on create and update. Better
 * than upstream on purpose: a reversed range is refused, an entry is named by
 * its place, a gateway is compared by number.
 * @module
 */
import type { FieldFault } from '#values/admission.ts'
import { type Cidr, cidrParts, networkOf, parseCidr } from '#values/cidr.ts'
import {
  type IpRange,
  formatRange,
  parseRange,
  rangeContains,
  rangeOfCidr,
  subtractRanges,
} from '#values/ip-range.ts'
import { type Family, parseIp } from '#values/ip.ts'
import { forbidden, invalid, notSupported } from '#schema/fault.ts'
import type { SpiderIpPool } from '#schema/spider-ip-pool.ts'
import { selectorFault } from './selector.ts'
import { faultIn, readOr } from './text-fault.ts'

/** What a pool is compared with. */
export type PoolContext = {
  readonly previous: SpiderIpPool | undefined
  readonly others: readonly SpiderIpPool[]
}

type Judging = PoolContext & {
  readonly pool: SpiderIpPool
  readonly family: Family
  readonly cidr: Cidr
}
type Rule = (judging: Judging) => FieldFault | undefined

/** Faults of a pool after mutation. */
export function faultsOfPool(pool: SpiderIpPool, context: PoolContext): FieldFault[] {
  const { previous } = context
  const early =
    (previous && faultOfUpdate(pool, previous)) ?? faultOfVersion(pool) ?? faultOfCidr(pool)
  if (early !== undefined) return [early]
  const cidr = parseCidr(pool.spec.subnet)
  const judging = { ...context, pool, cidr, family: cidrParts(cidr).family }
  if (previous !== undefined) return firstOf([...RULES, podAffinity, ...LATE_RULES], judging)
  const overlap = overlapping(judging)
  if (overlap !== undefined) return [overlap]
  return [...firstOf(RULES, judging), ...firstOf([podAffinity, ...LATE_RULES], judging)]
}

function firstOf(rules: readonly Rule[], judging: Judging): FieldFault[] {
  for (const rule of rules) {
    const fault = rule(judging)
    if (fault !== undefined) return [fault]
  }
  return []
}

function faultOfUpdate(pool: SpiderIpPool, previous: SpiderIpPool): FieldFault | undefined {
  const { ipVersion, subnet } = previous.spec
  const finalizers = pool.metadata.finalizers ?? []
  if (previous.metadata.deletionTimestamp !== undefined && finalizers.length > 0) {
    const { name } = pool.metadata
    return forbidden('metadata.deletionTimestamp', `pool ${name} is terminating and cannot change`)
  }
  if (pool.spec.ipVersion !== ipVersion) {
    return forbidden('spec.ipVersion', `${pool.spec.ipVersion}: it is ${ipVersion}, for good`)
  }
  if (pool.spec.subnet === subnet) return undefined
  return forbidden('spec.subnet', `${pool.spec.subnet}: it is ${subnet}, for good`)
}

function faultOfVersion({ spec: { ipVersion, subnet } }: SpiderIpPool): FieldFault | undefined {
  if (ipVersion === undefined) {
    return invalid('spec.ipVersion', '', `subnet ${subnet} is no CIDR to derive it from`)
  }
  if (ipVersion === 4 || ipVersion === 6) return undefined
  return notSupported('spec.ipVersion', ipVersion, [4, 6])
}

function faultOfCidr({ spec: { ipVersion, subnet } }: SpiderIpPool): FieldFault | undefined {
  const cidr = readOr(() => parseCidr(subnet))
  const [text, reason] = [cidr.value, faultIn(cidr)]
  if (text === undefined) return invalid('spec.subnet', subnet, reason)
  if (cidrParts(text).family !== ipVersion) {
    return invalid('spec.subnet', subnet, `it is no IPv${ipVersion} CIDR`)
  }
  if (networkOf(text) === subnet) return undefined
  return invalid('spec.subnet', subnet, `it is not in its canonical form, ${networkOf(text)}`)
}

function overlapping({ pool: { spec }, cidr, others }: Judging): FieldFault | undefined {
  const mine = rangeOfCidr(cidr)
  const other = others.find((one) => {
    const theirs = readOr(() => rangeOfCidr(parseCidr(one.spec.subnet))).value
    return one.spec.subnet !== spec.subnet && theirs !== undefined && shared(mine, theirs)
  })
  if (other === undefined) return undefined
  const detail = `it overlaps subnet ${other.spec.subnet} of pool ${other.metadata.name}`
  return invalid('spec.subnet', spec.subnet, detail)
}

function entries({ pool: { spec }, cidr }: Judging): FieldFault | undefined {
  for (const key of ['ips', 'excludeIPs'] as const) {
    for (const [i, text] of (spec[key] ?? []).entries()) {
      const reason = faultOfEntry(text, cidr)
      if (reason !== undefined) return invalid(`spec.${key}[${i}]`, text, reason)
    }
  }
  return undefined
}

/** Why a text is no address or range of a network, or undefined. */
export function faultOfEntry(text: string, cidr: Cidr): string | undefined {
  const range = readOr(() => parseRange(text))
  if (range.value === undefined) return faultIn(range)
  return rangeContains(rangeOfCidr(cidr), range.value) ? undefined : `it is not in subnet ${cidr}`
}

function sharing({ pool, others }: Judging): FieldFault | undefined {
  const mine = addressesOf(pool)
  for (const other of others) {
    if (other.spec.subnet !== pool.spec.subnet) continue
    const theirs = addressesOf(other)
    const [both] = mine.flatMap((a) => theirs.flatMap((b) => shared(a, b) ?? []))
    if (both === undefined) continue
    return forbidden('spec.ips', `${formatRange(both)} is in pool ${other.metadata.name} already`)
  }
  return undefined
}

function gateway({ pool: { spec }, cidr }: Judging): FieldFault | undefined {
  const { gateway: text = '', ips = [], excludeIPs = [] } = spec
  if (text === '') return undefined
  const range = readOr(() => parseRange(parseIp(text)))
  if (range.value === undefined) return invalid('spec.gateway', text, faultIn(range))
  const reason = faultOfEntry(text, cidr)
  if (reason !== undefined) return invalid('spec.gateway', text, reason)
  const { value } = range
  const at = ips.findIndex((entry) => rangeContains(parseRange(entry), value))
  const isExcluded = excludeIPs.some((entry) => rangeContains(parseRange(entry), value))
  if (at < 0 || isExcluded) return undefined
  return invalid(`spec.ips[${at}]`, ips[at], `it has the gateway ${text}, which excludeIPs has not`)
}

function routes({ pool: { spec }, cidr, family }: Judging): FieldFault | undefined {
  const all = spec.routes ?? []
  for (const [i, { dst, gw }] of all.entries()) {
    const field = `spec.routes[${i}]`
    const reason = faultOfTarget(dst, family)
    const isRepeated = all.findIndex((other) => other.dst === dst) < i
    if (isRepeated) return invalid(`${field}.dst`, dst, 'it is there twice')
    if (reason !== undefined) return invalid(`${field}.dst`, dst, reason)
    const hop = readOr(() => parseIp(gw))
    const hopReason = hop.value === undefined ? faultIn(hop) : faultOfEntry(gw, cidr)
    if (hopReason !== undefined) return invalid(`${field}.gw`, gw, hopReason)
  }
  return undefined
}

function faultOfTarget(dst: string, family: Family): string | undefined {
  const cidr = readOr(() => parseCidr(dst))
  if (cidr.value === undefined) return faultIn(cidr)
  const parts = cidrParts(cidr.value)
  if (parts.prefix === 0) return 'the default route is that of spec.gateway'
  return parts.family === family ? undefined : `it is no IPv${family} CIDR`
}

function podAffinity({ pool: { spec } }: Judging): FieldFault | undefined {
  const selector = spec.podAffinity
  if (selector === undefined) return undefined
  const { matchLabels = {}, matchExpressions = [] } = selector
  const isEmpty = Object.keys(matchLabels).length + matchExpressions.length === 0
  const reason = isEmpty ? 'it selects nothing' : selectorFault(selector)
  return reason === undefined ? undefined : invalid('spec.podAffinity', selector, reason)
}

function otherAffinities({ pool: { spec } }: Judging): FieldFault | undefined {
  for (const key of ['namespaceAffinity', 'nodeAffinity'] as const) {
    const reason = spec[key] === undefined ? undefined : selectorFault(spec[key])
    if (reason !== undefined) return invalid(`spec.${key}`, spec[key], reason)
  }
  return undefined
}

/** Addresses that pods hold by the recorded status must stay in the pool. */
function stillHeld({ pool, previous }: Judging): FieldFault | undefined {
  const text = pool.status?.allocatedIPs ?? previous?.status?.allocatedIPs ?? ''
  const held = text === '' ? undefined : readOr((): unknown => JSON.parse(text)).value
  if (previous === undefined || typeof held !== 'object' || held === null) return undefined
  const now = addressesOf(pool)
  for (const [address, by] of Object.entries(held)) {
    const range = readOr(() => parseRange(address)).value
    if (range === undefined || now.some((one) => rangeContains(one, range))) continue
    const pod: unknown = typeof by === 'object' && by !== null && 'pod' in by ? by.pod : by
    return forbidden('spec.ips', `${address} must stay: pod ${String(pod)} holds it`)
  }
  return undefined
}

const RULES: readonly Rule[] = [entries, sharing, gateway, routes]
const LATE_RULES: readonly Rule[] = [otherAffinities, stillHeld]

/** Addresses of a pool; a text that cannot be read counts for nothing. */
function addressesOf({ spec }: SpiderIpPool): IpRange[] {
  const read = (texts: readonly string[] = []): IpRange[] =>
    texts.flatMap((text) => readOr(() => parseRange(text)).value ?? [])
  return subtractRanges(read(spec.ips), read(spec.excludeIPs))
}

/** What two ranges have in common. */
function shared(a: IpRange, b: IpRange): IpRange | undefined {
  if (a.family !== b.family || a.first > b.last || b.first > a.last) return undefined
  const first = a.first > b.first ? a.first : b.first
  return { family: a.family, first, last: a.last < b.last ? a.last : b.last }
}
