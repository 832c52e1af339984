/**
 * What somebody wrote, with what has changed since: all that did not change
 * stays as it was written, defaults left out included. What was left out whole
 * and is filled now is noted by its path, so that it can be left out again.
 * @module
 */
import { isDeepStrictEqual } from 'node:util'
import { isRecord } from '#schema/zod.ts'

/** The same thing three times: as written, and whole, before and after. */
export type Versions = { readonly raw: unknown; readonly before: unknown; readonly after: unknown }

/** Paths (`/netns/pod/sysctl`) of lists and objects that were left out. */
export type LeftOut = {
  /** When `raw` was written. */
  readonly before: ReadonlySet<string>
  /** Is filled with those that are to be known the next time. */
  readonly now: Set<string>
}

/** Items of a list are the same when their `name` is; `at` is the path of the whole. */
export function asWritten(
  { raw, before, after }: Versions,
  leftOut: LeftOut = { before: new Set(), now: new Set() },
  at = '',
): unknown {
  if (isDeepStrictEqual(before, after)) {
    for (const path of leftOut.before) if (`${path}/`.startsWith(`${at}/`)) leftOut.now.add(path)
    return raw
  }
  if (isRecord(raw) && isRecord(before) && isRecord(after)) {
    return record({ raw, before, after }, leftOut, at)
  }
  if (!Array.isArray(raw) || !Array.isArray(before) || !Array.isArray(after)) return after
  const names = { raw: byName(raw), before: byName(before), after: byName(after) }
  if (names.raw === undefined || names.before === undefined || names.after === undefined) {
    return after
  }
  return list({ raw: names.raw, before: names.before, after: names.after }, leftOut, at)
}

type Parts<T> = { readonly [key in keyof Versions]: T }
type Named = ReadonlyMap<string, unknown>

function record(
  { raw, before, after }: Parts<Readonly<Record<string, unknown>>>,
  leftOut: LeftOut,
  at: string,
): unknown {
  const made: [string, unknown][] = []
  for (const key of new Set([...Object.keys(raw), ...Object.keys(after)])) {
    const path = `${at}/${key}`
    if (!(key in raw) && isDeepStrictEqual(before[key], after[key])) continue
    const written = key in raw ? raw[key] : emptyAs(after[key])
    const whole = after[key] ?? (key in before ? emptyAs(written) : undefined)
    const same = !(key in before) && !(key in after)
    const value = same
      ? written
      : asWritten({ raw: written, before: before[key], after: whole }, leftOut, path)
    const wasOut = key in raw ? leftOut.before.has(path) : emptyAs(value) !== undefined
    if (value === undefined || (wasOut && isEmpty(value))) continue
    if (wasOut) leftOut.now.add(path)
    made.push([key, value])
  }
  return Object.fromEntries(made)
}

/** What was left out whole says nothing of what is in it. */
function emptyAs(value: unknown): unknown {
  if (Array.isArray(value)) return []
  return isRecord(value) ? {} : undefined
}

function isEmpty(value: unknown): boolean {
  return isDeepStrictEqual(value, emptyAs(value))
}

function list({ raw, before, after }: Parts<Named>, leftOut: LeftOut, at: string): unknown[] {
  const old = [...raw].flatMap(([name, item]) => {
    if (!after.has(name)) return []
    const versions = { raw: item, before: before.get(name), after: after.get(name) }
    return [asWritten(versions, leftOut, `${at}/${name}`)]
  })
  const others = [...after].filter(([name, item]) => {
    return !raw.has(name) && !isDeepStrictEqual(before.get(name), item)
  })
  return [...old, ...others.map(([, item]) => item)]
}

/** Undefined when an item has no name, or two have the same. */
function byName(items: readonly unknown[]): Named | undefined {
  const found = new Map<string, unknown>()
  for (const item of items) {
    const name = isRecord(item) ? item['name'] : undefined
    if (typeof name !== 'string' || found.has(name)) return undefined
    found.set(name, item)
  }
  return found
}
