/**
 * Which pools an interface may have its addresses from, and in which order.
 *
 * Spec: Spiderpool, candidate sources (pod, namespace, network, cluster
 * default; the first that names a pool wins) and filters. Better than upstream
 * on purpose: the order that was written holds among equals, and the network
 * of an interface is asked for only where a pool names networks.
 * @module
 */
import type { Document } from '#needs/records.ts'
import type { Failure } from '#values/failure.ts'
import { parseRange, rangeContains, rangeOfCidr } from '#values/ip-range.ts'
import type { Family, Ip } from '#values/ip.ts'
import type { Owner } from '#values/owner.ts'
import type { LabelSelector, SpiderIpPool } from '#schema/spider-ip-pool.ts'
import type { Settings } from '#schema/spiderpool-settings.ts'
import { type Candidates, POOL_ANNOTATION, poolsOfNamespace, poolsOfPod } from './annotation.ts'
import type { Application } from './application.ts'
import { appLabels, isAutoPool } from './auto-label.ts'
import { fail } from './failures.ts'
import { isPattern, patternOf } from './glob.ts'
import { labelValue } from './labels.ts'
import { fullNetworkName, networkOfInterface } from './pod-network.ts'
import { poolCidr } from './pool.ts'
import { selects } from './selector.ts'

/** Every namespace of Kubernetes bears its name so. */
const NAMESPACE_LABEL = 'kubernetes.io/metadata.name'

/** What is known of the interface. */
export type Asking = {
  readonly owner: Owner
  readonly pod: Document | undefined
  readonly namespace: Document | undefined
  readonly node: string
  /** `namespace/name` of the network object, where the caller knows it. */
  readonly networkRef: string | undefined
  /** That of pods that name no default network. */
  readonly clusterNetwork: string | undefined
  /** Labels of the node; asked for only where a pool selects nodes. */
  nodeLabels(): Promise<Readonly<Record<string, string>>>
  /** Asked for only where a pool is an application's. */
  application(): Promise<Application>
  /** Addresses of the interface's parent; undefined where pools need not match them. */
  readonly masterAddresses: (() => Promise<readonly Ip[] | undefined>) | undefined
}

/** Pools of one family, in the order in which they are to be tried. */
export type FamilyChoice = { readonly family: Family; readonly pools: readonly SpiderIpPool[] }

/** Pool names in the configuration of the network. */
export type Configured = { readonly ipv4: readonly string[]; readonly ipv6: readonly string[] }

/**
 * The pools that somebody named, or undefined: then the cluster's default ones hold.
 * @throws {Failure} `pool-annotation-invalid`
 */
export function candidatesOf(
  { owner, pod, namespace }: Asking,
  { ipv4, ipv6 }: Configured,
): Candidates | undefined {
  const said = poolsOfPod(pod, owner.ifName) ?? poolsOfNamespace(namespace)
  if (said !== undefined) return said
  if (ipv4.length + ipv6.length === 0) return undefined
  return { ipv4, ipv6, source: 'network', cleanGateway: false }
}

/** Pools with `spec.default`. @throws {Failure} `pool-none`, when there is none */
export function defaultsOf(pools: readonly SpiderIpPool[], ifName: string): Candidates {
  const ofFamily = (family: Family): string[] =>
    pools
      .filter(({ spec }) => spec.default && spec.ipVersion === family)
      .map(({ metadata }) => metadata.name)
  const found = { ipv4: ofFamily(4), ipv6: ofFamily(6) }
  if (found.ipv4.length + found.ipv6.length === 0) {
    const reasons = 'no annotation and no network names a pool, and no pool is a default one'
    throw fail('pool-none', { ifName, reasons, annotation: POOL_ANNOTATION.all })
  }
  const { all: annotation } = POOL_ANNOTATION
  return { ...found, source: 'cluster default', annotation, cleanGateway: false }
}

/** True when the names cannot be told without all pools. */
export function hasPattern({ ipv4, ipv6 }: Candidates): boolean {
  return [...ipv4, ...ipv6].some(isPattern)
}

/**
 * The pools behind candidate names, those that may not be used left out, family
 * by family. A family that is disabled, or whose patterns match nothing, is left out.
 * @throws {Failure} `pool-missing`, a name that no pool has, or patterns that match
 *   none; `pool-none`, with the reason for each pool that was left out
 */
export async function choosePools(
  candidates: Candidates,
  given: {
    readonly asking: Asking
    readonly pools: readonly SpiderIpPool[]
    readonly settings: Settings
  },
): Promise<FamilyChoice[]> {
  const { pools, settings } = given
  const { ifName } = given.asking.owner
  const named = ([4, 6] as const).map((family) => {
    const on = family === 4 ? settings.enableIPv4 : settings.enableIPv6
    const names = on ? namesOf(candidates, family) : []
    return { family, found: poolsNamed(names, { family, pools }) }
  })
  const facts = await factsFor(given)
  const families: FamilyChoice[] = []
  const reasons: string[] = []
  let empty: Family | undefined
  for (const { family, found } of named) {
    const judged = found.map((pool) => ({ pool, reason: refusal(pool, { family, ...facts }) }))
    const usable = judged.filter(({ reason }) => reason === undefined).map(({ pool }) => pool)
    const dropped = judged.filter(({ reason }) => reason !== undefined)
    reasons.push(...dropped.map(({ pool, reason }) => `${pool.metadata.name}: ${reason}`))
    if (found.length > 0 && usable.length === 0) empty ??= family
    if (usable.length > 0) families.push({ family, pools: inOrder(usable) })
  }
  if (empty !== undefined) {
    throw fail('pool-none', { ifName, reasons: reasons.join('; '), family: empty })
  }
  if (families.length > 0) return families
  throw nothingNamed(candidates, settings, ifName)
}

function namesOf({ ipv4, ipv6 }: Candidates, family: Family): readonly string[] {
  return family === 4 ? ipv4 : ipv6
}

/** Stable: among equals the order that was written holds. */
function inOrder(pools: readonly SpiderIpPool[]): SpiderIpPool[] {
  return pools.toSorted((a, b) => weightOf(b) - weightOf(a))
}

function nothingNamed(candidates: Candidates, settings: Settings, ifName: string): Failure {
  const asked = ([4, 6] as const).filter((family) => namesOf(candidates, family).length > 0)
  const off = asked.filter((family) => !(family === 4 ? settings.enableIPv4 : settings.enableIPv6))
  if (off.length === asked.length) {
    const reasons = off.map((family) => `IPv${family} is disabled`).join('; ')
    return fail('pool-none', { ifName, reasons, family: off[0] })
  }
  const names = asked
    .filter((family) => !off.includes(family))
    .map((family) => {
      return `${namesOf(candidates, family).join(', ')} (IPv${family})`
    })
  return fail('pool-missing', { pool: names.join('; '), family: asked[0] })
}

type Among = { readonly family: Family; readonly pools: readonly SpiderIpPool[] }

/** A pool that several names mean comes once, where the first has it. */
function poolsNamed(names: readonly string[], { family, pools }: Among): SpiderIpPool[] {
  const found = names.flatMap((name) => {
    if (isPattern(name)) {
      const matches = patternOf(name)
      return pools.filter((one) => one.spec.ipVersion === family && matches(one.metadata.name))
    }
    const pool = pools.find(({ metadata }) => metadata.name === name)
    if (pool === undefined) throw fail('pool-missing', { pool: name, family })
    return [pool]
  })
  return [...new Set(found)]
}

/** The narrower a pool is, the sooner it is tried. */
function weightOf({ spec }: SpiderIpPool): number {
  const narrow = [
    spec.podAffinity !== undefined,
    isSome(spec.nodeName),
    spec.nodeAffinity !== undefined,
    isSome(spec.namespaceName),
    spec.namespaceAffinity !== undefined,
    isSome(spec.multusName),
  ]
  return narrow.reduce((weight, is) => weight * 2 + (is ? 1 : 0), 0)
}

function isSome(names: readonly string[] | undefined): names is readonly string[] {
  return names !== undefined && names.length > 0
}

/** What pools are judged by, as far as any of them asks for it. */
type Facts = {
  readonly asking: Asking
  readonly nodeLabels: Readonly<Record<string, string>>
  readonly application: Application | undefined
  /** Undefined where pools need not match; `unknown` where nobody can tell. */
  readonly master: readonly Ip[] | 'unknown' | undefined
}
type Judging = Facts & { readonly family: Family }

async function factsFor({
  asking,
  pools,
}: {
  readonly asking: Asking
  readonly pools: readonly SpiderIpPool[]
}): Promise<Facts> {
  const selectsNodes = pools.some(({ spec }) => spec.nodeAffinity !== undefined)
  const isOfApplication = pools.some(isAutoPool)
  return {
    asking,
    nodeLabels: selectsNodes ? await asking.nodeLabels() : {},
    application: isOfApplication ? await asking.application() : undefined,
    master: asking.masterAddresses && ((await asking.masterAddresses()) ?? 'unknown'),
  }
}

/** Why a pool may not be used, or undefined. */
function refusal(pool: SpiderIpPool, judging: Judging): string | undefined {
  const { metadata, spec } = pool
  const { family, asking, nodeLabels } = judging
  if (metadata.deletionTimestamp !== undefined) return 'it is terminating'
  if (spec.disable) return 'it is disabled'
  if (spec.ipVersion !== family) return `it is no IPv${family} pool`
  const { pod, namespace, node, owner } = asking
  const atNode = { names: spec.nodeName, selector: spec.nodeAffinity }
  if (!isFor(atNode, node, nodeLabels)) return `it is not for node ${node}`
  const podNamespace = owner.pod?.namespace ?? pod?.metadata.namespace ?? ''
  const inNamespace = { names: spec.namespaceName, selector: spec.namespaceAffinity }
  const itsLabels = { [NAMESPACE_LABEL]: podNamespace, ...namespace?.metadata.labels }
  if (!isFor(inNamespace, podNamespace, itsLabels)) {
    return `it is not for namespace ${podNamespace}`
  }
  if (isAutoPool(pool)) return refusalOfApplication(spec.podAffinity, judging)
  if (spec.podAffinity !== undefined && !selects(spec.podAffinity, pod?.metadata.labels ?? {})) {
    return 'its podAffinity does not select the pod'
  }
  return refusalOfNetwork(spec.multusName, asking) ?? refusalOfMaster(pool, judging)
}

/** A pool that was made for an application is for its pods alone. */
function refusalOfApplication(
  selector: LabelSelector | undefined,
  { application }: Judging,
): string | undefined {
  if (selector === undefined || application === undefined) return 'it is for no application'
  const { kind, namespace, name } = application
  const labels = appLabels({ ...application, name: labelValue(name) })
  if (selects(selector, labels)) return undefined
  return `it is not for ${kind} ${namespace}/${name}`
}

/** Its parent has an address of the pool's network, where the configuration wants that. */
function refusalOfMaster(pool: SpiderIpPool, { master }: Judging): string | undefined {
  if (master === undefined) return undefined
  if (master === 'unknown') return 'the addresses of the parent are not known'
  const network = rangeOfCidr(poolCidr(pool))
  if (master.some((ip) => rangeContains(network, parseRange(ip)))) return undefined
  return `the parent has no address in ${pool.spec.subnet}`
}

/** A list of names, when there is one, overrides the selector. */
function isFor(
  rule: { names: readonly string[] | undefined; selector: LabelSelector | undefined },
  name: string,
  labels: Readonly<Record<string, string>>,
): boolean {
  if (isSome(rule.names)) return rule.names.includes(name)
  return rule.selector === undefined || selects(rule.selector, labels)
}

function refusalOfNetwork(
  names: readonly string[] | undefined,
  { pod, networkRef, clusterNetwork, owner: { ifName } }: Asking,
): string | undefined {
  if (!isSome(names)) return undefined
  const known = networkRef?.includes('/') === true ? networkRef : undefined
  const network = known ?? networkOfInterface(pod, ifName, clusterNetwork)
  if (network === undefined) return `it is for networks by name, and that of ${ifName} is not known`
  return names.map(fullNetworkName).includes(network)
    ? undefined
    : `it is not for network ${network}`
}
