/**
 * Which pools an interface may take its address from: the first source that
 * names any, filtered by who the pools are for, in the order the user wrote.
 *
 * Spec: Spiderpool, candidate sources and filters of IPAM.
 * @module
 */
import type { Document } from '#needs/records.ts'
import type { Owner } from '#values/owner.ts'
import type { LabelSelector, SpiderIpPool } from '#schema/spider-ip-pool.ts'
import { type Candidates, readPoolAnnotation } from './annotation.ts'
import { fail } from './failures.ts'
import { selects } from './selector.ts'

/** What is known of the interface. */
export type Asking = {
  readonly owner: Owner
  readonly pod: Document | undefined
  readonly namespace: Document | undefined
  readonly node: { readonly name: string; readonly labels: Readonly<Record<string, string>> }
  readonly confIpv4: readonly string[]
  readonly confIpv6: readonly string[]
}

/** @throws {Failure} `pool-annotation-invalid`; `pool-none` when no source names a pool */
export function candidatesOf(asking: Asking, pools: readonly SpiderIpPool[]): Candidates {
  const { owner, pod, namespace, confIpv4, confIpv6 } = asking
  const fromPod = readPoolAnnotation(pod?.metadata.annotations, owner.ifName)
  if (fromPod !== undefined) return fromPod
  const named = (key: string): string[] => namesIn(namespace?.metadata.annotations, key)
  const ipv4 = named('ipam.spidernet.io/default-ipv4-ippool')
  const ipv6 = named('ipam.spidernet.io/default-ipv6-ippool')
  if (ipv4.length + ipv6.length > 0) return { ipv4, ipv6, source: 'namespace', cleanGateway: false }
  if (confIpv4.length + confIpv6.length > 0) {
    return { ipv4: confIpv4, ipv6: confIpv6, source: 'network', cleanGateway: false }
  }
  const ofFamily = (family: number): string[] =>
    pools
      .filter(({ spec }) => spec.default && spec.ipVersion === family)
      .map(({ metadata }) => metadata.name)
  const defaults = { ipv4: ofFamily(4), ipv6: ofFamily(6) }
  if (defaults.ipv4.length + defaults.ipv6.length > 0) {
    return { ...defaults, source: 'cluster default', cleanGateway: false }
  }
  throw fail('pool-none', {
    ifName: owner.ifName,
    reasons: 'no annotation, network or default names a pool',
  })
}

/**
 * The pools behind candidate names, those that may not be used left out.
 * @throws {Failure} `pool-missing`, a name that no pool has; `pool-none`, with the reason for each
 */
export function choosePools(
  names: readonly string[],
  family: 4 | 6,
  of: { readonly asking: Asking; readonly pools: readonly SpiderIpPool[] },
): SpiderIpPool[] {
  const found = names.flatMap((name) => poolsNamed(name, family, of.pools))
  const unique = [...new Map(found.map((pool) => [pool.metadata.name, pool])).values()]
  const judged = unique.map((pool) => ({ pool, reason: refusal(pool, family, of.asking) }))
  const usable = judged.filter(({ reason }) => reason === undefined).map(({ pool }) => pool)
  if (usable.length === 0 && names.length > 0) {
    const reasons = judged.map(({ pool, reason }) => `${pool.metadata.name}: ${reason}`).join('; ')
    throw fail('pool-none', {
      ifName: of.asking.owner.ifName,
      reasons: reasons || 'no pool matches',
    })
  }
  return usable
}

function poolsNamed(name: string, family: 4 | 6, pools: readonly SpiderIpPool[]): SpiderIpPool[] {
  if (!/[*?[]/.test(name)) {
    const pool = pools.find(({ metadata }) => metadata.name === name)
    if (pool === undefined) throw fail('pool-missing', { pool: name })
    return [pool]
  }
  const pattern = globOf(name)
  const matching = pools.filter(({ metadata, spec }) => {
    return spec.ipVersion === family && pattern.test(metadata.name)
  })
  if (matching.length === 0) throw fail('pool-missing', { pool: name })
  return matching
}

/** A shell pattern: `*`, `?`, `[...]`. */
function globOf(text: string): RegExp {
  const source = text
    .replaceAll(/[.+^${}()|\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`)
}

/** Why a pool may not be used, or undefined. */
function refusal(
  { metadata, spec }: SpiderIpPool,
  family: 4 | 6,
  asking: Asking,
): string | undefined {
  const { pod, namespace, node, owner } = asking
  if (metadata.deletionTimestamp !== undefined) return 'it is terminating'
  if (spec.disable) return 'it is disabled'
  if (spec.ipVersion !== family) return `it is no IPv${family} pool`
  const podNamespace = owner.pod?.namespace ?? ''
  const byNode = byNameOrLabels(
    { names: spec.nodeName, selector: spec.nodeAffinity },
    node.name,
    node.labels,
  )
  if (!byNode) return `it is not for node ${node.name}`
  const byNamespace = byNameOrLabels(
    { names: spec.namespaceName, selector: spec.namespaceAffinity },
    podNamespace,
    namespace?.metadata.labels ?? {},
  )
  if (!byNamespace) return `it is not for namespace ${podNamespace}`
  if (spec.podAffinity !== undefined && !selects(spec.podAffinity, pod?.metadata.labels ?? {})) {
    return 'its podAffinity does not select the pod'
  }
  return undefined
}

/** A list of names, when there is one, overrides the selector. */
function byNameOrLabels(
  rule: { names: readonly string[] | undefined; selector: LabelSelector | undefined },
  name: string,
  labels: Readonly<Record<string, string>>,
): boolean {
  if (rule.names !== undefined && rule.names.length > 0) return rule.names.includes(name)
  return rule.selector === undefined || selects(rule.selector, labels)
}

function namesIn(annotations: Readonly<Record<string, string>> | undefined, key: string): string[] {
  const text = annotations?.[key]
  if (text === undefined || text === '') return []
  const bad = fail('pool-annotation-invalid', { annotation: key, reason: 'it is no list of names' })
  let names: unknown
  try {
    names = JSON.parse(text)
  } catch (cause) {
    throw fail('pool-annotation-invalid', { annotation: key, reason: 'it is not JSON' }, cause)
  }
  if (!Array.isArray(names)) throw bad
  return names.map((name: unknown) => {
    if (typeof name !== 'string' || name === '') throw bad
    return name
  })
}
