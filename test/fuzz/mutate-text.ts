/**
 * Changes of a text: characters, cuts, splices, and pieces that parsers trip over.
 * @module
 */
import type { Rng } from './random.ts'

/** Characters of an input at most, but for those that are long on purpose. */
const MOST_CHARACTERS = 1 << 16
/** Numbers, names and signs that mean something to somebody. */
export const PIECES: readonly string[] = [
  ...['', ' ', '\t', '\n', '\r\n', '\0', '\\', '/', '//', '..', '%', ',', ';', '=', ':', '-', '.'],
  ...['"', "'", '{', '}', '[', ']', '#', '&a ', '*a', '<<: ', '---\n', '!!js/function ', '|\n'],
  ...['0', '-1', '00', '0x', '0xffff', '1e999', '-0', '4294967296', '9007199254740993', '1_000'],
  ...['99999999999999999999999999999999999999', '0755', '0o7', '10:20', 'yes', 'NaN', 'Infinity'],
  ...['null', 'true', '__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'],
  ...['0.0.0.0', '255.255.255.255', '256.1.1.1', '::', '::ffff:1.2.3.4', 'fe80::1%eth0', '/32'],
  ...['/0', '/129', '/-1', '10.0.0.1-10.0.0.2', '10.0.0.0/8', 'fd00::/0', '0000:00:00.0'],
  ...['\u00e9', '\u{1f600}', '\ud800', '\udc00', '\ufeff', '\u202e', '\u0000', '\u2028', 'İ', 'ß'],
]

type Change = (text: string, rng: Rng, other: string) => string

const CHANGES: readonly Change[] = [
  (text, rng) => at(text, rng, (before, after) => before + rng.pick(PIECES) + after),
  (text, rng) => at(text, rng, (before, after) => before + after.slice(1 + rng.below(8))),
  (text, rng) =>
    at(text, rng, (before, after) => before + String.fromCharCode(rng.below(256)) + after.slice(1)),
  (text, rng) => text.slice(0, rng.below(text.length + 1)),
  (text, rng, other) => at(text, rng, (before) => before + other.slice(rng.below(other.length))),
  (text, rng) =>
    at(text, rng, (before, after) => {
      const part = after.slice(0, 1 + rng.below(20))
      return before + part.repeat(2 + rng.below(3)) + after
    }),
  (text, rng) =>
    at(text, rng, (before, after) => {
      const digits = /^\D*(\d+)/.exec(after)?.[1]
      return before + (digits === undefined ? after : after.replace(digits, rng.pick(PIECES)))
    }),
]

/** A few changes at once; `other` is a second input to take from. Rarely a very long text. */
export function mutateText(text: string, rng: Rng, other: string): string {
  let now = text
  for (let left = 1 + rng.below(4); left > 0; left--) now = rng.pick(CHANGES)(now, rng, other)
  return rng.oneIn(500) ? lengthened(now, rng) : now.slice(0, MOST_CHARACTERS)
}

/** Up to about a quarter of a million characters of the same. */
function lengthened(text: string, rng: Rng): string {
  return at(text, rng, (before, after) => {
    const part = rng.oneIn(2) ? rng.pick(PIECES) : after.slice(0, 1 + rng.below(4))
    const times = Math.floor(250_000 / Math.max(part.length, 1))
    return before + part.repeat(times) + after
  })
}

function at(text: string, rng: Rng, change: (before: string, after: string) => string): string {
  const place = rng.below(text.length + 1)
  return change(text.slice(0, place), text.slice(place))
}
