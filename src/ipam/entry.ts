/**
 * Entries of address lists: `a` or `a-b`. Ranges that lie in each other, for
 * the rules that compare them.
 *
 * Spec: Spiderpool's IP text rules; RFC 4291 section 2.5.5.2 for IPv4 addresses
 * in IPv6 text, which count as IPv4 in a list of IPv4.
 * @module
 */
import { type IpRange, parseRange } from '#values/ip-range.ts'
import type { Family } from '#values/ip.ts'

const MAPPED = /^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i

/** Reads an entry of a list of one family. @throws {Failure} `range-invalid`, `ip-invalid` */
export function readEntry(text: string, family: Family): IpRange {
  if (family === 6) return parseRange(text)
  return parseRange(
    text
      .split('-')
      .map((end) => end.replace(MAPPED, ''))
      .join('-'),
  )
}

/** What two ranges have in common. */
export function sharedRange(a: IpRange, b: IpRange): IpRange | undefined {
  if (a.family !== b.family || a.first > b.last || b.first > a.last) return undefined
  const first = a.first > b.first ? a.first : b.first
  return { family: a.family, first, last: a.last < b.last ? a.last : b.last }
}
