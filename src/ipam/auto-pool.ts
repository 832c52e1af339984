/**
 * Automatic pools: what follows for SpiderIPPools from a workload whose pod
 * template asks for subnets. Pure: the same documents give the same pools.
 *
 * Spec: Spiderpool, automatic pools: name `auto<4|6>-<app>-<nic>-<uid part>`,
 * labels, podAffinity, number of addresses. A pool that is there keeps what pods
 * hold; it grows by the lowest free addresses and shrinks from its end.
 * @module
 */
import { shortHash } from '#values/hash.ts'
import {
  type IpRange,
  countOfRanges,
  formatRange,
  mergeRanges,
  parseRange,
  subtractRanges,
} from '#values/ip-range.ts'
import type { Family } from '#values/ip.ts'
import { type SpiderIpPool, readSpiderIpPool } from '#schema/spider-ip-pool.ts'
import type { SpiderSubnet } from '#schema/spider-subnet.ts'
import { isRecord } from '#schema/zod.ts'
import type { Application } from './application.ts'
import { POOL_LABEL, appLabels } from './auto-label.ts'
import { labelValue } from './labels.ts'
import { addressesOf } from './network-addresses.ts'
import { readOr } from './text-fault.ts'

/** One pool that is asked for. */
export type PoolWish = {
  readonly application: Application
  readonly ifName: string
  readonly family: Family
  readonly reclaim: boolean
  /** Addresses that it shall have. */
  readonly count: number
}

/** What a wish meets. */
export type PoolGround = {
  readonly subnet: SpiderSubnet
  /** All pools, with `status.allocatedIPs` where it is known. */
  readonly pools: readonly SpiderIpPool[]
  readonly reserved: readonly IpRange[]
}

/** A pool, or how many addresses the subnet has left for it. */
export type AutoPool =
  | { readonly ok: true; readonly pool: SpiderIpPool }
  | { readonly ok: false; readonly free: bigint }

/** `auto4-web-eth0-8c0f1`: the same for the same application, interface and family. */
export function autoPoolName({ application, ifName, family }: Omit<PoolWish, 'count' | 'reclaim'>) {
  const { namespace, name, kind, uid } = application
  const last = uid === '' ? shortHash(`${kind}/${namespace}/${name}`) : uid.split('-').at(-1)
  return `auto${family}-${name}-${ifName}-${(last ?? '').slice(0, 5)}`.toLowerCase()
}

/** The pool with as many addresses as are wanted. */
export function autoPoolOf(wish: PoolWish, ground: PoolGround): AutoPool {
  const { subnet, pools } = ground
  const name = autoPoolName(wish)
  const before = pools.find(({ metadata }) => metadata.name === name)
  const others = pools.filter((pool) => pool !== before && pool.spec.subnet === subnet.spec.subnet)
  const taken = [...others.flatMap(addressesOf), ...ground.reserved]
  const mine = before === undefined ? [] : addressesOf(before)
  const free = subtractRanges(addressesOf(subnet), [...taken, ...mine])
  const missing = BigInt(wish.count) - countOfRanges(mine)
  if (missing > countOfRanges(free)) return { ok: false, free: countOfRanges(free) }
  const ranges =
    missing >= 0n
      ? [...mine, ...lowest(free, missing)]
      : withoutLast(mine, -missing, heldIn(before))
  return { ok: true, pool: poolOf(wish, { name, subnet, ranges, before }) }
}

function poolOf(
  { application, ifName, family, reclaim }: PoolWish,
  of: {
    readonly name: string
    readonly subnet: SpiderSubnet
    readonly ranges: readonly IpRange[]
    readonly before: SpiderIpPool | undefined
  },
): SpiderIpPool {
  const { apiVersion, kind, namespace, name, uid } = application
  const labels = {
    [POOL_LABEL.subnet]: of.subnet.metadata.name,
    [POOL_LABEL.gv]: apiVersion.replace('/', '_'),
    [POOL_LABEL.kind]: kind,
    [POOL_LABEL.namespace]: namespace,
    [POOL_LABEL.name]: labelValue(name),
    [POOL_LABEL.uid]: uid,
    [POOL_LABEL.interface]: ifName,
    [POOL_LABEL.version]: `IPv${family}`,
    [POOL_LABEL.reclaim]: String(reclaim),
  }
  const metadata = of.before?.metadata ?? { name: of.name }
  return {
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderIPPool',
    metadata: { ...metadata, labels: { ...metadata.labels, ...labels } },
    spec: {
      default: false,
      disable: false,
      ...of.before?.spec,
      ipVersion: family,
      subnet: of.subnet.spec.subnet,
      ips: mergeRanges(of.ranges).map(formatRange),
      podAffinity: { matchLabels: appLabels({ ...application, name: labelValue(name) }) },
    },
    ...(of.before?.status === undefined ? {} : { status: of.before.status }),
  }
}

/** The lowest `count` addresses. */
function lowest(ranges: readonly IpRange[], count: bigint): IpRange[] {
  let left = count
  return ranges.flatMap((range) => {
    if (left <= 0n) return []
    const length = range.last - range.first + 1n
    const taken = length < left ? length : left
    left -= taken
    return [{ ...range, last: range.first + taken - 1n }]
  })
}

/** Without the highest `count` addresses that nobody holds. */
function withoutLast(
  ranges: readonly IpRange[],
  count: bigint,
  held: readonly IpRange[],
): IpRange[] {
  const free = subtractRanges(ranges, held)
  const kept = countOfRanges(free) - count
  const cut = subtractRanges(free, lowest(free, kept > 0n ? kept : 0n))
  return subtractRanges(ranges, cut)
}

/** Addresses that pods hold by the recorded status. */
function heldIn(pool: SpiderIpPool | undefined): IpRange[] {
  const text = pool?.status?.allocatedIPs
  const read = text === undefined ? undefined : readOr((): unknown => JSON.parse(text)).value
  if (!isRecord(read)) return []
  return Object.keys(read).flatMap((ip) => readOr(() => parseRange(ip)).value ?? [])
}

/** True when nobody holds an address of a pool, by its recorded status. */
export function holdsNothing(raw: unknown): boolean {
  const read = readSpiderIpPool(raw)
  return !read.ok || heldIn(read.value).length === 0
}
