/**
 * Pools that are cut from a SpiderSubnet: what they inherit, and which
 * addresses they may have.
 *
 * Spec: Spiderpool, mutation of SpiderIPPool with the subnet feature on;
 * SpiderSubnet status.controlledIPPools.
 * @module
 */
import type { FieldFault } from '#values/admission.ts'
import { formatRange, mergeRanges, subtractRanges } from '#values/ip-range.ts'
import { forbidden } from '#schema/fault.ts'
import type { SpiderIpPool } from '#schema/spider-ip-pool.ts'
import { SPIDER_SUBNET_KIND, type SpiderSubnet } from '#schema/spider-subnet.ts'
import { isRecord } from '#schema/zod.ts'
import { POOL_LABEL, isAutoPool } from './auto-label.ts'
import { addressesOf } from './network-addresses.ts'
import { readOr } from './text-fault.ts'

/** The subnet with the same CIDR that lives. */
export function spiderSubnetOfPool(
  { spec }: SpiderIpPool,
  subnets: readonly SpiderSubnet[],
): SpiderSubnet | undefined {
  return subnets.find(
    (one) => one.spec.subnet === spec.subnet && one.metadata.deletionTimestamp === undefined,
  )
}

/** The pool with its subnet as controller, with what it inherits: gateway and routes. */
export function withSpiderSubnet(pool: SpiderIpPool, subnet: SpiderSubnet): SpiderIpPool {
  const { metadata, spec } = pool
  const { name, uid = '' } = subnet.metadata
  const others = (metadata.ownerReferences ?? []).filter(({ kind }) => kind !== SPIDER_SUBNET_KIND)
  const { apiVersion, kind } = subnet
  const owner = { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true }
  const { gateway = '', routes = [] } = subnet.spec
  const inheritsGateway = (spec.gateway ?? '') === '' && gateway !== ''
  const inheritsRoutes = (spec.routes ?? []).length === 0 && routes.length > 0
  return {
    ...pool,
    metadata: {
      ...metadata,
      labels: { ...metadata.labels, [POOL_LABEL.subnet]: name },
      ownerReferences: [...others, owner],
    },
    spec: {
      ...spec,
      ...(inheritsGateway ? { gateway } : {}),
      ...(inheritsRoutes ? { routes } : {}),
    },
  }
}

/** A pool has addresses of its subnet only; that of an application exactly those set apart. */
export function faultOfSpiderSubnet(
  pool: SpiderIpPool,
  subnet: SpiderSubnet,
): FieldFault | undefined {
  const mine = addressesOf(pool)
  const [outside] = subtractRanges(mine, addressesOf(subnet))
  const { name } = subnet.metadata
  if (outside !== undefined) {
    return forbidden('spec.ips', `${formatRange(outside)} is not in SpiderSubnet ${name}`)
  }
  if (!isAutoPool(pool)) return undefined
  const apart = controlledIn(subnet).get(pool.metadata.name)
  const said = apart === undefined ? undefined : textOf(rangesOf(apart.ips, pool))
  if (said === textOf(mine)) return undefined
  const detail = `SpiderSubnet ${name} has set ${said || 'none'} apart for it`
  return forbidden('spec.ips', `${textOf(mine) || 'none'}: ${detail}`)
}

type Controlled = { readonly ips: readonly string[]; readonly application: string | undefined }

/** What a subnet's status says of its pools. */
export function controlledIn({ status }: SpiderSubnet): ReadonlyMap<string, Controlled> {
  const read = readOr((): unknown => JSON.parse(status?.controlledIPPools ?? '{}')).value
  if (!isRecord(read)) return new Map()
  return new Map(
    Object.entries(read).flatMap(([name, one]) => {
      if (!isRecord(one)) return []
      const { ips, application } = one
      const texts = Array.isArray(ips) ? ips.filter((ip) => typeof ip === 'string') : []
      const app = typeof application === 'string' ? application : undefined
      return [[name, { ips: texts, application: app }] as const]
    }),
  )
}

/** `controlledIPPools` of the pools of a subnet, as its status bears it. */
export function formatControlled(pools: readonly SpiderIpPool[]): string {
  const entries = pools.map((pool) => {
    const ips = addressesOf(pool).map(formatRange)
    const application = applicationText(pool)
    return [pool.metadata.name, application === '' ? { ips } : { ips, application }] as const
  })
  return JSON.stringify(Object.fromEntries(entries))
}

/** `apps/v1:Deployment:default:web`; empty for a pool that is no application's. */
function applicationText({ metadata: { labels = {} } }: SpiderIpPool): string {
  const { gv, kind, namespace, name } = POOL_LABEL
  const words = [labels[gv]?.replace('_', '/'), labels[kind], labels[namespace], labels[name]]
  return words.some((word) => word === undefined) ? '' : words.join(':')
}

function rangesOf(ips: readonly string[], { spec }: SpiderIpPool) {
  return addressesOf({ spec: { subnet: spec.subnet, ips } })
}

function textOf(ranges: ReturnType<typeof addressesOf>): string {
  return mergeRanges(ranges).map(formatRange).join(',')
}
