/**
 * A CNI call as `verbena cni` gets it: the plugin is the `type` of the
 * configuration on standard input; a list of plugins is run as one.
 *
 * Spec: CNI 1.1.0, sections 2 and 5.
 * @module
 */
import { LIST_TYPE } from '#attach/index.ts'
import { fail } from '#apps/failures.ts'
import { isRecord } from '#schema/zod.ts'
import { parseJson } from '#values/json-text.ts'
import type { PodRef } from '#values/owner.ts'
import { parseCniArgs, podOfArgs } from '#wire/cni/args.ts'
import { lookUp } from '#wire/cni/conf.ts'
import { cniErrorOf, formatError } from '#wire/cni/error-json.ts'
import { type CniCall, parseCniRequest } from '#wire/cni/request.ts'
import { textOfSource } from './sources.ts'
import type { Context } from './context.ts'

export type CniOptions = {
  readonly world?: string
  readonly store?: string
  readonly state?: string
  readonly node?: string
  readonly clusterNetwork?: string
  readonly confDir?: string
  readonly podResources?: string
}

/** Where the CNI configurations of a host are. */
export const CONF_FOLDER = '/etc/cni/net.d'

/** What a plugin prints, with its exit status. */
export type Answered = { readonly exit: 0 | 1; readonly stdout: string }

/** Reads environment and standard input; VERSION needs none of the latter. */
export async function readCall({ env, stdin }: Context): Promise<CniCall> {
  const cni = Object.entries(env).flatMap(([name, value]) =>
    name.startsWith('CNI_') && value !== undefined ? [[name, value] as const] : [],
  )
  const reads = (env['CNI_COMMAND'] ?? '') !== '' && env['CNI_COMMAND'] !== 'VERSION'
  const text = reads ? await textOfSource('-', { stdin }) : ''
  return { argv0: typeOfConf(text), env: Object.fromEntries(cni), stdin: text }
}

/** The pod that CNI_ARGS name. */
export function podOfCall({ env }: CniCall): PodRef | undefined {
  return podOfArgs(parseCniArgs(env['CNI_ARGS'] ?? ''))
}

/**
 * Carries a call out, to what a plugin prints. Never throws: a failure is the
 * error object, in the version of the configuration.
 */
export async function answered(
  call: CniCall,
  work: (call: CniCall) => Promise<string>,
): Promise<Answered> {
  try {
    if (call.argv0 === '') {
      // what is wrong beside is told first, as a plugin would
      const { verb } = parseCniRequest(call)
      if (verb !== 'VERSION') throw fail('cni-type-missing')
    }
    return { exit: 0, stdout: await work(call) }
  } catch (cause) {
    return { exit: 1, stdout: formatError(cniErrorOf(cause), versionIn(call.stdin)) }
  }
}

/** Empty where it cannot be told. */
function typeOfConf(text: string): string {
  const conf = objectIn(text)
  if (conf === undefined) return ''
  const type = lookUp(conf, 'type')
  if (typeof type === 'string' && type !== '') return type
  return Array.isArray(lookUp(conf, 'plugins')) ? LIST_TYPE : ''
}

function versionIn(text: string): string {
  const version = lookUp(objectIn(text) ?? {}, 'cniVersion')
  return typeof version === 'string' && version !== '' ? version : '1.1.0'
}

function objectIn(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const conf: unknown = parseJson(text)
    return isRecord(conf) ? conf : undefined
  } catch {
    return undefined
  }
}
