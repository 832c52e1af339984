/**
 * Reads a plugin's configuration by its schema: keys without regard to case,
 * what is wrong as one failure, what is not known as a warning.
 *
 * Spec: CNI 1.1.0, section 1; keys that the protocol itself uses are no surprise.
 * @module
 */
import type { CniDns } from '#wire/cni/result.ts'
import type { IpoibDocument } from '#schema/cni-conf.ts'
import type { ConfSchema } from '#schema/cni-keys.ts'
import { type JsonObject, isJsonObject, keyFolder } from '#wire/cni/conf.ts'
import { fail } from './failures.ts'

const PROTOCOL_KEYS = [
  'cniVersion',
  'cniVersions',
  'name',
  'type',
  'capabilities',
  'runtimeConfig',
  'args',
  'prevResult',
  'ipam',
  'dns',
  'ipMasq',
  'disableCheck',
  'disableGC',
  // what the meta plugin puts into every plugin of a network that has a device
  'deviceID',
  'pciBusID',
]
const RESERVED = 'cni.dev/'

/** Reads configurations of one plugin. */
export type ConfReader<T> = (raw: unknown) => { readonly value: T; readonly warnings: string[] }

/**
 * Makes a reader once, so that a request builds nothing but its own values.
 * The reader throws `plugin-conf-invalid` with the first fault; the others are in `more`.
 */
export function confReader<T>(schema: ConfSchema<T>): ConfReader<T> {
  const known = new Set([...schema.keys, ...PROTOCOL_KEYS])
  const fold = keyFolder([...known])
  const inner = Object.entries(schema.nested).map(([key, keys]) => [key, keyFolder(keys)] as const)
  return (raw) => {
    if (!isJsonObject(raw)) {
      throw fail('plugin-conf-invalid', { field: 'configuration', reason: 'it is not an object' })
    }
    const folded = fold(raw)
    for (const [key, folder] of inner) folded[key] = foldInner(folded[key], folder)
    const reading = schema.read(folded)
    if (!reading.ok) {
      const [first, ...others] = reading.faults.map(({ field, message }) => ({
        field,
        reason: message,
      }))
      throw fail(
        'plugin-conf-invalid',
        others.length > 0 ? { ...first, more: others } : { ...first },
      )
    }
    const strange = Object.keys(folded).filter(
      (key) => !known.has(key) && !key.startsWith(RESERVED),
    )
    return { value: reading.value, warnings: strange.map((key) => `Unknown key ${key} is ignored`) }
  }
}

/** `dns` of a main plugin, as it goes into the result. */
export function dnsOf(dns: IpoibDocument['dns']): CniDns | undefined {
  if (dns === undefined) return undefined
  const { nameservers, domain, search, options } = dns
  return { nameservers, domain, search, options }
}

function foldInner(raw: unknown, fold: (from: JsonObject) => JsonObject): unknown {
  if (Array.isArray(raw)) return raw.map((item: unknown) => foldInner(item, fold))
  return isJsonObject(raw) ? fold(raw) : raw
}
