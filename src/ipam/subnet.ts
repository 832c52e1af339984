/**
 * SpiderSubnet: what admission makes of it, and what its pools come to in its
 * status.
 *
 * Spec: Spiderpool admission rules of SpiderSubnet. They are told in the order
 * of SpiderIPPool's, the first that is broken is the answer.
 * @module
 */
import type { FieldFault } from '#values/admission.ts'
import { parseCidr } from '#values/cidr.ts'
import { formatRange, rangeOfCidr, subtractRanges } from '#values/ip-range.ts'
import { forbidden, invalid } from '#schema/fault.ts'
import { type SpiderIpPool, readSpiderIpPool } from '#schema/spider-ip-pool.ts'
import { type SpiderSubnet, readSpiderSubnet } from '#schema/spider-subnet.ts'
import { DEFAULT_SETTINGS, type Settings } from '#schema/spiderpool-settings.ts'
import { unknownKeys } from '#schema/zod.ts'
import { sharedRange } from './entry.ts'
import { addressesOf, capped, completed, sizeOf } from './network-addresses.ts'
import {
  faultOfCidr,
  faultOfEntries,
  faultOfGateway,
  faultOfRoutes,
  faultOfVersion,
} from './network-rules.ts'
import { faultOfUpdate, isLeaving } from './pool-rules.ts'
import { formatControlled } from './subnet-pool.ts'
import { readOr } from './text-fault.ts'

/** What a subnet is admitted against, all as documents. */
export type SpiderSubnetAgainst = {
  readonly previous: unknown
  readonly others: readonly unknown[]
  readonly pools: readonly unknown[]
  readonly settings: Settings | undefined
}

/** The document after defaults and mutation; with faults it must not be stored. */
export type SpiderSubnetAdmission = {
  readonly document: SpiderSubnet | undefined
  readonly faults: readonly FieldFault[]
  readonly warnings: readonly string[]
}

type Judging = {
  readonly subnet: SpiderSubnet
  readonly isNew: boolean
  readonly others: readonly SpiderSubnet[]
  readonly pools: readonly SpiderIpPool[]
}
type Rule = (judging: Judging) => FieldFault | undefined

const CIDR_LABEL = 'ipam.spidernet.io/subnet-cidr'

/** Admits a subnet against the one it replaces, all others and the pools. Pure. */
export function admitSpiderSubnet(
  raw: unknown,
  against: SpiderSubnetAgainst,
): SpiderSubnetAdmission {
  const read = readSpiderSubnet(raw)
  if (!read.ok) return { document: undefined, faults: read.faults, warnings: [] }
  const subnet = mutate(read.value)
  const previous = readSpiderSubnet(against.previous)
  const others = against.others.flatMap((other) => {
    const one = readSpiderSubnet(other)
    return one.ok && one.value.metadata.name !== subnet.metadata.name ? [one.value] : []
  })
  const before = previous.ok ? previous.value : undefined
  const pools = against.pools.flatMap(poolIn)
  const { settings = DEFAULT_SETTINGS } = against
  const judging = { subnet, isNew: before === undefined, others, pools }
  const { ipVersion, subnet: cidr } = subnet.spec
  const detail = `subnet ${cidr} is no CIDR to derive it from`
  const leaves = before !== undefined && isLeaving(subnet, before)
  const fault = leaves
    ? undefined
    : ((before && faultOfUpdate(subnet, before)) ??
      faultOfVersion({ ipVersion, detail }, settings) ??
      faultOfCidr(subnet.spec) ??
      firstFault(judging))
  const unknown = unknownKeys(raw, read.value)
  return {
    document: subnet,
    faults: fault === undefined ? [] : [fault],
    warnings: unknown.map((path) => `unknown field ${JSON.stringify(path)} is ignored`),
  }
}

/** A rule may count on those before it. */
function firstFault(judging: Judging): FieldFault | undefined {
  for (const rule of RULES) {
    const fault = rule(judging)
    if (fault !== undefined) return fault
  }
  return undefined
}

/** Pools that a subnet controls: those of its own CIDR. */
export function poolsOfSpiderSubnet(
  { spec: { subnet } }: SpiderSubnet,
  pools: readonly unknown[],
): SpiderIpPool[] {
  return pools.flatMap(poolIn).filter(({ spec }) => spec.subnet === subnet)
}

/** `status` of a subnet; allocated is what its pools have, given out or not. */
export function statusOfSpiderSubnet(subnet: SpiderSubnet, pools: readonly unknown[]) {
  const own = poolsOfSpiderSubnet(subnet, pools)
  const total = sizeOf(subnet)
  const allocated = own.reduce((sum, pool) => sum + sizeOf(pool), 0n)
  return {
    ...(own.length === 0 ? {} : { controlledIPPools: formatControlled(own) }),
    totalIPCount: Number(capped(total)),
    allocatedIPCount: Number(capped(allocated)),
  }
}

function poolIn(raw: unknown): SpiderIpPool[] {
  const read = readSpiderIpPool(raw)
  return read.ok ? [read.value] : []
}

function mutate(subnet: SpiderSubnet): SpiderSubnet {
  return subnet.metadata.deletionTimestamp === undefined ? completed(subnet, CIDR_LABEL) : subnet
}

/** No address of a network is another subnet's, or in a pool of a network that differs. */
function overlapping({ subnet: { spec }, isNew, others, pools }: Judging): FieldFault | undefined {
  if (!isNew) return undefined
  const mine = rangeOfCidr(parseCidr(spec.subnet))
  const meets = (text: string): boolean => {
    const theirs = readOr(() => rangeOfCidr(parseCidr(text))).value
    return theirs !== undefined && sharedRange(mine, theirs) !== undefined
  }
  const other = others.find((one) => meets(one.spec.subnet))
  if (other !== undefined) {
    const detail = `it overlaps ${other.spec.subnet} of SpiderSubnet ${other.metadata.name}`
    return invalid('spec.subnet', spec.subnet, detail)
  }
  const pool = pools.find((one) => one.spec.subnet !== spec.subnet && meets(one.spec.subnet))
  if (pool === undefined) return undefined
  const detail = `it overlaps subnet ${pool.spec.subnet} of pool ${pool.metadata.name}`
  return invalid('spec.subnet', spec.subnet, detail)
}

/** Addresses of its pools must be, and stay, the subnet's. */
function poolsInside({ subnet, isNew, pools }: Judging): FieldFault | undefined {
  const mine = addressesOf(subnet)
  for (const pool of pools) {
    if (pool.spec.subnet !== subnet.spec.subnet) continue
    const [outside] = subtractRanges(addressesOf(pool), mine)
    if (outside === undefined) continue
    const text = formatRange(outside)
    const { name } = pool.metadata
    if (!isNew) return forbidden('spec.ips', `${text} must stay: pool ${name} has it`)
    return invalid('spec.ips', subnet.spec.ips ?? [], `${text} of pool ${name} is not in it`)
  }
  return undefined
}

const RULES: readonly Rule[] = [
  overlapping,
  ({ subnet }) => faultOfEntries(subnet.spec),
  poolsInside,
  ({ subnet }) => faultOfGateway(subnet.spec),
  ({ subnet }) => faultOfRoutes(subnet.spec),
]
