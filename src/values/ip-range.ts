/**
 * Sets of addresses as sorted, disjoint intervals: a /64 costs no more than a
 * /32. Intervals are inclusive at both ends.
 * @module
 */
import { fail } from './failures.ts'
import { type Cidr, cidrParts } from './cidr.ts'
import { type Family, type Ip, bitsOf, familyOf, ipFromBits, ipToBits, parseIp } from './ip.ts'

/** Addresses `first` to `last`, both in it, as numbers of one family. */
export type IpRange = { readonly family: Family; readonly first: bigint; readonly last: bigint }

/** Every address of the network a CIDR lies in. */
export function rangeOfCidr(cidr: Cidr): IpRange {
  const { ip, prefix, family } = cidrParts(cidr)
  const size = 1n << BigInt(bitsOf(family) - prefix)
  const first = (ipToBits(ip) / size) * size
  return { family, first, last: first + size - 1n }
}

/** Reads `a` or `a-b`. @throws {Failure} `range-invalid`: families differ, ends reversed, blanks */
export function parseRange(text: string): IpRange {
  const bad = (reason: string): never => {
    throw fail('range-invalid', { text, reason })
  }
  const ends = text.split('-')
  if (ends.length > 2) bad('it has more than one dash')
  const [first, last] = ends.map(parseIp)
  if (first === undefined) throw fail('range-invalid', { text, reason: 'value is empty' })
  const family = familyOf(first)
  if (familyOf(last ?? first) !== family) bad('its ends are of different families')
  const range = { family, first: ipToBits(first), last: ipToBits(last ?? first) }
  if (range.first > range.last) bad('its first address is after its last')
  return range
}

/** `a` for a single address, else `a-b`. */
export function formatRange({ family, first, last }: IpRange): string {
  const from: Ip = ipFromBits(family, first)
  return first === last ? from : `${from}-${ipFromBits(family, last)}`
}

/** True when `inner` lies in `outer` whole. */
export function rangeContains(outer: IpRange, inner: IpRange): boolean {
  return outer.family === inner.family && outer.first <= inner.first && inner.last <= outer.last
}

/** Sorted, disjoint, adjacent ones joined. All of one family. */
export function mergeRanges(ranges: readonly IpRange[]): IpRange[] {
  const sorted = ranges.toSorted((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))
  const merged: IpRange[] = []
  for (const range of sorted) {
    const before = merged.at(-1)
    if (before !== undefined && range.first <= before.last + 1n) {
      const last = range.last > before.last ? range.last : before.last
      merged[merged.length - 1] = { ...before, last }
    } else merged.push(range)
  }
  return merged
}

/** Addresses of `from` that are in none of `without`. */
export function subtractRanges(from: readonly IpRange[], without: readonly IpRange[]): IpRange[] {
  let left = mergeRanges(from)
  for (const cut of mergeRanges(without)) {
    left = left.flatMap((range) => {
      if (cut.last < range.first || cut.first > range.last) return [range]
      const parts: IpRange[] = []
      if (cut.first > range.first) parts.push({ ...range, last: cut.first - 1n })
      if (cut.last < range.last) parts.push({ ...range, first: cut.last + 1n })
      return parts
    })
  }
  return left
}

/** How many addresses merged ranges hold. */
export function countOfRanges(ranges: readonly IpRange[]): bigint {
  return ranges.reduce((sum, range) => sum + range.last - range.first + 1n, 0n)
}
