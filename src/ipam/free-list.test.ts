import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseRange } from '#values/ip-range.ts'
import { parseIp } from '#values/ip.ts'
import { FreeList } from './free-list.ts'

const RANGES = ['10.0.0.2-10.0.0.4', '10.0.0.8'].map(parseRange)
const lowest = { below: () => 0 }

test('takeLowest() gives every address once, lowest first', () => {
  const list = new FreeList(RANGES, 4)
  deepEqual(
    [1, 2, 3, 4, 5].map(() => list.takeLowest()),
    ['10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.8', undefined],
  )
  list.free(parseIp('10.0.0.3'))
  list.free(parseIp('10.0.0.99'))
  equal(list.takeRandom(lowest), '10.0.0.3')
  equal(list.takeRandom(lowest), undefined)
})

test('takeRandom() goes on in order where chance finds nothing', () => {
  const list = new FreeList([parseRange('10.0.0.0-10.0.255.255')], 4)
  for (let i = 0; i < 65_535; i++) list.takeLowest()
  equal(list.takeRandom(lowest), '10.0.255.255')
})

test('a list of a /64 costs no more than a small one', () => {
  const list = new FreeList([parseRange('fd00::-fd00::ffff:ffff:ffff:ffff')], 6)
  equal(list.takeLowest(), 'fd00::')
  equal(list.takeLowest(), 'fd00::1')
  const random = list.takeRandom({ below: (below) => below - 1 })
  ok(random !== undefined && list.has(random))
  equal(list.has(parseIp('fd01::')), false)
  equal(list.has(parseIp('10.0.0.1')), false)
})

test('any order of calls agrees with a plain set of addresses', () => {
  const all = ['10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.8']
  const call = fc.record({
    what: fc.constantFrom('lowest', 'random', 'free', 'mark'),
    at: fc.nat(3),
  })
  fc.assert(
    fc.property(fc.array(call), (calls) => {
      const list = new FreeList(RANGES, 4)
      const taken = new Set<string>()
      for (const { what, at } of calls) {
        const ip = parseIp(all[at] ?? '')
        const free = all.filter((one) => !taken.has(one))
        if (what === 'free') {
          list.free(ip)
          taken.delete(ip)
        } else if (what === 'mark') {
          list.mark(ip)
          taken.add(ip)
        } else {
          const got = what === 'lowest' ? list.takeLowest() : list.takeRandom({ below: () => at })
          if (what === 'lowest') equal(got, free[0])
          else equal(got === undefined, free.length === 0)
          if (got !== undefined) {
            ok(free.includes(got))
            taken.add(got)
          }
        }
        deepEqual(list.taken().toSorted(), [...taken].toSorted())
      }
    }),
  )
})
