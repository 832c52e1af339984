/**
 * All automatic pools of one workload, or what is wrong with its wish.
 *
 * Spec: Spiderpool, automatic pools. Bare pods have none; a workload of another
 * vendor must say a fixed number.
 * @module
 */
import type { FieldFault } from '#values/admission.ts'
import type { Document } from '#needs/records.ts'
import { forbidden, invalid, required } from '#schema/fault.ts'
import { type SpiderIpPool, readSpiderIpPool } from '#schema/spider-ip-pool.ts'
import { type SpiderSubnet, readSpiderSubnet } from '#schema/spider-subnet.ts'
import type { Settings } from '#schema/spiderpool-settings.ts'
import { templateOf } from '#schema/workload.ts'
import { isRecord } from '#schema/zod.ts'
import { selfOf } from './application.ts'
import { POOL_LABEL } from './auto-label.ts'
import { autoPoolOf } from './auto-pool.ts'
import { reservedIn } from './reserved-ip.ts'
import {
  type AutoChoice,
  type AutoWish,
  WISH_KEY,
  readAutoWish,
  wishFault,
  wishKeyOf,
} from './subnet-annotation.ts'
import { podsOfWorkload } from './workload-pods.ts'

/** The documents that a workload is looked at with. */
export type AutoGround = {
  readonly settings: Settings
  readonly subnets: readonly unknown[]
  /** With `status.allocatedIPs` where it is known. */
  readonly pools: readonly unknown[]
  readonly reserved: readonly unknown[]
  readonly nodes: number
}

export type AutoPools = {
  readonly pools: readonly SpiderIpPool[]
  readonly faults: readonly FieldFault[]
  /** False for a document that says nothing of automatic pools. */
  readonly asked: boolean
}

type Work = {
  readonly workload: Document
  readonly wish: AutoWish
  readonly key: string
  readonly subnets: readonly SpiderSubnet[]
  readonly ground: AutoGround
}

const NONE: AutoPools = { pools: [], faults: [], asked: false }

/** Pure; one fault is told, the first. */
export function autoPoolsOf(workload: Document, ground: AutoGround): AutoPools {
  const annotations = annotationsOf(workload)
  const key = wishKeyOf(annotations)
  const { ownerReferences = [] } = workload.metadata
  const isControlled = ownerReferences.some(({ controller }) => controller === true)
  if (key === undefined || isControlled || !ground.settings.enableSpiderSubnet) return NONE
  const refused = (fault: FieldFault): AutoPools => ({ pools: [], faults: [fault], asked: true })
  const path = pathOf(workload, key)
  if (!ground.settings.enableAutoPoolForApplication) {
    return refused(forbidden(path, 'automatic pools are disabled'))
  }
  const fault = wishFault(annotations)
  if (fault !== undefined) {
    return refused(invalid(pathOf(workload, fault.annotation), fault.value, fault.reason))
  }
  if (workload.kind === 'Pod') {
    return refused(forbidden(path, 'a pod without a controller cannot have an automatic pool'))
  }
  const wish = readAutoWish(annotations)
  if (wish === undefined) return NONE
  return poolsOf({ workload, wish, key: path, subnets: ground.subnets.flatMap(subnetIn), ground })
}

/** Automatic pools that were made for a workload. */
export function autoPoolsFor(workload: Document, pools: readonly Document[]): Document[] {
  const { namespace = '', uid } = workload.metadata
  return pools.filter(({ metadata: { labels = {} } }) => {
    if (labels[POOL_LABEL.name] === undefined || labels[POOL_LABEL.kind] !== workload.kind) {
      return false
    }
    return labels[POOL_LABEL.namespace] === namespace && labels[POOL_LABEL.uid] === uid
  })
}

/** True for an automatic pool that goes with its application. */
export function isReclaimed({ metadata: { labels = {} } }: Document): boolean {
  return labels[POOL_LABEL.reclaim] !== 'false'
}

function poolsOf(work: Work): AutoPools {
  const { workload, wish, ground } = work
  const count = countOf(work)
  if (typeof count !== 'number') return { pools: [], faults: [count], asked: true }
  const application = selfOf(workload, workload.metadata.namespace ?? 'default')
  const reserved = reservedIn(ground.reserved).map(({ range }) => range)
  const others = ground.pools.flatMap(poolIn)
  const made: SpiderIpPool[] = []
  for (const choice of wish.choices) {
    for (const family of [4, 6] as const) {
      const subnet = subnetFor(choice, family, work)
      if (subnet === undefined) continue
      if ('reason' in subnet) return { pools: [], faults: [subnet], asked: true }
      const { ifName } = choice
      const { reclaim } = wish
      const all = [...others.filter((one) => !made.some((own) => isSame(own, one))), ...made]
      const wanted = { application, ifName, family, reclaim, count }
      const auto = autoPoolOf(wanted, { subnet, pools: all, reserved })
      if (!auto.ok) {
        const fault = notEnough(work, { subnet, free: auto.free, count })
        return { pools: [], faults: [fault], asked: true }
      }
      made.push(auto.pool)
    }
  }
  return { pools: made, faults: [], asked: true }
}

/** Addresses of each pool of the workload, or why that cannot be told. */
function countOf({ workload, wish, ground }: Work): number | FieldFault {
  const { fixed = false, number } = wish.count ?? {}
  if (fixed && number !== undefined) return number
  const pods = podsOfWorkload(workload, ground.nodes)
  const more = number ?? ground.settings.clusterSubnetDefaultFlexibleIPNumber
  if (pods !== undefined) return pods + more
  const field = pathOf(workload, WISH_KEY.count)
  const { kind } = workload
  return number === undefined
    ? required(field, `a ${kind} needs a fixed number`)
    : invalid(field, `+${number}`, `a ${kind} needs a fixed number`)
}

function subnetFor(
  { ipv4, ipv6 }: AutoChoice,
  family: 4 | 6,
  { key, subnets, ground: { settings } }: Work,
): SpiderSubnet | FieldFault | undefined {
  const name = family === 4 ? ipv4 : ipv6
  const on = family === 4 ? settings.enableIPv4 : settings.enableIPv6
  if (name === undefined || !on) return undefined
  const subnet = subnets.find(({ metadata }) => metadata.name === name)
  if (subnet === undefined) return invalid(key, name, 'there is no such SpiderSubnet')
  if (subnet.metadata.deletionTimestamp !== undefined) {
    return invalid(key, name, 'that SpiderSubnet is terminating')
  }
  if (subnet.spec.ipVersion === family) return subnet
  return invalid(key, name, `that SpiderSubnet is no IPv${family} one`)
}

function notEnough(
  { key }: Work,
  of: { readonly subnet: SpiderSubnet; readonly free: bigint; readonly count: number },
): FieldFault {
  const { name } = of.subnet.metadata
  const detail = `free IPs not enough: SpiderSubnet ${name} has ${of.free} left, ${of.count} wanted`
  return forbidden(key, detail)
}

function isSame(a: SpiderIpPool, b: SpiderIpPool): boolean {
  return a.metadata.name === b.metadata.name
}

function annotationsOf(document: Document): Readonly<Record<string, string>> {
  if (document.kind === 'Pod') return document.metadata.annotations ?? {}
  const metadata = templateOf(document)?.['metadata']
  const annotations = isRecord(metadata) ? metadata['annotations'] : undefined
  if (!isRecord(annotations)) return {}
  return Object.fromEntries(
    Object.entries(annotations).flatMap(([key, text]) =>
      typeof text === 'string' ? [[key, text] as const] : [],
    ),
  )
}

function pathOf({ kind }: Document, key: string): string {
  if (kind === 'Pod') return `metadata.annotations[${key}]`
  const job = kind === 'CronJob' ? 'spec.jobTemplate.' : ''
  return `${job}spec.template.metadata.annotations[${key}]`
}

function subnetIn(raw: unknown): SpiderSubnet[] {
  const read = readSpiderSubnet(raw)
  return read.ok ? [read.value] : []
}

function poolIn(raw: unknown): SpiderIpPool[] {
  const read = readSpiderIpPool(raw)
  return read.ok ? [read.value] : []
}
