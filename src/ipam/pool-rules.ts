/**
 * Rules of admission of SpiderIPPool, in the order in which they are told: the
 * first that is broken is the answer, together with that of `podAffinity` when
 * a pool is new.
 *
 * Spec: Spiderpool, validation of SpiderIPPool on create and update.
 * @module
 */
import type { FieldFault } from '#values/admission.ts'
import { type Cidr, parseCidr } from '#values/cidr.ts'
import { formatRange, parseRange, rangeContains, rangeOfCidr } from '#values/ip-range.ts'
import { forbidden, invalid } from '#schema/fault.ts'
import type { SpiderIpPool } from '#schema/spider-ip-pool.ts'
import type { SpiderSubnet } from '#schema/spider-subnet.ts'
import type { Settings } from '#schema/spiderpool-settings.ts'
import { sharedRange } from './entry.ts'
import { addressesOf } from './network-addresses.ts'
import {
  faultOfCidr,
  faultOfEntries,
  faultOfGateway,
  faultOfRoutes,
  faultOfVersion,
} from './network-rules.ts'
import { selectorFault } from './selector.ts'
import { faultOfSpiderSubnet } from './subnet-pool.ts'
import { isAutoPool, strangeKey } from './auto-label.ts'
import { readOr } from './text-fault.ts'

/** What a pool is compared with. */
export type PoolContext = {
  readonly previous: SpiderIpPool | undefined
  readonly others: readonly SpiderIpPool[]
  /** The subnet that it is cut from. */
  readonly subnet: SpiderSubnet | undefined
  readonly settings: Settings
}

type Judging = PoolContext & { readonly pool: SpiderIpPool; readonly cidr: Cidr }
type Rule = (judging: Judging) => FieldFault | undefined

/** Faults of a pool after mutation. */
export function faultsOfPool(pool: SpiderIpPool, context: PoolContext): FieldFault[] {
  const { previous, settings } = context
  if (previous !== undefined && isLeaving(pool, previous)) return []
  const { ipVersion, subnet } = pool.spec
  const detail = `subnet ${subnet} is no CIDR to derive it from`
  const early =
    (previous && faultOfUpdate(pool, previous)) ??
    faultOfVersion({ ipVersion, detail }, settings) ??
    faultOfCidr(pool.spec)
  if (early !== undefined) return [early]
  const judging = { ...context, pool, cidr: parseCidr(subnet) }
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

type Versioned = {
  readonly kind: string
  readonly metadata: SpiderIpPool['metadata']
  readonly spec: { readonly ipVersion?: number; readonly subnet: string }
}

/** True for the one write that a terminating document takes: it lets it go. */
export function isLeaving(now: Pick<Versioned, 'metadata'>, before: Pick<Versioned, 'metadata'>) {
  const { finalizers = [] } = now.metadata
  return before.metadata.deletionTimestamp !== undefined && finalizers.length === 0
}

/** What no update may do: change what is terminating, the version, the subnet. */
export function faultOfUpdate(now: Versioned, before: Versioned): FieldFault | undefined {
  const { ipVersion, subnet } = before.spec
  const { name, finalizers = [] } = now.metadata
  if (before.metadata.deletionTimestamp !== undefined && finalizers.length > 0) {
    const detail = `${now.kind} ${name} is terminating and cannot change`
    return forbidden('metadata.deletionTimestamp', detail)
  }
  if (now.spec.ipVersion !== ipVersion) {
    const detail = `${now.spec.ipVersion ?? 'nothing'}: it is ${ipVersion}, for good`
    return forbidden('spec.ipVersion', detail)
  }
  if (now.spec.subnet === subnet) return undefined
  return forbidden('spec.subnet', `${now.spec.subnet}: it is ${subnet}, for good`)
}

function overlapping({ pool: { spec }, cidr, others }: Judging): FieldFault | undefined {
  const mine = rangeOfCidr(cidr)
  const other = others.find((one) => {
    const theirs = readOr(() => rangeOfCidr(parseCidr(one.spec.subnet))).value
    return one.spec.subnet !== spec.subnet && theirs !== undefined && sharedRange(mine, theirs)
  })
  if (other === undefined) return undefined
  const detail = `it overlaps subnet ${other.spec.subnet} of pool ${other.metadata.name}`
  return invalid('spec.subnet', spec.subnet, detail)
}

function sharing({ pool, others }: Judging): FieldFault | undefined {
  const mine = addressesOf(pool)
  for (const other of others) {
    if (other.spec.subnet !== pool.spec.subnet) continue
    const theirs = addressesOf(other)
    const [both] = mine.flatMap((a) => theirs.flatMap((b) => sharedRange(a, b) ?? []))
    if (both === undefined) continue
    return forbidden('spec.ips', `${formatRange(both)} is in pool ${other.metadata.name} already`)
  }
  return undefined
}

function podAffinity({ pool }: Judging): FieldFault | undefined {
  const selector = pool.spec.podAffinity
  if (selector === undefined) return undefined
  const { matchLabels = {}, matchExpressions = [] } = selector
  const isEmpty = Object.keys(matchLabels).length + matchExpressions.length === 0
  const reason = isEmpty ? 'it selects nothing' : selectorFault(selector)
  const strange = isAutoPool(pool) ? strangeKey(selector) : undefined
  const detail = reason ?? (strange && `${strange} cannot be in it: the pool is an application's`)
  return detail === undefined ? undefined : invalid('spec.podAffinity', selector, detail)
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

const RULES: readonly Rule[] = [
  ({ pool }) => faultOfEntries(pool.spec),
  sharing,
  ({ pool, subnet }) => subnet && faultOfSpiderSubnet(pool, subnet),
  ({ pool }) => faultOfGateway(pool.spec),
  ({ pool }) => faultOfRoutes(pool.spec),
]
const LATE_RULES: readonly Rule[] = [otherAffinities, stillHeld]
