/** Which network gets the default route. @module */
import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { parseIp } from '#values/ip.ts'
import { defaultRouteChanges, defaultRouteProblems } from './default-route.ts'

const V4 = parseIp('10.0.0.1')
const V6 = parseIp('fd00::1')
const asked = (...routes: (readonly (typeof V4)[] | undefined)[]) =>
  routes.map((defaultRoute, index) => ({ network: `n${index}`, defaultRoute }))

for (const { does, requests, changes } of [
  {
    does: 'leaves all alone when nobody asks',
    requests: asked(undefined, undefined),
    changes: undefined,
  },
  {
    does: 'moves one version and leaves the other',
    requests: asked(undefined, [V4]),
    changes: [
      { add: [], drop: [4] },
      { add: [V4], drop: [] },
    ],
  },
  {
    does: 'splits the versions over two networks',
    requests: asked([V6], [V4]),
    changes: [
      { add: [V6], drop: [4] },
      { add: [V4], drop: [6] },
    ],
  },
  {
    does: 'takes all default routes away on an empty list alone',
    requests: asked(undefined, []),
    changes: [
      { add: [], drop: [4, 6] },
      { add: [], drop: [4, 6] },
    ],
  },
]) {
  test(`defaultRouteChanges() ${does}`, () => {
    deepEqual(defaultRouteChanges(requests), changes)
  })
}

test('defaultRouteProblems() refuses two gateways of one version, wherever they stand', () => {
  deepEqual(defaultRouteProblems(asked([V4, V6])), [])
  equal(defaultRouteProblems(asked([V4], [V4]))[0]?.code, 'default-route-twice')
  equal(defaultRouteProblems(asked([V6, V6]))[0]?.code, 'default-route-twice')
})
