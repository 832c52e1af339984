/**
 * How the `ipam` part of a CNI configuration is read, whatever its type.
 * @module
 */
import { type Reading, readWith, unknownKeys, type z } from './zod.ts'

/** A configuration as read, with a warning for each key that means nothing here. */
export type IpamReading<T> = { readonly read: Reading<T>; readonly warnings: readonly string[] }

/** Makes a reader of one schema. */
export function ipamReader<T>(schema: z.ZodType<T>): (raw: unknown) => IpamReading<T> {
  return (raw) => {
    const read = readWith(schema, raw, 'ipam')
    const unknown = read.ok ? unknownKeys(raw, read.value, 'ipam') : []
    return { read, warnings: unknown.map((key) => `${key} is not known and has no effect`) }
  }
}
