import { deepEqual, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { readMessages } from '#wire/netlink/message.ts'
import { nextHopsOf } from './next-hops.ts'
import { decodeRoute } from './route.ts'

type Capture = { command: string; routes: string[] }
const file = new URL('../../../test/captures/next-hops.json', import.meta.url)
const capture: Capture = JSON.parse(readFileSync(file, 'utf8'))

const routes = capture.routes.flatMap((hex) => {
  const [message] = readMessages(Uint8Array.fromHex(hex))
  const route = message && decodeRoute(message.payload)
  return route === undefined ? [] : [route]
})

test('nextHopsOf() reads the ways of an IPv6 route that has two', () => {
  const [, , whole] = routes
  ok(whole)
  deepEqual([whole.dst, whole.index, whole.via], ['::/0', undefined, undefined])
  deepEqual(nextHopsOf(whole.rest), [
    { index: 3, via: 'fd01::1' },
    { index: 2, via: 'fd02::1' },
  ])
})

test('nextHopsOf() of a route with one way is none', () => {
  const [connected] = routes
  ok(connected)
  deepEqual(nextHopsOf(connected.rest), [])
})

test('nextHopsOf() leaves out what is cut', () => {
  const [, , whole] = routes
  const several = whole?.rest.find(({ type }) => type === 9)
  ok(several)
  for (let length = 0; length < several.data.length; length++) {
    const hops = nextHopsOf([{ ...several, data: several.data.subarray(0, length) }])
    ok(hops.length < 2, `at ${length}`)
  }
})
