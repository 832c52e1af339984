/**
 * A CNI request: the environment, argv[0] and standard input of a plugin that a
 * runtime executed, as one value. The order of the checks, their codes and
 * their texts are those of the reference library's `skel`.
 *
 * Spec: CNI 1.1.0, section 2 (parameters) and section 4 (operations).
 * @module
 */
import { type IfName, parseIfName } from '#values/if-name.ts'
import { failureIn } from '#values/failure.ts'
import { parseJson } from '#values/json-text.ts'
import { fail } from '#wire/failures.ts'
import { type CniArgs, invalidPair, parseCniArgs } from './args.ts'
import { type JsonObject, isJsonObject, lookUp } from './conf.ts'
import { duplicateKey } from './duplicate-key.ts'
import type { CniVersion } from './result.ts'
import { OLDEST_VERSION, versionFor } from './version.ts'

/** What every request but VERSION says. */
type Common = {
  /** Base name of argv[0]. */
  readonly type: string
  /** Network name. */
  readonly name: string
  readonly version: CniVersion
  /** The configuration as read, unknown keys included. */
  readonly conf: JsonObject
  /** CNI_ARGS taken apart, and as it was given. */
  readonly args: CniArgs
  readonly argsText: string
  /** CNI_PATH as given. */
  readonly path: string
}

/** A container as a GC request names it. */
export type AttachmentName = { readonly containerId: string; readonly ifName: string }

export type CniRequest =
  | (Common & {
      readonly verb: 'ADD' | 'DEL' | 'CHECK'
      readonly containerId: string
      /** CNI_NETNS as given; empty only for DEL. */
      readonly netns: string
      readonly ifName: IfName
      /** CNI_NETNS_OVERRIDE: the caller's own namespace is allowed. */
      readonly netnsOverride: boolean
    })
  | (Common & {
      readonly verb: 'GC'
      /** Attachments that still live; undefined when the runtime did not say. */
      readonly valid: readonly AttachmentName[] | undefined
    })
  | (Common & { readonly verb: 'STATUS' })
  | { readonly verb: 'VERSION' }

/** What a plugin was executed with. */
export type CniCall = {
  /** argv[0], with or without its folder. */
  readonly argv0: string
  readonly env: Readonly<Record<string, string>>
  readonly stdin: string
}

type Verb = CniRequest['verb']

const ATTACHMENT_VERBS = ['ADD', 'DEL', 'CHECK'] as const
const VERBS: readonly string[] = [...ATTACHMENT_VERBS, 'GC', 'STATUS', 'VERSION'] satisfies Verb[]
/** Variables in the order in which their absence is told, and who requires them. */
const REQUIRED: readonly (readonly [name: string, verbs: readonly string[]])[] = [
  ['CNI_CONTAINERID', ATTACHMENT_VERBS],
  ['CNI_NETNS', ['ADD', 'CHECK']],
  ['CNI_IFNAME', ATTACHMENT_VERBS],
  ['CNI_PATH', [...ATTACHMENT_VERBS, 'GC', 'STATUS']],
]
/** Bytes of an interface name. */
const LONGEST_NAME = 15
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/

/**
 * Reads a request.
 * @throws {Failure} `cni-environment-missing`, `cni-container-id-invalid`, `cni-if-name-invalid`,
 *   `cni-conf-unreadable`, `cni-network-name-missing`, `cni-network-name-invalid`,
 *   `cni-verb-unknown`, `cni-version-unreadable`, `cni-version-verb`, `cni-version-incompatible`,
 *   `cni-conf-duplicate-key`, `cni-args-invalid`
 */
export function parseCniRequest({ argv0, env, stdin }: CniCall): CniRequest {
  const verb = env['CNI_COMMAND'] ?? ''
  const ifName = checkEnvironment(verb, env)
  if (verb === 'VERSION') return { verb }
  const conf = parseConf(stdin)
  const name = networkNameOf(conf)
  // The library reads the configuration first: a bad verb with a bad one is told as the latter.
  if (!VERBS.includes(verb)) throw fail('cni-verb-unknown', { verb })
  const argsText = env['CNI_ARGS'] ?? ''
  const common: Common = {
    type: argv0.slice(argv0.lastIndexOf('/') + 1),
    name,
    version: versionFor(verb, askedVersion(conf)),
    conf,
    args: parseCniArgs(argsText),
    argsText,
    path: env['CNI_PATH'] ?? '',
  }
  if (verb === 'ADD' && common.type === STRICT_TYPE) checkKeys(stdin)
  // what DEL needs is in the journal: it does with less
  if (verb === 'ADD' || verb === 'CHECK') checkArgs(argsText)
  if (verb === 'STATUS') return { ...common, verb }
  if (verb === 'GC') return { ...common, verb, valid: validAttachmentsOf(conf) }
  return {
    ...common,
    verb: verb === 'DEL' || verb === 'CHECK' ? verb : 'ADD',
    containerId: env['CNI_CONTAINERID'] ?? '',
    netns: env['CNI_NETNS'] ?? '',
    ifName: ifName ?? parseIfName(env['CNI_IFNAME'] ?? ''),
    netnsOverride: /^(true|1)$/i.test(env['CNI_NETNS_OVERRIDE'] ?? ''),
  }
}

function checkArgs(text: string): void {
  const pair = invalidPair(text)
  if (pair !== undefined) throw fail('cni-args-invalid', { pair: JSON.stringify(pair) })
}

/** The one plugin of the field that looks for them. */
const STRICT_TYPE = 'tuning'

function checkKeys(stdin: string): void {
  const key = duplicateKey(stdin)
  if (key !== undefined) throw fail('cni-conf-duplicate-key', { key })
}

/** An invalid variable is told at once, missing ones together after all were looked at. */
function checkEnvironment(verb: string, env: CniCall['env']): IfName | undefined {
  const missing = verb === '' ? ['CNI_COMMAND'] : []
  let ifName: IfName | undefined
  for (const [name, verbs] of REQUIRED) {
    if (!verbs.includes(verb)) continue
    const value = env[name] ?? ''
    if (value === '') missing.push(name)
    else if (name === 'CNI_IFNAME') ifName = interfaceName(value)
    else if (name === 'CNI_CONTAINERID' && !NAME.test(value)) {
      throw fail('cni-container-id-invalid', { more: value })
    }
  }
  if (missing.length > 0) throw fail('cni-environment-missing', { names: missing.join(',') })
  return ifName
}

function interfaceName(text: string): IfName {
  try {
    return parseIfName(text)
  } catch (cause) {
    const reason = failureIn(cause)?.details['reason']
    if (new TextEncoder().encode(text).length <= LONGEST_NAME) {
      throw fail('cni-if-name-invalid', { reason, more: JSON.stringify(text) })
    }
    const more = String(reason)
    throw fail('cni-if-name-invalid', { reason: 'interface name is too long', more })
  }
}

function parseConf(stdin: string): JsonObject {
  let conf: unknown
  try {
    conf = parseJson(stdin)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'it is not JSON'
    throw fail('cni-conf-unreadable', { reason })
  }
  if (conf === null) return {}
  if (!isJsonObject(conf)) throw fail('cni-conf-unreadable', { reason: 'it is not a JSON object' })
  return conf
}

function networkNameOf(conf: JsonObject): string {
  const name = lookUp(conf, 'name') ?? ''
  if (typeof name !== 'string') {
    throw fail('cni-conf-unreadable', { reason: 'name is not a string' })
  }
  if (name === '') throw fail('cni-network-name-missing')
  if (!NAME.test(name)) throw fail('cni-network-name-invalid', { more: name })
  return name
}

function askedVersion(conf: JsonObject): string {
  const version = lookUp(conf, 'cniVersion') ?? ''
  if (typeof version !== 'string') {
    throw fail('cni-version-unreadable', { version, reason: 'it is not a string' })
  }
  return version === '' ? OLDEST_VERSION : version
}

/** Runtimes write the list under the final key and, some of them, under its draft name too. */
function validAttachmentsOf(conf: JsonObject): AttachmentName[] | undefined {
  const key = 'cni.dev/valid-attachments'
  const list = conf[key] ?? conf['cni.dev/attachments']
  if (list === undefined || list === null) return undefined
  const bad = (reason: string): never => {
    throw fail('cni-conf-unreadable', { reason: `${key} ${reason}` })
  }
  if (!Array.isArray(list)) return bad('is not an array')
  return list.map((item: unknown) => {
    if (!isJsonObject(item)) return bad('has an item that is not an object')
    const [containerId, ifName] = [lookUp(item, 'containerID'), lookUp(item, 'ifname')]
    if (typeof containerId !== 'string') return bad('has an item without containerID')
    return typeof ifName === 'string' ? { containerId, ifName } : bad('has an item without ifname')
  })
}
