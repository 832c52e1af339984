/**
 * zod as the project uses it (interpreted, never compiled: an agent may run
 * where code generation is forbidden), and what a schema says of a document as
 * faults of the Kubernetes API. No other folder imports zod.
 *
 * Spec: Kubernetes API conventions, structural schemas: null for a field that is
 * not nullable is dropped before defaulting; keys that no schema names are pruned.
 * @module
 */
import { z } from 'zod'
import type { FieldFault } from '#values/admission.ts'
import { invalid, notSupported, required, typeInvalid } from './fault.ts'

z.config({ jitless: true })

export { z }

/** A document as its schema reads it, defaults filled in; or every fault, in its order. */
export type Reading<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly faults: readonly FieldFault[] }

type Path = readonly PropertyKey[]

/** Reads `raw`, which stands at the path `at` of its document (`''` for the whole). */
export function readWith<T>(schema: z.ZodType<T>, raw: unknown, at = ''): Reading<T> {
  if (isTooDeep(raw)) {
    return { ok: false, faults: [invalid(at, undefined, 'it is nested too deeply')] }
  }
  const input = withoutNulls(raw)
  const read = schema.safeParse(input)
  if (read.success) return { ok: true, value: read.data }
  const faults = read.error.issues.flatMap((issue) => faultsOf(issue, input, at))
  return { ok: false, faults }
}

/** Levels of lists and objects; documents of the field have a dozen or two. */
const MOST_LEVELS = 500

/** Asked level by level, as whoever goes down by recursion would not come back. */
function isTooDeep(raw: unknown): boolean {
  let level: unknown[] = [raw]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MOST_LEVELS) return true
    level = level.flatMap((one) => {
      return typeof one === 'object' && one !== null ? Object.values(one).filter(isTree) : []
    })
  }
  return false
}

function isTree(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}

/** Paths of what `raw` has and its reading has not: keys that were pruned. */
export function unknownKeys(raw: unknown, value: unknown, at = ''): string[] {
  if (Array.isArray(raw) && Array.isArray(value)) {
    return raw.flatMap((item, index) => unknownKeys(item, value[index], `${at}[${index}]`))
  }
  if (!isRecord(raw) || !isRecord(value)) return []
  return Object.entries(raw).flatMap(([key, item]) => {
    if (item === null || item === undefined) return []
    const path = at === '' ? key : `${at}.${key}`
    return key in value ? unknownKeys(item, value[key], path) : [path]
  })
}

/** True for an object that is neither an array nor null. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function faultsOf(issue: z.core.$ZodIssue, input: unknown, at: string): FieldFault[] {
  const field = pathText(issue.path, at)
  const value = valueAt(input, issue.path)
  switch (issue.code) {
    case 'invalid_type':
      if (value === undefined) return [required(field)]
      return [typeInvalid(field, value, typeWord(issue.expected))]
    case 'invalid_value':
      if (value === undefined) return [required(field)]
      return typeof value === typeof issue.values[0]
        ? [notSupported(field, value, issue.values)]
        : [typeInvalid(field, value, typeof issue.values[0])]
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        reason: 'Invalid',
        field: pathText([...issue.path, key], at),
        message: `Invalid value: ${JSON.stringify(key)}: no such key is known`,
      }))
    case 'too_small':
    case 'too_big':
      return [invalid(field, value, boundText(issue))]
    case 'custom':
      return [invalid(field, value, issue.message)]
    case 'invalid_format':
    case 'not_multiple_of':
    case 'invalid_union':
    case 'invalid_key':
    case 'invalid_element':
      return [invalid(field, value, `does not match: ${issue.message}`)]
  }
}

function boundText(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig): string {
  const [word, bound] =
    issue.code === 'too_small' ? ['at least', issue.minimum] : ['at most', issue.maximum]
  const unit = { string: ' characters', array: ' items', map: ' keys' }
  const of = Object.entries(unit).find(([origin]) => origin === issue.origin)?.[1] ?? ''
  return `must be ${word} ${String(bound)}${of}`
}

function typeWord(expected: string): string {
  return { int: 'integer', record: 'object' }[expected] ?? expected
}

function pathText(path: Path, at: string): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    return text === '' ? String(part) : `${text}.${String(part)}`
  }, at)
}

function valueAt(input: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, part) => {
    if (Array.isArray(at)) return at[Number(part)]
    return isRecord(at) ? at[String(part)] : undefined
  }, input)
}

function withoutNulls(raw: unknown): unknown {
  if (Array.isArray(raw)) return raw.some(hasNull) ? raw.map(withoutNulls) : raw
  if (!isRecord(raw) || !hasNull(raw)) return raw
  const kept = Object.entries(raw).filter(([, item]) => item !== null)
  return Object.fromEntries(kept.map(([key, item]) => [key, withoutNulls(item)]))
}

/** True when there is a null among the values of an object, however deep. */
function hasNull(raw: unknown): boolean {
  if (Array.isArray(raw)) return raw.some(hasNull)
  return isRecord(raw) && Object.values(raw).some((item) => item === null || hasNull(item))
}
