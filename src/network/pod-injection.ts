/**
 * What admission writes into a pod that asks for networks by a word of its own
 * or of its namespace: all networks of SpiderMultusConfigs that bear the word,
 * and the resources that they need.
 *
 * Spec: Spiderpool, pod resource injection (`/mutate--v1-pod`). Where it has a
 * defect, this has not: entries of the user stay, a network stands once, the
 * name is that of the NAD, two interfaces on one resource need two.
 * @module
 */
import type { FieldFault } from '#values/admission.ts'
import type { Document } from '#needs/records.ts'
import { forbidden, invalid } from '#schema/fault.ts'
import type { InjectionConf } from '#schema/injection-conf.ts'
import type { Pod } from '#schema/pod.ts'
import type { SpiderMultusConfig } from '#schema/spider-multus-config.ts'
import { poolsOf, resourceOf } from './cni-block.ts'
import { mergedNetworks } from './merged-networks.ts'
import { baseMaster, nadNameOf } from './nad-of-config.ts'
import { nicResourcesOf } from './nic-resources.ts'
import { NETWORK_ANNOTATION, POD_ANNOTATION } from './network-annotation.ts'
import { withLimits } from './pod-limits.ts'

/** What the mutation is told of the rest of the world. */
export type InjectionAround = {
  /** Of all namespaces, admitted. */
  readonly configs: readonly SpiderMultusConfig[]
  /** The pod's namespace, where it is known. */
  readonly namespace: Document | undefined
  readonly conf: InjectionConf
}

/** The pod as it would be stored; with a fault it is refused. */
export type Injection = { readonly pod: Pod; readonly faults: readonly FieldFault[] }

type Word = { readonly key: string; readonly value: string }
/** Networks and what is counted for them, or why the pod is refused. */
type Found =
  | { readonly configs: readonly SpiderMultusConfig[]; readonly fault?: undefined }
  | { readonly configs?: undefined; readonly fault: FieldFault }

const FIELD = 'metadata.annotations'
const KEYS = [NETWORK_ANNOTATION.injectRdma, NETWORK_ANNOTATION.injectNetwork]

/** Pure. Doing it twice is doing it once. */
export function injectNetworks(pod: Pod, around: InjectionAround): Injection {
  if (!concerns(pod.metadata.namespace ?? '', around.conf)) return { pod, faults: [] }
  const word = wordOf(pod, around.namespace)
  if (word === undefined) return { pod: withNicResources(pod, around), faults: [] }
  const { configs, fault } = configsFor(word, around.configs)
  if (fault !== undefined) return { pod, faults: [fault] }
  const merged = mergedNetworks(pod.metadata, configs.map(nadRefOf))
  if (!merged.ok) return { pod, faults: [merged.fault] }
  const annotations = { ...pod.metadata.annotations, [POD_ANNOTATION.networks]: merged.text }
  const named = { ...pod, metadata: { ...pod.metadata, annotations } }
  const counted = withLimits(named, { limits: countsOf(configs), requests: new Map() })
  return { pod: withNicResources(counted, around), faults: [] }
}

function concerns(namespace: string, { podResourceInject }: InjectionConf): boolean {
  const { enabled, namespacesExclude, namespacesInclude } = podResourceInject
  if (!enabled || namespacesExclude.includes(namespace)) return false
  return namespacesInclude.length === 0 || namespacesInclude.includes(namespace)
}

/** Of the first key that the pod, or else its namespace, has. */
function wordOf(pod: Pod, namespace: Document | undefined): Word | undefined {
  for (const key of KEYS) {
    const value = pod.metadata.annotations?.[key] ?? namespace?.metadata.annotations?.[key]
    if (value !== undefined) return { key, value }
  }
  return undefined
}

function configsFor({ key, value }: Word, all: readonly SpiderMultusConfig[]): Found {
  const configs = all.filter(({ metadata }) => metadata.labels?.[key] === value)
  if (configs.length === 0) {
    const detail = `annotation ${key}: no SpiderMultusConfig of any namespace has this label`
    return { fault: invalid(FIELD, value, detail) }
  }
  const fault = configs.map((config) => faultOf(config, key)).find((one) => one !== undefined)
  return fault === undefined ? { configs: configs.toSorted(inOrder) } : { fault }
}

function faultOf(config: SpiderMultusConfig, key: string): FieldFault | undefined {
  const name = nameOf(config)
  const { cniType } = config.spec
  if (cniType === 'ovs' || cniType === 'custom') {
    const detail = `annotation ${key}: SpiderMultusConfig ${name} is of cniType ${cniType}`
    return forbidden(FIELD, `${detail}, which cannot be injected`)
  }
  const { ipv4 = [], ipv6 = [] } = poolsOf(config.spec) ?? {}
  const resource = resourceOf(config.spec)
  const lacks = (what: string): FieldFault =>
    invalid(FIELD, name, `annotation ${key}: the SpiderMultusConfig has no ${what}`)
  if (resource === '') {
    return key === NETWORK_ANNOTATION.injectRdma ? lacks('resource name') : undefined
  }
  return ipv4.length + ipv6.length === 0 ? lacks('pool in ippools') : undefined
}

/** By interface or resource, then by name: rails come in the same order on every pod. */
function inOrder(a: SpiderMultusConfig, b: SpiderMultusConfig): number {
  return compare(sortKeyOf(a), sortKeyOf(b)) || compare(nameOf(a), nameOf(b))
}

function sortKeyOf({ spec }: SpiderMultusConfig): string {
  const { macvlan, ipvlan, vlan, sriov, cniType } = spec
  if (cniType === 'sriov') return sriov?.resourceName ?? ''
  const block = { macvlan, ipvlan, vlan, ovs: undefined, 'ib-sriov': undefined }
  const over = Object.entries(block).find(([type]) => type === cniType)?.[1]
  return over === undefined ? '' : baseMaster(over)
}

function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

function nameOf({ metadata: { namespace = '', name } }: SpiderMultusConfig): string {
  return `${namespace}/${name}`
}

/** `namespace/name` of its NAD. */
function nadRefOf(config: SpiderMultusConfig): string {
  return `${config.metadata.namespace ?? ''}/${nadNameOf(config)}`
}

/** Resource → how many of it; the interface of an ipoib network is not one that is counted. */
function countsOf(configs: readonly SpiderMultusConfig[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { spec } of configs) {
    const resource = spec.cniType === 'ipoib' ? '' : resourceOf(spec)
    if (resource !== '') counts.set(resource, (counts.get(resource) ?? 0) + 1)
  }
  return counts
}

function withNicResources(pod: Pod, { configs, conf }: InjectionAround): Pod {
  if (!conf.agent.networkResourcePlugin.enabled) return pod
  const counts = nicResourcesOf(pod.metadata, configs)
  return withLimits(pod, { limits: counts, requests: counts })
}
