import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { failureIn } from '#values/failure.ts'
import { COORDINATOR_CONF, IPOIB_CONF, MACVLAN_CONF } from '#schema/cni-conf.ts'
import { SBR_CONF, TUNING_CONF } from '#schema/chained-conf.ts'
import { HOST_DEVICE_CONF, IFACER_CONF, IPVLAN_CONF, VLAN_CONF } from '#schema/plugin-conf.ts'
import { PLUGINS } from './index.ts'

test('PLUGINS has every plugin under its own type', () => {
  const types = [...PLUGINS].map(([type, plugin]) => [type, plugin.type, plugin.role])
  deepEqual(types, [
    ['coordinator', 'coordinator', 'chained'],
    ['host-device', 'host-device', 'main'],
    ['ifacer', 'ifacer', 'chained'],
    ['ipoib', 'ipoib', 'main'],
    ['ipvlan', 'ipvlan', 'main'],
    ['macvlan', 'macvlan', 'main'],
    ['sbr', 'sbr', 'chained'],
    ['tuning', 'tuning', 'chained'],
    ['vlan', 'vlan', 'main'],
  ])
  equal(PLUGINS.get('bridge'), undefined)
})

for (const [type, plugin] of PLUGINS) {
  test(`parse() of ${type} refuses what is no object`, () => {
    for (const raw of [null, [], 'x', 7]) {
      const message = 'failed to load netconf: configuration: it is not an object'
      throws(() => plugin.parse(raw), { message })
    }
  })
}

test('parse() of every plugin throws nothing but failures', () => {
  const schemas = [IPOIB_CONF, MACVLAN_CONF, COORDINATOR_CONF, HOST_DEVICE_CONF, IFACER_CONF]
  const others = [IPVLAN_CONF, SBR_CONF, TUNING_CONF, VLAN_CONF]
  const keys = [...schemas, ...others].flatMap((schema) => schema.keys)
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom('eth0', '0x8001', '10.0.0.0/8', '02:00:00:00:00:01', 1500, 'auto'),
  )
  const conf = fc.dictionary(fc.oneof(fc.constantFrom(...keys), fc.string()), value)
  fc.assert(
    fc.property(conf, fc.constantFrom(...PLUGINS.values()), (raw, plugin) => {
      try {
        plugin.parse(raw)
      } catch (thrown) {
        ok(failureIn(thrown) !== undefined, String(thrown))
      }
    }),
    { numRuns: 2000 },
  )
})
