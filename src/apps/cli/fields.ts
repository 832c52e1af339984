/**
 * Fields of documents by path, for printing: documents of many kinds, of which
 * a table shows a few fields.
 * @module
 */
import { isRecord } from '#schema/zod.ts'

/** What stands at a path of keys; undefined where there is nothing. */
export function valueAt(document: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((at, key) => (isRecord(at) ? at[key] : undefined), document)
}

/** A text, a number or a claim as text; undefined for anything else and for an empty text. */
export function textAt(document: unknown, ...path: readonly string[]): string | undefined {
  const value = valueAt(document, ...path)
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** The items of a list; none where there is no list. */
export function itemsAt(document: unknown, ...path: readonly string[]): readonly unknown[] {
  const value = valueAt(document, ...path)
  return Array.isArray(value) ? value : []
}

/** Texts of a list, in its order. */
export function textsAt(document: unknown, ...path: readonly string[]): string[] {
  return itemsAt(document, ...path).filter((item) => typeof item === 'string')
}

/** Keys and values of an object, in its order. */
export function entriesAt(document: unknown, ...path: readonly string[]): [string, unknown][] {
  const value = valueAt(document, ...path)
  return isRecord(value) ? Object.entries(value) : []
}

/** A copy of an object without some of its keys. */
export function without<T>(of: Readonly<Record<string, T>>, keys: readonly string[]) {
  return Object.fromEntries(Object.entries(of).filter(([key]) => !keys.includes(key)))
}
