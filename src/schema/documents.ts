/**
 * Text of a file → documents. YAML or JSON, several documents a file, a `List`
 * taken apart.
 *
 * Spec: YAML 1.2 with the scalars that kubectl reads (go-yaml v2): unquoted
 * `yes`, `no`, `on`, `off`, `y`, `n` are booleans, `0755` is octal, `0x1f` hex,
 * `1_000` a number, `<<` merges; dates and `10:20` are texts, which plain YAML
 * 1.1 would take for numbers to the base of 60. Lines count from 1.
 * @module
 */
import { type Document as YamlDocument, LineCounter, parseAllDocuments, type Tags } from 'yaml'
import type { FieldFault } from '#values/admission.ts'
import { isTooDeep } from '#values/json-text.ts'
import { required, typeInvalid } from './fault.ts'
import { isRecord } from './zod.ts'

/** A document as it was written: only its apiVersion and kind are known to be there. */
export type RawDocument = Readonly<Record<string, unknown>> & {
  readonly apiVersion: string
  readonly kind: string
}

/** Where something stands: `pools.yaml:12`. */
export type Where = string

export type FoundDocument = { readonly document: RawDocument; readonly where: Where }
export type TextFault = FieldFault & { readonly where: Where }

/** What a text holds: the documents that could be read, in order, and what is wrong with others. */
export type FoundDocuments = {
  readonly documents: readonly FoundDocument[]
  readonly faults: readonly TextFault[]
}

/** Tags of YAML 1.1 that kubectl's reader has not. */
const FOREIGN_TAGS = new Set(
  ['timestamp', 'binary', 'set', 'omap', 'pairs'].map((name) => `tag:yaml.org,2002:${name}`),
)

const FLOAT = 'tag:yaml.org,2002:float'
/** How a number begins, and the two that have no digit. */
const NUMBER = '^[-+]?(?:\\.?[0-9]|\\.inf|\\.Inf|\\.INF|\\.nan|\\.NaN|\\.NAN)'

/** `file` is for messages only. Never throws: a text that cannot be read is a fault. */
export function parseDocuments(text: string, file: string): FoundDocuments {
  const lines = new LineCounter()
  const all = parsedOf(text, lines)?.map((yaml) => documentsOf(yaml, file, lines))
  if (all === undefined) return { documents: [], faults: [textFault(`${file}:1`, TOO_DEEP)] }
  return {
    documents: all.flatMap(({ documents }) => documents),
    faults: all.flatMap(({ faults }) => faults),
  }
}

const TOO_DEEP = 'Cannot read the text: it is nested too deep'

/** Undefined for a text so deep that its reader runs out of stack. */
function parsedOf(text: string, lineCounter: LineCounter): readonly YamlDocument[] | undefined {
  try {
    return [
      ...parseAllDocuments(text, {
        version: '1.1',
        merge: true,
        customTags: kubectlTags,
        prettyErrors: false,
        lineCounter,
      }),
    ]
  } catch (cause) {
    if (cause instanceof RangeError) return undefined
    throw cause
  }
}

function kubectlTags(tags: Tags): Tags {
  const known = tags.filter((tag) => {
    if (typeof tag === 'string') return true
    return tag.format !== 'TIME' && !FOREIGN_TAGS.has(tag.tag)
  })
  return known.map((tag) => {
    if (typeof tag === 'string' || !('test' in tag) || tag.tag !== FLOAT) return tag
    const { test } = tag
    // plain YAML 1.1 takes `e1` and `.` for numbers, and makes nothing of them
    return test === undefined ? tag : { ...tag, test: new RegExp(`(?=${NUMBER})${test.source}`) }
  })
}

function documentsOf(yaml: YamlDocument, file: string, lines: LineCounter): FoundDocuments {
  const at = (offset: number): Where => `${file}:${lines.linePos(offset).line}`
  if (yaml.errors.length > 0) {
    const faults = yaml.errors.map(({ message, pos }) =>
      textFault(at(pos[0]), `Cannot read the text: ${sentence(message)}`),
    )
    return { documents: [], faults }
  }
  const where = at(yaml.contents?.range?.[0] ?? 0)
  try {
    const raw: unknown = yaml.toJS()
    if (isTooDeep(raw)) return { documents: [], faults: [textFault(where, TOO_DEEP)] }
    return rawDocuments(raw, where)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    return { documents: [], faults: [textFault(where, `Cannot read the text: ${reason}`)] }
  }
}

function rawDocuments(raw: unknown, where: Where): FoundDocuments {
  if (raw === null || raw === undefined) return { documents: [], faults: [] }
  if (!isRecord(raw)) {
    return { documents: [], faults: [{ ...typeInvalid('', raw, 'object'), where }] }
  }
  const { apiVersion, kind, items } = raw
  const faults = [headFault('apiVersion', apiVersion), headFault('kind', kind)].flatMap((fault) =>
    fault === undefined ? [] : [{ ...fault, where }],
  )
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || faults.length > 0) {
    return { documents: [], faults }
  }
  if (kind !== 'List' || !Array.isArray(items)) {
    return { documents: [{ document: { ...raw, apiVersion, kind }, where }], faults: [] }
  }
  const each = items.map((item) => rawDocuments(item, where))
  return {
    documents: each.flatMap(({ documents }) => documents),
    faults: each.flatMap((found) => found.faults),
  }
}

function headFault(field: string, value: unknown): FieldFault | undefined {
  if (value === undefined || value === null || value === '') return required(field)
  return typeof value === 'string' ? undefined : typeInvalid(field, value, 'string')
}

function textFault(where: Where, message: string): TextFault {
  return { reason: 'Invalid', field: '', message, where }
}

function sentence(message: string): string {
  return message.replace(/[\s.]+$/, '')
}
