/**
 * JSON as Go's encoding/json writes it (compact, `<`, `>` and `&` escaped, maps
 * sorted by key), because a NAD's `spec.config` is compared byte for byte; and
 * reading with the place of a fault in the message.
 * @module
 */
import { parseJson } from '#values/json-text.ts'

/** Texts that Go escapes and JavaScript does not. */
const ESCAPED = /[<>&\u2028\u2029]/g

/** A value read from JSON, or why it cannot be read. */
export type JsonReading =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly reason: string }

/** Reads a JSON text; the reason names the position, counted from 0. */
export function readJson(text: string): JsonReading {
  try {
    return { ok: true, value: parseJson(text) }
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    const placed = /position \d+/.test(message) ? message : `${message} at position ${text.length}`
    return { ok: false, reason: placed }
  }
}

/** Compact text, keys in the order of the object. */
export function goJson(value: unknown): string {
  return JSON.stringify(value).replace(ESCAPED, escapeOf)
}

/** Compact text, keys sorted at every level, whatever they look like. */
export function sortedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return goJson(value)
  const pairs = Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => `${goJson(key)}:${sortedJson(item)}`)
  return `{${pairs.join(',')}}`
}

function escapeOf(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
}
