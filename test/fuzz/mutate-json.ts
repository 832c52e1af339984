/**
 * Changes of a JSON text as what it is: values of other sorts, missing and
 * strange keys, subtrees of another document, lists of many, deep nests.
 * @module
 */
import { mutateText, PIECES } from './mutate-text.ts'
import type { Rng } from './random.ts'

type Json = unknown
/** Stands where a nest is put into the text: no writer of JSON could write it. */
const NEST = '@nest@'
const STRANGE_KEYS = ['__proto__', 'constructor', 'prototype', 'toString', '', 'length', '0']

const VALUES: readonly Json[] = [
  ...[null, true, false, 0, -1, 1.5, 1e308, 2 ** 53, 2 ** 31, -(2 ** 63), '', [], {}, [[]], [null]],
  ...[{ '': '' }, { length: 1 }, [1, 'a', null], { a: [] }, [{}]],
]

/** Changes a JSON text; one that is none, or is nested too deep, is changed as a text. */
export function mutateJson(text: string, rng: Rng, other: string): string {
  const tree = parsed(text)
  if (tree === undefined || rng.oneIn(12)) return mutateText(text, rng, other)
  let now: Json = tree.json
  const donor = parsed(other)?.json
  for (let left = 1 + rng.below(3); left > 0; left--) now = changedSomewhere(now, rng, donor)
  return withNests(writtenOr(text, now), rng)
}

/** Nests of a text that is parsed here at most, by a count of brackets. */
const MOST_NESTED = 400

function parsed(text: string): { json: Json } | undefined {
  if (depthOf(text) > MOST_NESTED) return undefined
  try {
    return { json: JSON.parse(text) }
  } catch {
    return undefined
  }
}

/** A list of many long texts can be more than a text can hold. */
function writtenOr(otherwise: string, json: Json): string {
  try {
    return JSON.stringify(json) ?? 'null'
  } catch {
    return otherwise
  }
}

function depthOf(text: string): number {
  let [depth, most] = [0, 0]
  for (const sign of text) {
    if (sign === '[' || sign === '{') most = Math.max(most, ++depth)
    else if (sign === ']' || sign === '}') depth--
  }
  return most
}

/** Goes down to a place by chance, and changes what is there. */
function changedSomewhere(value: Json, rng: Rng, donor: Json, depth = 0): Json {
  const isInner = typeof value === 'object' && value !== null && Object.keys(value).length > 0
  if (!isInner || depth > 12 || rng.oneIn(5)) return changedValue(value, rng, donor)
  if (Array.isArray(value)) {
    const index = rng.below(value.length)
    return value.with(index, changedSomewhere(value[index], rng, donor, depth + 1))
  }
  const entries = Object.entries(value)
  const index = rng.below(entries.length)
  const [key, inner] = entries[index] ?? ['', undefined]
  return objectOf(entries.with(index, [key, changedSomewhere(inner, rng, donor, depth + 1)]))
}

function changedValue(value: Json, rng: Rng, donor: Json): Json {
  if (rng.oneIn(150)) return rng.pick([NEST, [NEST], { a: NEST }, { items: [NEST] }])
  if (typeof value === 'string' && !rng.oneIn(4)) {
    const more = rng.oneIn(3) ? textWithin(donor, rng) : ''
    return mutateText(value, rng, more)
  }
  switch (rng.below(6)) {
    case 0:
      return rng.pick(VALUES)
    case 1:
      return partOf(donor, rng)
    case 2:
      return typeof value === 'number'
        ? value + rng.pick([1, -1, 0.5, 2 ** 32])
        : JSON.stringify(value)
    case 3:
      return rng.oneIn(20) ? new Array<Json>(rng.below(5_000)).fill(value) : [value, value]
    default:
      return typeof value === 'object' && value !== null && !Array.isArray(value)
        ? changedKeys(value, rng, donor)
        : rng.pick(PIECES)
  }
}

function changedKeys(value: object, rng: Rng, donor: Json): Json {
  const entries = Object.entries(value)
  if (entries.length === 0) return objectOf([[rng.pick(STRANGE_KEYS), partOf(donor, rng)]])
  const index = rng.below(entries.length)
  const [key = '', inner] = entries[index] ?? []
  if (rng.oneIn(3)) return objectOf(entries.toSpliced(index, 1))
  if (rng.oneIn(2)) return objectOf([...entries, [rng.pick(STRANGE_KEYS), partOf(donor, rng)]])
  const name = rng.pick([key.toUpperCase(), `${key}s`, rng.pick(STRANGE_KEYS), ` ${key}`])
  return objectOf(entries.with(index, [name, inner]))
}

/** `__proto__` becomes a key as any other, as JSON.parse makes it. */
function objectOf(entries: readonly (readonly [string, Json])[]): Json {
  return Object.fromEntries(entries)
}

function partOf(value: Json, rng: Rng): Json {
  if (typeof value !== 'object' || value === null || rng.oneIn(4)) return value ?? rng.pick(VALUES)
  const inner = Object.values(value)
  return inner.length === 0 ? value : partOf(rng.pick(inner) ?? null, rng)
}

function textWithin(value: Json, rng: Rng): string {
  const part = partOf(value, rng)
  return typeof part === 'string' ? part : rng.pick(PIECES)
}

/** Nests are made in the text: a writer of JSON would run out of stack. */
function withNests(text: string, rng: Rng): string {
  return text.replaceAll(`"${NEST}"`, () => {
    const depth = rng.pick([50, 500, 5_000, 50_000])
    const [open, close] = rng.pick([
      ['[', ']'],
      ['{"a":', '}'],
      ['[{"items":', '}]'],
    ] as const)
    return `${open.repeat(depth)}0${close.repeat(depth)}`
  })
}
