/**
 * Rules of admission of SpiderIPPool, in the order in which they are told.
 *
 * Spec: Spiderpool, validation of SpiderIPPool on create and update.
 * @module
 */
import type { AdmissionReason, FieldFault } from '#values/admission.ts'
import { failureIn } from '#values/failure.ts'
import {
  type IpRange,
  countOfRanges,
  formatRange,
  mergeRanges,
  parseRange,
  rangeContains,
  rangeOfCidr,
  subtractRanges,
} from '#values/ip-range.ts'
import { networkOf, type Cidr, cidrParts, parseCidr } from '#values/cidr.ts'
import { type Family, familyOf, parseIp } from '#values/ip.ts'
import type { LabelSelector, SpiderIpPool } from '#schema/spider-ip-pool.ts'

/** What a pool is compared with. */
export type PoolContext = {
  readonly previous: SpiderIpPool | undefined
  readonly others: readonly SpiderIpPool[]
}

/** Faults of a pool after mutation; of the first rules only the first that is broken. */
export function faultsOfPool(pool: SpiderIpPool, { previous, others }: PoolContext): FieldFault[] {
  const { spec } = pool
  const early = faultOfUpdate(pool, previous) ?? faultOfSubnet(pool)
  if (early !== undefined) return [early]
  const subnet = parseCidr(spec.subnet)
  const overlap = previous === undefined ? faultOfOverlap(pool, subnet, others) : undefined
  if (overlap !== undefined) return [overlap]
  const entries = [
    ...faultsOfEntries('ips', spec.ips, subnet),
    ...faultsOfEntries('excludeIPs', spec.excludeIPs, subnet),
  ]
  if (entries.length > 0) return entries
  const shared = faultOfSharing(pool, others)
  if (shared !== undefined) return [shared]
  return [
    ...faultsOfGateway(pool, subnet),
    ...faultsOfRoutes(pool, subnet),
    ...faultsOfSelector('spec.podAffinity', spec.podAffinity),
    ...faultsOfSelector('spec.namespaceAffinity', spec.namespaceAffinity),
    ...faultsOfSelector('spec.nodeAffinity', spec.nodeAffinity),
    ...faultsOfHeld(pool, previous),
  ]
}

function fault(reason: AdmissionReason, field: string, value: unknown, detail: string): FieldFault {
  const kind =
    reason === 'Forbidden' ? 'Forbidden' : `${spaced(reason)} value: ${JSON.stringify(value)}`
  return { reason, field, message: `${kind}: ${detail}` }
}

function spaced(reason: AdmissionReason): string {
  return reason === 'NotSupported' ? 'Unsupported' : reason
}

function faultOfUpdate(
  pool: SpiderIpPool,
  previous: SpiderIpPool | undefined,
): FieldFault | undefined {
  if (previous === undefined) return undefined
  const { ipVersion, subnet } = pool.spec
  if (
    previous.metadata.deletionTimestamp !== undefined &&
    (pool.metadata.finalizers ?? []).length > 0
  ) {
    return fault(
      'Forbidden',
      'metadata.deletionTimestamp',
      undefined,
      'a terminating pool cannot change',
    )
  }
  if (ipVersion !== previous.spec.ipVersion) {
    return fault(
      'Forbidden',
      'spec.ipVersion',
      ipVersion,
      `it is immutable: ${previous.spec.ipVersion}`,
    )
  }
  return subnet === previous.spec.subnet
    ? undefined
    : fault(
        'Forbidden',
        'spec.subnet',
        subnet,
        `it is immutable: ${previous.spec.subnet}, not ${subnet}`,
      )
}

function faultOfSubnet({ spec: { ipVersion, subnet } }: SpiderIpPool): FieldFault | undefined {
  const cidr = readOr(() => parseCidr(subnet))
  if (ipVersion === undefined) {
    return fault(
      'Invalid',
      'spec.ipVersion',
      '',
      `'spec.subnet' ${subnet} is no CIDR to derive it from`,
    )
  }
  if (ipVersion !== 4 && ipVersion !== 6) {
    return fault('NotSupported', 'spec.ipVersion', ipVersion, 'supported values: 4, 6')
  }
  if (cidr instanceof Fault) return fault('Invalid', 'spec.subnet', subnet, cidr.reason)
  const { family } = cidrParts(cidr)
  if (family !== ipVersion) {
    return fault('Invalid', 'spec.subnet', subnet, `it is no IPv${ipVersion} CIDR`)
  }
  const network = networkOf(cidr)
  return network === subnet
    ? undefined
    : fault('Invalid', 'spec.subnet', subnet, `it is not in canonical form: ${network}`)
}

function faultOfOverlap(
  pool: SpiderIpPool,
  subnet: Cidr,
  others: readonly SpiderIpPool[],
): FieldFault | undefined {
  const mine = rangeOfCidr(subnet)
  const other = others.find(({ spec }) => {
    const theirs = rangeOfSubnet(spec.subnet)
    return spec.subnet !== pool.spec.subnet && theirs !== undefined && overlaps(mine, theirs)
  })
  return other === undefined
    ? undefined
    : fault(
        'Invalid',
        'spec.subnet',
        pool.spec.subnet,
        `it overlaps pool ${other.metadata.name} with subnet ${other.spec.subnet}`,
      )
}

function faultOfSharing(
  pool: SpiderIpPool,
  others: readonly SpiderIpPool[],
): FieldFault | undefined {
  const mine = addressesOf(pool)
  for (const other of others) {
    if (other.spec.subnet !== pool.spec.subnet) continue
    const both = mine.flatMap((a) => addressesOf(other).flatMap((b) => intersection(a, b)))
    const [first] = both
    if (first === undefined) continue
    return fault(
      'Forbidden',
      'spec.ips',
      undefined,
      `${formatRange(first)} is in pool ${other.metadata.name} already`,
    )
  }
  return undefined
}

function faultsOfEntries(
  key: 'ips' | 'excludeIPs',
  texts: readonly string[] | undefined,
  subnet: Cidr,
): FieldFault[] {
  const whole = rangeOfCidr(subnet)
  return (texts ?? []).flatMap((text, i) => {
    const field = `spec.${key}[${i}]`
    const range = readOr(() => parseRange(text))
    if (range instanceof Fault) return [fault('Invalid', field, text, range.reason)]
    return rangeContains(whole, range)
      ? []
      : [fault('Invalid', field, text, `it is not in subnet ${subnet}`)]
  })
}

function faultsOfGateway({ spec }: SpiderIpPool, subnet: Cidr): FieldFault[] {
  const { gateway } = spec
  if (gateway === undefined || gateway === '') return []
  const range = readOr(() => parseRange(parseIp(gateway)))
  if (range instanceof Fault) return [fault('Invalid', 'spec.gateway', gateway, range.reason)]
  if (!rangeContains(rangeOfCidr(subnet), range)) {
    return [fault('Invalid', 'spec.gateway', gateway, `it is not in subnet ${subnet}`)]
  }
  const excluded = (spec.excludeIPs ?? []).some((text) => rangeContains(parseRange(text), range))
  const at = (spec.ips ?? []).findIndex((text) => rangeContains(parseRange(text), range))
  return at < 0 || excluded
    ? []
    : [fault('Invalid', `spec.ips[${at}]`, spec.ips?.[at], `it holds the gateway ${gateway}`)]
}

function faultsOfRoutes({ spec }: SpiderIpPool, subnet: Cidr): FieldFault[] {
  const { family } = cidrParts(subnet)
  return (spec.routes ?? []).flatMap(({ dst, gw }, i, routes) => {
    const field = `spec.routes[${i}]`
    if (dst === '0.0.0.0/0' || dst === '::/0') {
      return [fault('Invalid', `${field}.dst`, dst, 'the default route comes from spec.gateway')]
    }
    if (routes.findIndex((other) => other.dst === dst) !== i) {
      return [fault('Invalid', `${field}.dst`, dst, 'it is there twice')]
    }
    const cidr = readOr(() => parseCidr(dst))
    if (cidr instanceof Fault) return [fault('Invalid', `${field}.dst`, dst, cidr.reason)]
    if (cidrParts(cidr).family !== family) {
      return [fault('Invalid', `${field}.dst`, dst, `it is no IPv${family} CIDR`)]
    }
    return faultsOfNextHop(`${field}.gw`, gw, { family, subnet })
  })
}

function faultsOfNextHop(
  field: string,
  gw: string,
  { family, subnet }: { family: Family; subnet: Cidr },
): FieldFault[] {
  const ip = readOr(() => parseIp(gw))
  if (ip instanceof Fault) return [fault('Invalid', field, gw, ip.reason)]
  if (familyOf(ip) !== family) return [fault('Invalid', field, gw, `it is no IPv${family} address`)]
  return rangeContains(rangeOfCidr(subnet), parseRange(ip))
    ? []
    : [fault('Invalid', field, gw, `it is not in subnet ${subnet}`)]
}

function faultsOfSelector(field: string, selector: LabelSelector | undefined): FieldFault[] {
  if (selector === undefined) return []
  const { matchLabels = {}, matchExpressions = [] } = selector
  if (Object.keys(matchLabels).length + matchExpressions.length === 0) {
    return field === 'spec.podAffinity' ? [fault('Invalid', field, {}, 'it selects nothing')] : []
  }
  return matchExpressions.flatMap(({ operator, values = [] }, i) => {
    const wantsValues = operator === 'In' || operator === 'NotIn'
    if (wantsValues === values.length > 0) return []
    const detail = wantsValues ? `${operator} needs values` : `${operator} takes no values`
    return [fault('Invalid', `${field}.matchExpressions[${i}].values`, values, detail)]
  })
}

/** Addresses that pods hold by the recorded status must stay in the pool. */
function faultsOfHeld(pool: SpiderIpPool, previous: SpiderIpPool | undefined): FieldFault[] {
  const text = previous?.status?.allocatedIPs ?? pool.status?.allocatedIPs
  if (previous === undefined || text === undefined || text === '') return []
  const held = readOr((): unknown => JSON.parse(text))
  if (typeof held !== 'object' || held === null || held instanceof Fault) return []
  const now = addressesOf(pool)
  for (const [address, by] of Object.entries(held)) {
    const range = readOr(() => parseRange(address))
    if (range instanceof Fault || now.some((one) => rangeContains(one, range))) continue
    const pod: unknown = typeof by === 'object' && by !== null && 'pod' in by ? by.pod : by
    return [fault('Forbidden', 'spec.ips', undefined, `${address} is held by pod ${String(pod)}`)]
  }
  return []
}

/** Merged addresses of a pool; what cannot be read counts for nothing. */
function addressesOf({ spec }: SpiderIpPool): IpRange[] {
  const read = (texts: readonly string[] = []): IpRange[] =>
    texts.flatMap((text) => {
      const range = readOr(() => parseRange(text))
      return range instanceof Fault ? [] : [range]
    })
  return mergeRanges(subtractRanges(read(spec.ips), read(spec.excludeIPs)))
}

function rangeOfSubnet(subnet: string): IpRange | undefined {
  const range = readOr(() => rangeOfCidr(parseCidr(subnet)))
  return range instanceof Fault ? undefined : range
}

function overlaps(a: IpRange, b: IpRange): boolean {
  return a.family === b.family && a.first <= b.last && b.first <= a.last
}

function intersection(a: IpRange, b: IpRange): IpRange[] {
  if (!overlaps(a, b)) return []
  const first = a.first > b.first ? a.first : b.first
  const last = a.last < b.last ? a.last : b.last
  const both = { family: a.family, first, last }
  return countOfRanges([both]) > 0n ? [both] : []
}

/** Why a text is no value. */
class Fault {
  readonly reason: string
  constructor(reason: string) {
    this.reason = reason
  }
}

function readOr<T>(read: () => T): T | Fault {
  try {
    return read()
  } catch (cause) {
    return new Fault(String(failureIn(cause)?.details['reason'] ?? 'it cannot be read'))
  }
}
