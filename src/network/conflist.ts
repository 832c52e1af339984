/**
 * CNI network configuration lists: read from a NAD's text, and what a runtime
 * puts into each plugin's object before it is executed.
 *
 * Spec: CNI 1.1.0, sections 1 and 4 ("Deriving execution configuration").
 * Objects of plugins are kept as they are: no key is dropped or renamed.
 * @module
 */
import { CNI_VERSIONS } from '#wire/cni/result.ts'
import { isRecord } from '#schema/zod.ts'
import { fail } from './failures.ts'
import { readJson } from './json.ts'

/** Object of one plugin. */
export type PluginObject = Readonly<Record<string, unknown>>

/** A network: its name and plugins, in order. */
export type ConfList = {
  readonly cniVersion: string
  readonly name: string
  readonly plugins: readonly PluginObject[]
}

const OLDEST = '0.1.0'

/**
 * Reads a configuration or a list of them; `nad` (`ns/name`) is for messages, and
 * its name is the network's where the text has none.
 * @throws {Failure} `nad-config-unreadable`, `nad-config-invalid`
 */
export function parseConfList(text: string, nad: { namespace: string; name: string }): ConfList {
  const of = `${nad.namespace}/${nad.name}`
  const read = readJson(text)
  if (!read.ok) throw fail('nad-config-unreadable', { nad: of, reason: read.reason })
  return confListOf(read.value, nad.name, (reason) => {
    throw fail('nad-config-invalid', { nad: of, reason })
  })
}

/** The same of a value; `name` is the network's where the value has none, `bad` throws. */
export function confListOf(conf: unknown, name: string, bad: (reason: string) => never): ConfList {
  if (!isRecord(conf)) return bad('it is not a JSON object')
  const { name: own, plugins } = conf
  const named = typeof own === 'string' && own !== '' ? own : name
  const cniVersion = versionOf(conf) ?? bad('cniVersion is not a text')
  if (Array.isArray(plugins)) {
    if (plugins.length === 0) bad('no plugins in list')
    return { cniVersion, name: named, plugins: plugins.map((one) => pluginOf(one, bad)) }
  }
  if (plugins !== undefined && plugins !== null) bad('plugins is not an array')
  if (conf['type'] === undefined || conf['type'] === '') {
    bad("LoadDelegateNetConfList: delegate must have the 'type' or 'plugin' field")
  }
  return { cniVersion, name: named, plugins: [pluginOf(conf, bad)] }
}

/** The highest known of `cniVersion` and `cniVersions`; undefined when it is no text. */
function versionOf(conf: PluginObject): string | undefined {
  const { cniVersion, cniVersions } = conf
  const listed: readonly unknown[] = Array.isArray(cniVersions) ? cniVersions : []
  const known = CNI_VERSIONS.findLast((one) => one === cniVersion || listed.includes(one))
  if (listed.length > 0 && known !== undefined) return known
  if (cniVersion === undefined || cniVersion === null || cniVersion === '') return OLDEST
  return typeof cniVersion === 'string' ? cniVersion : undefined
}

function pluginOf(raw: unknown, bad: (reason: string) => never): PluginObject {
  if (!isRecord(raw)) return bad('a plugin is not a JSON object')
  const { type } = raw
  if (typeof type !== 'string' || type === '') {
    return bad("LoadDelegateNetConfList: a plugin delegate must have the 'type' field")
  }
  if (/[/\0]/.test(type) || type === '.' || type === '..') {
    return bad(`plugin type ${JSON.stringify(type)} is not one path component`)
  }
  return raw
}

/** What the runtime knows of an attachment. */
export type Injected = {
  /** Result of the plugin before, as JSON of the list's version. */
  readonly prevResult: unknown
  /** Capability arguments: `ips`, `mac`, `infinibandGUID`, `portMappings`, ... */
  readonly runtimeConfig: PluginObject
  /** Goes into `args.cni`. */
  readonly cniArgs: PluginObject
}

/**
 * The plugins as they are executed: `cniVersion` and `name` of the list, the
 * capability arguments that a plugin declares, `args.cni` key by key.
 * `prevResult` is put into the first, which is all that a caller can know
 * before the plugins run; undefined puts none.
 */
export function pluginsOf(list: ConfList, injected: Injected): PluginObject[] {
  const { runtimeConfig, cniArgs, prevResult } = injected
  return list.plugins.map((plugin, index) => ({
    ...plugin,
    cniVersion: list.cniVersion,
    name: list.name,
    ...declared(plugin['capabilities'], runtimeConfig),
    ...mergedArgs(plugin['args'], cniArgs),
    ...(index === 0 && prevResult !== undefined ? { prevResult } : {}),
  }))
}

function declared(capabilities: unknown, runtimeConfig: PluginObject): PluginObject {
  if (!isRecord(capabilities)) return {}
  const given = Object.entries(runtimeConfig).filter(([key]) => capabilities[key] === true)
  return given.length === 0 ? {} : { runtimeConfig: Object.fromEntries(given) }
}

function mergedArgs(args: unknown, cniArgs: PluginObject): PluginObject {
  if (Object.keys(cniArgs).length === 0) return {}
  const before = isRecord(args) ? args : {}
  const cni = isRecord(before['cni']) ? before['cni'] : {}
  return { args: { ...before, cni: { ...cni, ...cniArgs } } }
}
