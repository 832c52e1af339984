/**
 * SpiderIPPool: what admission makes of it and which addresses it holds.
 * Intervals throughout: a /64 costs no more than a /32.
 *
 * Spec: Spiderpool admission rules of SpiderIPPool, in their order, kinds and
 * fields. Better than upstream on purpose: a reversed range is refused, a
 * malformed entry is reported where it stands, a gateway is compared by number.
 * @module
 */
import type { FieldFault } from '#values/admission.ts'
import {
  type IpRange,
  countOfRanges,
  formatRange,
  mergeRanges,
  parseRange,
  subtractRanges,
} from '#values/ip-range.ts'
import { type Cidr, cidrParts, parseCidr } from '#values/cidr.ts'
import { type SpiderIpPool, readSpiderIpPool } from '#schema/spider-ip-pool.ts'
import { unknownKeys } from '#schema/zod.ts'
import { faultOfEntry, faultsOfPool } from './pool-rules.ts'
import { readOr } from './text-fault.ts'

/** The document after defaults and mutation; with faults it must not be stored. */
export type PoolAdmission = {
  readonly document: SpiderIpPool | undefined
  readonly faults: readonly FieldFault[]
  readonly warnings: readonly string[]
}

export const POOL_FINALIZER = 'spiderpool.spidernet.io'
const CIDR_LABEL = 'ipam.spidernet.io/ippool-cidr'

/** Admits a pool against the one it replaces and all others. Pure. */
export function admitPool(
  raw: unknown,
  against: { readonly previous: unknown; readonly others: readonly unknown[] },
): PoolAdmission {
  const read = readSpiderIpPool(raw)
  if (!read.ok) return { document: undefined, faults: read.faults, warnings: [] }
  const document = mutate(read.value)
  const previous = readSpiderIpPool(against.previous)
  const others = against.others.flatMap((other) => {
    const one = readSpiderIpPool(other)
    const same = one.ok && one.value.metadata.name === document.metadata.name
    return one.ok && !same ? [one.value] : []
  })
  const faults = faultsOfPool(document, {
    previous: previous.ok ? previous.value : undefined,
    others,
  })
  const unknown = unknownKeys(raw, read.value)
  const warnings = unknown.map((path) => `unknown field ${JSON.stringify(path)} is ignored`)
  return { document, faults, warnings }
}

/** Addresses that the pool can give out, merged. */
export function rangesOfPool({ spec }: SpiderIpPool): IpRange[] {
  const ranges = (texts: readonly string[] = []): IpRange[] => texts.map(parseRange)
  return subtractRanges(ranges(spec.ips), ranges(spec.excludeIPs))
}

/** How many addresses the pool can give out. */
export function sizeOfPool(pool: SpiderIpPool): bigint {
  return countOfRanges(rangesOfPool(pool))
}

function mutate(pool: SpiderIpPool): SpiderIpPool {
  const { metadata, spec } = pool
  if (metadata.deletionTimestamp !== undefined) return pool
  const finalizers = [...new Set([...(metadata.finalizers ?? []), POOL_FINALIZER])]
  const labels = { ...metadata.labels, [CIDR_LABEL]: spec.subnet.replaceAll(/[.:/]/g, '-') }
  const family = poolFamily(spec.subnet)
  const ipVersion = spec.ipVersion ?? family
  return {
    ...pool,
    metadata: { ...metadata, finalizers, labels },
    spec: {
      ...spec,
      ...(ipVersion === undefined ? {} : { ipVersion }),
      ...normalised('ips', spec),
      ...normalised('excludeIPs', spec),
    },
  }
}

/** A list with an entry that is none of the network's is left as it is, for validation to name. */
function normalised(key: 'ips' | 'excludeIPs', spec: SpiderIpPool['spec']) {
  const texts = spec[key]
  const cidr = readOr(() => parseCidr(spec.subnet)).value
  if (texts === undefined || cidr === undefined) return {}
  if (texts.some((text) => faultOfEntry(text, cidr) !== undefined)) return {}
  return { [key]: mergeRanges(texts.map(parseRange)).map(formatRange) }
}

/** 4 or 6, undefined for a text that is no CIDR. */
export function poolFamily(subnet: string): 4 | 6 | undefined {
  return readOr(() => cidrParts(parseCidr(subnet)).family).value
}

/** The CIDR of an admitted pool. */
export function poolCidr({ spec }: SpiderIpPool): Cidr {
  return parseCidr(spec.subnet)
}
