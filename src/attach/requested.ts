/**
 * Addresses that a caller asks for by name, from the three places that can
 * carry them: runtimeConfig.ips, args.cni.ips, CNI_ARGS IP.
 *
 * Spec: CNI conventions (capability `ips`, args, CNI_ARGS).
 * @module
 */
import { isJsonObject, lookUp } from '#wire/cni/conf.ts'
import type { RawConf } from './catalogue.ts'

/** As written, without repetition, in the order CNI_ARGS, args.cni, runtimeConfig. */
export function requestedIps(raw: RawConf, cniArgs: string): string[] {
  const pairs = cniArgs.split(';').map((pair) => pair.split('='))
  const fromArgs = pairs.flatMap(([key, value]) => (key === 'IP' && value ? value.split(',') : []))
  const fromCni = textsIn(raw, ['args', 'cni', 'ips'])
  const fromRuntime = textsIn(raw, ['runtimeConfig', 'ips'])
  return [...new Set([...fromArgs, ...fromCni, ...fromRuntime])]
}

function textsIn(raw: RawConf, path: readonly string[]): string[] {
  let at: unknown = raw
  for (const key of path) {
    if (!isJsonObject(at)) return []
    at = lookUp(at, key)
  }
  return Array.isArray(at) ? at.filter((item) => typeof item === 'string') : []
}
