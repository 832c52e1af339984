import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { formatAge, formatTable, nameOf } from './print.ts'

const NOW_MS = Date.UTC(2026, 0, 1)
const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

for (const [agoMs, text] of [
  [0, '0s'],
  [34 * SECOND, '34s'],
  [119 * SECOND, '119s'],
  [120 * SECOND, '2m'],
  [5 * MINUTE + 12 * SECOND, '5m12s'],
  [10 * MINUTE + 12 * SECOND, '10m'],
  [179 * MINUTE, '179m'],
  [3 * HOUR, '3h'],
  [3 * HOUR + 7 * MINUTE, '3h7m'],
  [8 * HOUR + 7 * MINUTE, '8h'],
  [2 * DAY, '2d'],
  [2 * DAY + 4 * HOUR, '2d4h'],
  [9 * DAY + 4 * HOUR, '9d'],
  [800 * DAY, '2y70d'],
  [-1 * MINUTE, '<invalid>'],
] as const) {
  test(`formatAge() says ${text} after ${agoMs} ms`, () => {
    equal(formatAge(new Date(NOW_MS - agoMs).toISOString(), NOW_MS), text)
  })
}

test('formatAge() says so when nothing is known', () => {
  equal(formatAge(undefined, NOW_MS), '<unknown>')
})

test('formatTable() parts columns by three blanks and ends no line in one', () => {
  const rows = [
    ['NAME', 'AGE', 'NODE'],
    ['a-long-name', '3s', ''],
    ['b', '178m', 'node-1'],
  ]
  equal(
    formatTable(rows),
    'NAME          AGE    NODE\na-long-name   3s\nb             178m   node-1\n',
  )
})

test('nameOf() has the group of kinds that have one', () => {
  const metadata = { name: 'v4-91' }
  const apiVersion = 'spiderpool.spidernet.io/v2beta1'
  equal(
    nameOf({ apiVersion, kind: 'SpiderIPPool', metadata }),
    'spiderippool.spiderpool.spidernet.io/v4-91',
  )
  equal(nameOf({ apiVersion: 'v1', kind: 'Pod', metadata }), 'pod/v4-91')
})
