/**
 * From a network's name to its configuration: the stored object, a file of the
 * node, or what a configuration holds itself.
 *
 * Spec: Kubernetes Network Custom Resource Definition De-facto Standard 1.3,
 * section 3; references of a cluster's networks are Multus'.
 * @module
 */
import type { Document } from '#needs/records.ts'
import { nad as nadSchema } from '#schema/nad.ts'
import { isRecord, readWith } from '#schema/zod.ts'
import {
  confAt,
  type ConfFiles,
  confNamed,
  folderOf,
  type FoundConf,
  pluginsIn,
} from './conf-folder.ts'
import { type ConfList, parseConfList } from './conflist.ts'
import { fail } from './failures.ts'
import { readJson } from './json.ts'
import { type ClusterNetwork, META_TYPES, type MultusConf } from './multus-conf.ts'
import { POD_ANNOTATION } from './network-annotation.ts'

/** A network with its configuration. */
export type Resolved = {
  /** `namespace/name` of its object; the name in its configuration where there is none. */
  readonly network: string
  readonly confList: ConfList
  /** What the kubelet counts for it: annotation `resourceName` of the object. */
  readonly resourceName: string | undefined
}

export interface NetworkNeeds {
  nad(namespace: string, name: string): Promise<Document | undefined>
  readonly files: ConfFiles
}

type Named = { readonly namespace: string; readonly name: string }
type Around = { readonly multus: MultusConf; readonly needs: NetworkNeeds }

/**
 * @throws {Failure} `nad-missing`, `nad-config-empty`, `nad-config-unreadable`,
 *   `nad-config-invalid`
 */
export async function networkOfNad(named: Named, around: Around): Promise<Resolved> {
  const raw = await around.needs.nad(named.namespace, named.name)
  if (raw === undefined) throw fail('nad-missing', named)
  return ofNad(raw, named, around)
}

/** A network of the cluster. @throws {Failure} as above, and `cluster-network-missing` */
export async function networkOfCluster(of: ClusterNetwork, around: Around): Promise<Resolved> {
  if (of.by === 'name') return networkOfNad(of, around)
  if (of.by === 'value') return ofList(of.confList)
  const { reference } = of
  const { multus, needs } = around
  const [first = '', name] = reference.split('/')
  const named = {
    namespace: name === undefined ? multus.multusNamespace : first,
    name: name ?? first,
  }
  const raw = first === '' ? undefined : await needs.nad(named.namespace, named.name)
  if (raw !== undefined) return ofNad(raw, named, around)
  const found = reference.includes('/')
    ? await confAt(reference, needs.files)
    : await confNamed(reference, multus.confFolders, needs.files)
  if (found === undefined) throw fail('cluster-network-missing', { name: reference })
  return ofList(await chained(listOfFile(found), found, needs.files))
}

/**
 * The plugins that run last on every pod; undefined when there are none.
 * @throws {Failure} `auxiliary-chain-unplaced`: the cluster's network is no path
 */
export async function auxiliaryNetwork({ multus, needs }: Around): Promise<ConfList | undefined> {
  const { auxiliaryChain: name, networks } = multus
  if (name === undefined) return undefined
  const [first] = networks
  const path = first?.by === 'reference' ? first.reference : ''
  if (!path.includes('/')) throw fail('auxiliary-chain-unplaced', { path })
  const found = await confAt(path, needs.files)
  const plugins = await pluginsIn(`${folderOf(found?.path ?? path)}/${name}`, needs.files)
  if (found === undefined || plugins.length === 0) return undefined
  const { cniVersion } = listOfFile(found)
  return checked({ cniVersion, name, plugins }, name)
}

/** What stands in an object, read once: stores give the same object until it is changed. */
const known = new WeakMap<Document, Resolved>()

async function ofNad(raw: Document, named: Named, around: Around): Promise<Resolved> {
  const before = known.get(raw)
  if (before !== undefined) return before
  const found = await readNad(raw, named, around)
  // what files of the node say may change without it
  if (isRecord(raw['spec']) && raw['spec']['config']) known.set(raw, found)
  return found
}

async function readNad(raw: Document, named: Named, { multus, needs }: Around): Promise<Resolved> {
  const nad = `${named.namespace}/${named.name}`
  const read = readWith(nadSchema, raw)
  if (!read.ok) {
    const reason = read.faults.map((fault) => `${fault.field}: ${fault.message}`).join('; ')
    throw fail('nad-config-invalid', { nad, reason })
  }
  const { spec, metadata } = read.value
  const resourceName = metadata.annotations?.[POD_ANNOTATION.resourceName]
  if (spec.config) {
    const confList = checked(parseConfList(spec.config, named), nad)
    return { network: nad, confList, resourceName }
  }
  const found = await confNamed(named.name, multus.confFolders, needs.files)
  if (found === undefined) throw fail('nad-config-empty', { nad, name: named.name })
  const confList = checked(parseConfList(found.text, named), nad)
  return { network: nad, confList: await chained(confList, found, needs.files), resourceName }
}

function ofList(confList: ConfList): Resolved {
  const { name } = confList
  return { network: name, confList: checked(confList, name), resourceName: undefined }
}

/** A file named by the last part of its path where it does not name itself. */
function listOfFile({ path, text }: FoundConf): ConfList {
  return parseConfList(text, {
    namespace: folderOf(path),
    name: path.slice(path.lastIndexOf('/') + 1),
  })
}

/** A list with the plugins of the folder of its name beside it, unless it wants none. */
async function chained(
  list: ConfList,
  { path, text }: FoundConf,
  files: ConfFiles,
): Promise<ConfList> {
  const read = readJson(text)
  const whole = read.ok && isRecord(read.value) ? read.value : {}
  if (!path.endsWith('.conflist') || whole['loadOnlyInlinedPlugins'] === true) return list
  const more = await pluginsIn(`${folderOf(path)}/${list.name}`, files)
  return more.length === 0 ? list : { ...list, plugins: [...list.plugins, ...more] }
}

/** The meta plugin in its own network would call itself without end. */
function checked(list: ConfList, nad: string): ConfList {
  const own = list.plugins.find(({ type }) => META_TYPES.includes(String(type)))
  if (own === undefined) return list
  throw fail('nad-config-invalid', {
    nad,
    reason: `plugin ${String(own['type'])} would call itself`,
  })
}
