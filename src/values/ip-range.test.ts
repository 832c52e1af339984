import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseCidr } from './cidr.ts'
import { failureIn } from './failure.ts'
import {
  countOfRanges,
  formatRange,
  mergeRanges,
  parseRange,
  rangeContains,
  rangeOfCidr,
  subtractRanges,
} from './ip-range.ts'

for (const [text, canonical, count] of [
  ['172.91.0.100', '172.91.0.100', 1n],
  ['172.91.0.100-172.91.0.120', '172.91.0.100-172.91.0.120', 21n],
  ['10.0.0.1-10.0.0.1', '10.0.0.1', 1n],
  ['FD00::1-fd00::FFFF:FFFF', 'fd00::1-fd00::ffff:ffff', 4294967295n],
] as const) {
  test(`parseRange(${text}) is ${canonical}`, () => {
    equal(formatRange(parseRange(text)), canonical)
    equal(countOfRanges([parseRange(text)]), count)
  })
}

for (const text of [
  '',
  '-',
  'a',
  '10.0.0.1-',
  '-10.0.0.1',
  '10.0.0.1 - 10.0.0.2',
  '10.0.0.2-10.0.0.1',
  '10.0.0.1-fd00::1',
  '10.0.0.1-10.0.0.2-10.0.0.3',
  '10.0.0.0/24',
  '172.18.40.01',
  '10.0.0.1-2',
]) {
  test(`parseRange(${JSON.stringify(text)}) is refused`, () => {
    throws(
      () => parseRange(text),
      (thrown) => failureIn(thrown) !== undefined,
    )
  })
}

test('rangeOfCidr() is the whole network, whatever the host bits', () => {
  equal(formatRange(rangeOfCidr(parseCidr('172.91.7.1/16'))), '172.91.0.0-172.91.255.255')
  equal(formatRange(rangeOfCidr(parseCidr('10.0.0.5/32'))), '10.0.0.5')
  equal(countOfRanges([rangeOfCidr(parseCidr('::/0'))]), 2n ** 128n)
})

const SIZE = 40
const range = fc.tuple(fc.nat(SIZE - 1), fc.nat(SIZE - 1)).map(([a, b]) => ({
  family: 4 as const,
  first: BigInt(Math.min(a, b)),
  last: BigInt(Math.max(a, b)),
}))
const ranges = fc.array(range, { maxLength: 6 })

/** The naive model: which numbers are in. */
function members(all: readonly { first: bigint; last: bigint }[]): boolean[] {
  return Array.from({ length: SIZE }, (_, n) => all.some((r) => r.first <= n && n <= r.last))
}

test('mergeRanges() keeps the set, sorted, disjoint and not adjacent', () => {
  fc.assert(
    fc.property(ranges, (all) => {
      const merged = mergeRanges(all)
      deepEqual(members(merged), members(all))
      for (const [i, one] of merged.entries()) {
        const next = merged[i + 1]
        if (next !== undefined) equal(one.last + 1n < next.first, true)
      }
      equal(countOfRanges(merged), BigInt(members(all).filter(Boolean).length))
    }),
  )
})

test('subtractRanges() is the difference of sets', () => {
  fc.assert(
    fc.property(ranges, ranges, (from, without) => {
      const [left, cut] = [members(from), members(without)]
      deepEqual(
        members(subtractRanges(from, without)),
        left.map((is, n) => is && !cut[n]),
      )
    }),
  )
})

test('rangeContains() agrees with the members', () => {
  fc.assert(
    fc.property(range, range, (outer, inner) => {
      const [out, inn] = [members([outer]), members([inner])]
      equal(
        rangeContains(outer, inner),
        inn.every((is, n) => !is || out[n] === true),
      )
    }),
  )
  equal(rangeContains(parseRange('10.0.0.1'), parseRange('::a00:1')), false)
})
