/**
 * What the configurations of the CNI plugins have in common: how a text becomes a
 * value, and the keys that every main plugin reads.
 *
 * Spec: CNI 1.1.0, section 1 (plugin configuration objects).
 * @module
 */
import { failureIn } from '#values/failure.ts'
import { parseGuid } from '#values/guid.ts'
import { parseIfName } from '#values/if-name.ts'
import { type Reading, readWith, z } from './zod.ts'

/** How one plugin's configuration is read. */
export type ConfSchema<T> = {
  /** Keys in their own spelling: of the whole, and of the objects below it by key. */
  readonly keys: readonly string[]
  readonly nested: Readonly<Record<string, readonly string[]>>
  /** Keys must have their own spelling by now; those not known are dropped. */
  read(folded: unknown): Reading<T>
}

type Check = { addIssue(issue: { code: 'custom'; message: string }): void }

/** A schema for what a parser of `values/` reads; its failure becomes the issue. */
export function parsed<T>(parse: (raw: string) => T): z.ZodType<T> {
  return z.string().transform((raw, check) => attempt(check, () => parse(raw)))
}

/** What `read` gives; a failure of it becomes an issue of `check`. */
export function attempt<T>(check: Check, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    const failure = failureIn(cause)
    check.addIssue({ code: 'custom', message: String(failure?.details['reason'] ?? cause) })
    return z.NEVER
  }
}

export const ifName = parsed(parseIfName)
export const guid = parsed(parseGuid)

/** Empty is as good as absent, as it is for every upstream plugin. */
export const orEmpty = <T>(schema: z.ZodType<T>) =>
  z.preprocess((raw) => (raw === '' ? undefined : raw), schema.optional())

const dns = z.object({
  nameservers: z.array(z.string()).default([]),
  domain: orEmpty(z.string()),
  search: z.array(z.string()).default([]),
  options: z.array(z.string()).default([]),
})
const ipam = z.object({ type: orEmpty(z.string()) })
const runtimeConfig = z.object({
  mac: orEmpty(z.string()),
  infinibandGUID: orEmpty(guid),
  deviceID: orEmpty(z.string()),
})

/** Keys of every main plugin. */
export const mainKeys = {
  ipam: ipam.optional(),
  dns: dns.optional(),
  runtimeConfig: runtimeConfig.optional(),
}
const NESTED = {
  dns: Object.keys(dns.shape),
  ipam: Object.keys(ipam.shape),
  runtimeConfig: Object.keys(runtimeConfig.shape),
}

/** A reader of `schema`; `nested` are keys of further objects in it. */
export function confSchema<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  nested: Readonly<Record<string, readonly string[]>> = {},
): ConfSchema<z.output<z.ZodObject<Shape>>> {
  return {
    keys: Object.keys(schema.shape),
    nested: { ...NESTED, ...nested },
    read: (folded) => readWith(schema, folded),
  }
}
