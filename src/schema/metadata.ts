/**
 * What every document has: apiVersion, kind and metadata, with the rules of
 * names and labels.
 *
 * Spec: Kubernetes API conventions; RFC 1123 for names (label: at most 63
 * bytes; subdomain: labels joined by dots, at most 253).
 * @module
 */
import { z } from './zod.ts'

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const NAME_PART = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/

/** What is wrong with a DNS-1123 subdomain, or undefined. */
export function subdomainFault(text: string): string | undefined {
  if (text.length > 253) return 'must be no more than 253 characters'
  if (SUBDOMAIN.test(text)) return undefined
  return (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or " +
    "'.', and must start and end with an alphanumeric character"
  )
}

function namespaceFault(text: string): string | undefined {
  if (text.length <= 63 && LABEL.test(text)) return undefined
  return (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', must " +
    'start and end with an alphanumeric character, and be no more than 63 characters'
  )
}

/** What is wrong with the key of a label or an annotation (`name`, `prefix/name`), or undefined. */
export function keyFault(key: string): string | undefined {
  const [first = '', second, ...more] = key.split('/')
  const [prefix, name] = second === undefined ? [undefined, first] : [first, second]
  const legal =
    more.length === 0 &&
    name.length <= 63 &&
    NAME_PART.test(name) &&
    (prefix === undefined || subdomainFault(prefix.toLowerCase()) === undefined)
  return legal ? undefined : `key ${JSON.stringify(key)} is not a qualified name`
}

/** What is wrong with the value of a label, or undefined. */
export function labelValueFault(text: string): string | undefined {
  if (text === '' || (text.length <= 63 && NAME_PART.test(text))) return undefined
  return `${JSON.stringify(text)} is not a label value: at most 63 of letters, digits, -, _ and .`
}

function textWith(fault: (text: string) => string | undefined): z.ZodType<string> {
  return z.string().superRefine((text, ctx) => {
    const message = fault(text)
    if (message !== undefined) ctx.addIssue({ code: 'custom', message })
  })
}

function textsByKey(valueFault: (text: string) => string | undefined) {
  return z.record(z.string(), z.string()).superRefine((pairs, ctx) => {
    for (const [key, value] of Object.entries(pairs)) {
      const message = keyFault(key) ?? valueFault(value)
      if (message !== undefined) ctx.addIssue({ code: 'custom', message })
    }
  })
}

const ownerReference = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  name: z.string(),
  uid: z.string(),
  controller: z.boolean().exactOptional(),
  blockOwnerDeletion: z.boolean().exactOptional(),
})

/** ObjectMeta. */
export const metadata = z.object({
  name: textWith(subdomainFault),
  namespace: textWith(namespaceFault).exactOptional(),
  generateName: z.string().exactOptional(),
  uid: z.string().exactOptional(),
  resourceVersion: z.string().exactOptional(),
  generation: z.int().exactOptional(),
  creationTimestamp: z.string().exactOptional(),
  deletionTimestamp: z.string().exactOptional(),
  deletionGracePeriodSeconds: z.int().exactOptional(),
  labels: textsByKey(labelValueFault).exactOptional(),
  annotations: textsByKey(() => undefined).exactOptional(),
  ownerReferences: z.array(ownerReference).exactOptional(),
  finalizers: z.array(z.string()).exactOptional(),
  managedFields: z.array(z.unknown()).exactOptional(),
  selfLink: z.string().exactOptional(),
})

/** The first three fields of a document of one kind. */
export function headOf<A extends string, K extends string>(apiVersion: A, kind: K) {
  return { apiVersion: z.literal(apiVersion), kind: z.literal(kind), metadata }
}

/** A document of any kind: what the kind adds is kept as it is. */
export const anyDocument = z.looseObject({
  apiVersion: z.string().min(1),
  kind: z.string().min(1),
  metadata,
})
export type AnyDocument = z.output<typeof anyDocument>
