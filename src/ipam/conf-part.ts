/**
 * The `ipam` part of a network configuration, read by its schema: keys without
 * regard to case, what is wrong as one failure, what is not known as a warning.
 * @module
 */
import type { IpamReading } from '#schema/ipam-reading.ts'
import { type JsonObject, isJsonObject, keyFolder, lookUp } from '#wire/cni/conf.ts'
import { fail } from './failures.ts'

/** What a schema of `schema/` gives. */
export type PartSchema<T> = {
  /** Every key of the part and of what is in it, in its own spelling. */
  readonly keys: readonly string[]
  read(part: unknown): IpamReading<T>
}
export type Part<T> = {
  readonly whole: JsonObject
  readonly value: T
  readonly warnings: readonly string[]
}

/** Makes a reader once. It throws `ipam-conf-missing`, `ipam-conf-invalid` with the first fault. */
export function partReader<T>({ keys, read }: PartSchema<T>): (raw: unknown) => Part<T> {
  const fold = keyFolder(keys)
  const folded = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(folded)
    if (!isJsonObject(value)) return value
    const object = fold(value)
    for (const key of Object.keys(object)) object[key] = folded(object[key])
    return object
  }
  return (raw) => {
    const whole = isJsonObject(raw) ? raw : {}
    const part = lookUp(whole, 'ipam')
    if (part === undefined) throw fail('ipam-conf-missing')
    const { read: reading, warnings } = read(folded(part))
    if (reading.ok) return { whole, value: reading.value, warnings }
    const [first, ...more] = reading.faults
    const rest =
      more.length === 0 ? {} : { more: more.map((one) => `${one.field}: ${one.message}`) }
    throw fail('ipam-conf-invalid', { field: first?.field, reason: first?.message, ...rest })
  }
}

/** Texts of the list at a path of keys; none where there is no list. */
export function textsAt(whole: JsonObject, path: readonly string[]): string[] {
  let at: unknown = whole
  for (const key of path) at = isJsonObject(at) ? lookUp(at, key) : undefined
  return Array.isArray(at) ? at.filter((item) => typeof item === 'string') : []
}
