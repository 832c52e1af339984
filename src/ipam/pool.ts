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
import type { IpRange } from '#values/ip-range.ts'
import { type Cidr, parseCidr } from '#values/cidr.ts'
import { type SpiderIpPool, readSpiderIpPool } from '#schema/spider-ip-pool.ts'
import { type SpiderSubnet, readSpiderSubnet } from '#schema/spider-subnet.ts'
import { DEFAULT_SETTINGS, type Settings } from '#schema/spiderpool-settings.ts'
import { unknownKeys } from '#schema/zod.ts'
import { POOL_LABEL } from './auto-label.ts'
import { addressesOf, completed, sizeOf } from './network-addresses.ts'
import { faultsOfPool } from './pool-rules.ts'
import { spiderSubnetOfPool, withSpiderSubnet } from './subnet-pool.ts'

/** The document after defaults and mutation; with faults it must not be stored. */
export type PoolAdmission = {
  readonly document: SpiderIpPool | undefined
  readonly faults: readonly FieldFault[]
  readonly warnings: readonly string[]
}

/** What a pool is admitted against, all as documents. */
export type PoolAgainst = {
  readonly previous: unknown
  readonly others: readonly unknown[]
  readonly subnets?: readonly unknown[]
  /** The chart's defaults when undefined. */
  readonly settings?: Settings
}

/** Admits a pool against the one it replaces, all others and the subnets. Pure. */
export function admitPool(raw: unknown, against: PoolAgainst): PoolAdmission {
  const read = readSpiderIpPool(raw)
  if (!read.ok) return { document: undefined, faults: read.faults, warnings: [] }
  const { settings = DEFAULT_SETTINGS, subnets = [] } = against
  const subnet = settings.enableSpiderSubnet
    ? spiderSubnetOfPool(read.value, subnets.flatMap(subnetIn))
    : undefined
  const document = mutate(read.value, subnet)
  const previous = readSpiderIpPool(against.previous)
  const others = against.others.flatMap((other) => {
    const one = readSpiderIpPool(other)
    const same = one.ok && one.value.metadata.name === document.metadata.name
    return one.ok && !same ? [one.value] : []
  })
  const faults = faultsOfPool(document, {
    previous: previous.ok ? previous.value : undefined,
    others,
    subnet,
    settings,
  })
  const unknown = unknownKeys(raw, read.value)
  const warnings = unknown.map((path) => `unknown field ${JSON.stringify(path)} is ignored`)
  return { document, faults, warnings }
}

/** Addresses that the pool can give out, merged. */
export function rangesOfPool(pool: SpiderIpPool): IpRange[] {
  return addressesOf(pool)
}

/** How many addresses the pool can give out. */
export function sizeOfPool(pool: SpiderIpPool): bigint {
  return sizeOf(pool)
}

function mutate(pool: SpiderIpPool, subnet: SpiderSubnet | undefined): SpiderIpPool {
  if (pool.metadata.deletionTimestamp !== undefined) return pool
  return completed(subnet === undefined ? pool : withSpiderSubnet(pool, subnet), POOL_LABEL.cidr)
}

function subnetIn(raw: unknown): SpiderSubnet[] {
  const read = readSpiderSubnet(raw)
  return read.ok ? [read.value] : []
}

/** The CIDR of an admitted pool. */
export function poolCidr({ spec }: SpiderIpPool): Cidr {
  return parseCidr(spec.subnet)
}
