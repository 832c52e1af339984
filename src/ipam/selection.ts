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
import type { Family } from '#values/ip.ts'
import type { Owner } from '#values/owner.ts'
import type { LabelSelector, SpiderIpPool } from '#schema/spider-ip-pool.ts'
import { type Candidates, poolsOfNamespace, poolsOfPod } from './annotation.ts'
import { fail } from './failures.ts'
import { isPattern, patternOf } from './glob.ts'
import { fullNetworkName, networkOfInterface } from './pod-network.ts'
import { selects } from './selector.ts'

/** What is known of the interface. */
export type Asking = {
  readonly owner: Owner
  readonly pod: Document | undefined
  readonly namespace: Document | undefined
  readonly node: string
  /** Labels of the node; asked for only where a pool selects nodes. */
  nodeLabels(): Promise<Readonly<Record<string, string>>>
}

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
    throw fail('pool-none', { ifName, reasons })
  }
  return { ...found, source: 'cluster default', cleanGateway: false }
}

/** True when the names cannot be told without all pools. */
export function hasPattern({ ipv4, ipv6 }: Candidates): boolean {
  return [...ipv4, ...ipv6].some(isPattern)
}

/**
 * The pools behind candidate names, those that may not be used left out, in the
 * order in which they are to be tried; none where only patterns matched nothing.
 * @throws {Failure} `pool-missing`, a name that no pool has; `pool-none`, with the reason for each
 */
export async function choosePools(
  names: readonly string[],
  family: Family,
  { asking, pools }: { readonly asking: Asking; readonly pools: readonly SpiderIpPool[] },
): Promise<SpiderIpPool[]> {
  const found = new Set(names.flatMap((name) => poolsNamed(name, { family, pools })))
  const selectsNodes = [...found].some(({ spec }) => spec.nodeAffinity !== undefined)
  const nodeLabels = selectsNodes ? await asking.nodeLabels() : {}
  const usable: SpiderIpPool[] = []
  const reasons: string[] = []
  for (const pool of found) {
    const reason = refusal(pool, { family, asking, nodeLabels })
    if (reason === undefined) usable.push(pool)
    else reasons.push(`${pool.metadata.name}: ${reason}`)
  }
  if (usable.length === 0 && reasons.length > 0) {
    throw fail('pool-none', { ifName: asking.owner.ifName, reasons: reasons.join('; ') })
  }
  return usable.toSorted((a, b) => weightOf(b) - weightOf(a))
}

type Among = { readonly family: Family; readonly pools: readonly SpiderIpPool[] }

function poolsNamed(name: string, { family, pools }: Among): SpiderIpPool[] {
  if (isPattern(name)) {
    const matches = patternOf(name)
    return pools.filter(({ metadata, spec }) => spec.ipVersion === family && matches(metadata.name))
  }
  const pool = pools.find(({ metadata }) => metadata.name === name)
  if (pool === undefined) throw fail('pool-missing', { pool: name })
  return [pool]
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

type Judging = {
  readonly family: Family
  readonly asking: Asking
  readonly nodeLabels: Readonly<Record<string, string>>
}

/** Why a pool may not be used, or undefined. */
function refusal(pool: SpiderIpPool, { family, asking, nodeLabels }: Judging): string | undefined {
  const { metadata, spec } = pool
  if (metadata.deletionTimestamp !== undefined) return 'it is terminating'
  if (spec.disable) return 'it is disabled'
  if (spec.ipVersion !== family) return `it is no IPv${family} pool`
  const { pod, namespace, node, owner } = asking
  const atNode = { names: spec.nodeName, selector: spec.nodeAffinity }
  if (!isFor(atNode, node, nodeLabels)) return `it is not for node ${node}`
  const podNamespace = owner.pod?.namespace ?? pod?.metadata.namespace ?? ''
  const inNamespace = { names: spec.namespaceName, selector: spec.namespaceAffinity }
  if (!isFor(inNamespace, podNamespace, namespace?.metadata.labels ?? {})) {
    return `it is not for namespace ${podNamespace}`
  }
  if (spec.podAffinity !== undefined && !selects(spec.podAffinity, pod?.metadata.labels ?? {})) {
    return 'its podAffinity does not select the pod'
  }
  return refusalOfNetwork(spec.multusName, asking)
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
  { pod, owner: { ifName } }: Asking,
): string | undefined {
  if (!isSome(names)) return undefined
  const network = networkOfInterface(pod, ifName)
  if (network === undefined) return `it is for networks by name, and that of ${ifName} is not known`
  return names.map(fullNetworkName).includes(network)
    ? undefined
    : `it is not for network ${network}`
}
