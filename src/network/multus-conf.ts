/**
 * What the meta plugin was configured with: where networks come from and whose
 * they are.
 *
 * Spec: Multus, configuration reference. Texts of errors are Multus'.
 * @module
 */
import { readMultusDocument } from '#schema/multus-conf.ts'
import { type ConfList, confListOf, type PluginObject } from './conflist.ts'
import { fail } from './failures.ts'

/** A network of the cluster: one that is stored, or a reference of a configuration. */
export type ClusterNetwork =
  | { readonly by: 'name'; readonly namespace: string; readonly name: string }
  | { readonly by: 'reference'; readonly reference: string }
  | { readonly by: 'value'; readonly confList: ConfList }

export type MultusConf = {
  /** Networks of pods that name none: the first is the default network, the others follow it. */
  readonly networks: readonly ClusterNetwork[]
  /** Which of {@link networks} come from `defaultNetworks`: not for system namespaces. */
  readonly ordinaryFrom: number
  readonly systemNamespaces: readonly string[]
  readonly multusNamespace: string
  /** Undefined lets a pod name networks of any namespace. */
  readonly isolation: { readonly globalNamespaces: readonly string[] } | undefined
  /** Folders of configurations by name, in the order in which they are looked at. */
  readonly confFolders: readonly string[]
  readonly binDir: string | undefined
  readonly readinessFile: string | undefined
  readonly auxiliaryChain: string | undefined
  /** Capability arguments of the runtime, for every network. */
  readonly runtimeConfig: PluginObject
}

/** What the agent was started with, where the configuration says nothing. */
export type MultusDefaults = {
  readonly clusterNetwork: { readonly namespace: string; readonly name: string } | undefined
  readonly confFolder: string
}

/** Types under which one request attaches all networks of a pod. */
export const META_TYPES: readonly string[] = ['verbena', 'multus', 'multus-shim']
const MULTUS_CONF_FOLDER = '/etc/cni/multus/net.d'

/**
 * Reads what the runtime passed to a plugin of one of {@link META_TYPES}.
 * @throws {Failure} `multus-conf-invalid`
 */
export function readMultusConf(raw: PluginObject, defaults: MultusDefaults): MultusConf {
  const read = readMultusDocument(raw)
  if (!read.ok) {
    const [fault] = read.faults
    throw fail('multus-conf-invalid', { text: `LoadNetConf: ${fault?.field}: ${fault?.message}` })
  }
  const conf = read.value
  const first = defaultsOf(raw, conf, defaults)
  const others = conf.clusterNetwork === '' ? [] : conf.defaultNetworks.map(referenceTo)
  const { namespaceIsolation, globalNamespaces, multusNamespace } = conf
  return {
    networks: [...first, ...others],
    ordinaryFrom: first.length,
    systemNamespaces: conf.systemNamespaces,
    multusNamespace: multusNamespace || 'kube-system',
    isolation: namespaceIsolation
      ? { globalNamespaces: globalNamespaces.split(',').map((one) => one.trim()) }
      : undefined,
    confFolders: conf.confDir === '' ? [MULTUS_CONF_FOLDER, defaults.confFolder] : [conf.confDir],
    binDir: conf.binDir || undefined,
    readinessFile: conf.readinessindicatorfile || undefined,
    auxiliaryChain: conf.auxiliaryCNIChainName || undefined,
    runtimeConfig: conf.runtimeConfig,
  }
}

function referenceTo(reference: string): ClusterNetwork {
  return { by: 'reference', reference }
}

type Read = { readonly clusterNetwork: string; readonly delegates: readonly PluginObject[] }

function defaultsOf(raw: PluginObject, conf: Read, defaults: MultusDefaults): ClusterNetwork[] {
  if (conf.clusterNetwork !== '') return [referenceTo(conf.clusterNetwork)]
  if (conf.delegates.length > 0) {
    return conf.delegates.map((one) => ({ by: 'value', confList: delegateOf(one, raw) }))
  }
  if (defaults.clusterNetwork !== undefined) return [{ by: 'name', ...defaults.clusterNetwork }]
  if (raw['type'] === 'verbena' || raw['type'] === undefined) return []
  const text = 'LoadNetConf: at least one delegate/clusterNetwork must be specified'
  throw fail('multus-conf-invalid', { text })
}

/** What it does not say itself, it has of the configuration that it stands in. */
function delegateOf(delegate: PluginObject, { cniVersion, name }: PluginObject): ConfList {
  const bad = (reason: string): never => {
    throw fail('multus-conf-invalid', { text: reason })
  }
  const { cniVersion: own = cniVersion, ...rest } = delegate
  const named = typeof name === 'string' ? name : ''
  return confListOf({ ...rest, ...(own === undefined ? {} : { cniVersion: own }) }, named, bad)
}
