/**
 * Which network an interface of a pod belongs to, by the pod's annotations: the
 * interfaces are counted as Multus counts them.
 *
 * Spec: Kubernetes Network Custom Resource Definition De-facto Standard,
 * section 4 (networks annotation), and Multus for the default network.
 * @module
 */
import type { Document } from '#needs/records.ts'
import { parseJson } from '#values/json-text.ts'
import { isJsonObject, lookUp } from '#wire/cni/conf.ts'

const DEFAULT_NETWORK = 'v1.multus-cni.io/default-network'
const NETWORKS = 'k8s.v1.cni.cncf.io/networks'
const FIRST_INTERFACE = 'eth0'
/** Namespace of a default network, and of a pool's network, that names none. */
const INSTALL_NAMESPACE = 'kube-system'

/** `namespace/name`; undefined where neither the annotations nor the node's default tell. */
export function networkOfInterface(
  pod: Document | undefined,
  ifName: string,
  clusterNetwork: string | undefined,
): string | undefined {
  const { annotations = {}, namespace = 'default' } = pod?.metadata ?? {}
  if (ifName === FIRST_INTERFACE) {
    const text = annotations[DEFAULT_NETWORK]
    if (text === undefined || text === '') return clusterNetwork
    return withNamespace(text, INSTALL_NAMESPACE)
  }
  const all = elementsOf(annotations[NETWORKS] ?? '')
  const found = all.find((one, i) => (one.ifName || `net${i + 1}`) === ifName)
  return found === undefined ? undefined : withNamespace(found.name, found.namespace || namespace)
}

/** An entry of a pool's `multusName`, with its namespace. */
export function fullNetworkName(entry: string): string {
  return withNamespace(entry, INSTALL_NAMESPACE)
}

/** Place of an interface among the pod's: eth0 is 0, the first of the annotation 1. */
export function placeOf(pod: Document | undefined, ifName: string): number | undefined {
  if (ifName === FIRST_INTERFACE) return 0
  const all = elementsOf(pod?.metadata.annotations?.[NETWORKS] ?? '')
  const at = all.findIndex((one, i) => (one.ifName || `net${i + 1}`) === ifName)
  if (at >= 0) return at + 1
  const number = /^net([1-9]\d{0,3})$/.exec(ifName)?.[1]
  return number === undefined ? undefined : Number(number)
}

type Element = { readonly namespace: string; readonly name: string; readonly ifName: string }

/** What cannot be read is nobody's network: the attachment names what is wrong with it. */
function elementsOf(text: string): Element[] {
  const trimmed = text.trim()
  if (!trimmed.startsWith('[')) {
    return trimmed.split(',').map((item) => shortElement(item.trim()))
  }
  try {
    const list: unknown = parseJson(trimmed)
    return Array.isArray(list) ? list.map(jsonElement) : []
  } catch {
    return []
  }
}

function shortElement(item: string): Element {
  const [path = '', ifName = ''] = item.split('@')
  const [namespace, name] = path.includes('/') ? path.split('/') : ['', path]
  return { namespace: namespace ?? '', name: name ?? '', ifName }
}

function jsonElement(item: unknown): Element {
  const textAt = (key: string): string => {
    const value = isJsonObject(item) ? lookUp(item, key) : undefined
    return typeof value === 'string' ? value : ''
  }
  const ifName = textAt('interface') || textAt('interfaceRequest')
  return { namespace: textAt('namespace'), name: textAt('name'), ifName }
}

function withNamespace(name: string, namespace: string): string {
  return name.includes('/') ? name : `${namespace}/${name}`
}
