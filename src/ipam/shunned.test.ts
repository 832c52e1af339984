import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { parseIp } from '#values/ip.ts'
import { Shunned } from './shunned.ts'

test('has() of an address is what it was told, as long as that holds', () => {
  const shunned = new Shunned()
  const [one, two] = [parseIp('10.0.0.1'), parseIp('10.0.0.2')]
  let now = 0
  shunned.add(one, () => now < 10)
  deepEqual([shunned.has(one), shunned.has(two), shunned.among([one, two])], [true, false, 1])
  now = 10
  equal(shunned.has(one), false)
  shunned.add(one, () => now < 20)
  equal(shunned.has(one), true, 'told again')
})
