/** Every rule of a SpiderMultusConfig: kind and field, in order. @module */
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import type { Document } from '#needs/records.ts'
import { admitSpiderMultusConfig } from './spider-multus-config.ts'

const IPOIB = { cniType: 'ipoib', ipoib: { master: 'ib0' } }

function smcOf(spec: unknown): Document {
  return {
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderMultusConfig',
    metadata: { name: 'net', namespace: 'ns' },
    spec,
  }
}

const withCoordinator = (coordinator: object) => ({ ...IPOIB, coordinator })
const macvlan = (block: object) => ({ cniType: 'macvlan', macvlan: { master: ['e0'], ...block } })
const vlan = (block: object) => ({ cniType: 'vlan', vlan: { master: ['e0'], ...block } })
const ovs = (block: object) => ({ cniType: 'ovs', ovs: { bridge: 'b', ...block } })

const CUSTOM = 'spec.customCniTypeConfig'

const FAULTS: readonly [string, unknown, string, string][] = [
  // schema
  ['type unknown', { cniType: 'bridge' }, 'NotSupported', 'spec.cniType'],
  ['type no text', { cniType: 7 }, 'TypeInvalid', 'spec.cniType'],
  [
    'master no list',
    { cniType: 'macvlan', macvlan: { master: 'e0' } },
    'TypeInvalid',
    'spec.macvlan.master',
  ],
  ['master absent', { cniType: 'macvlan', macvlan: {} }, 'Required', 'spec.macvlan.master'],
  ['mtu negative', macvlan({ mtu: -1 }), 'Invalid', 'spec.macvlan.mtu'],
  ['mtu broken', macvlan({ mtu: 1.5 }), 'TypeInvalid', 'spec.macvlan.mtu'],
  ['VLAN too high', macvlan({ vlanID: 4095 }), 'Invalid', 'spec.macvlan.vlanID'],
  ['bond without mode', macvlan({ bond: { name: 'b' } }), 'Required', 'spec.macvlan.bond.mode'],
  ['bond mode 7', macvlan({ bond: { name: 'b', mode: 7 } }), 'Invalid', 'spec.macvlan.bond.mode'],
  ['vlanMode unknown', vlan({ vlanMode: 'x' }), 'NotSupported', 'spec.vlan.vlanMode'],
  [
    'linkState unknown',
    { cniType: 'ib-sriov', ibsriov: { linkState: 'up' } },
    'NotSupported',
    'spec.ibsriov.linkState',
  ],
  ['bridge absent', { cniType: 'ovs', ovs: {} }, 'Required', 'spec.ovs.bridge'],
  ['trunk too high', ovs({ trunk: [{ id: 4095 }] }), 'Invalid', 'spec.ovs.trunk[0].id'],
  [
    'pkey no number',
    { cniType: 'ib-sriov', ibsriov: { pkey: true } },
    'TypeInvalid',
    'spec.ibsriov.pkey',
  ],
  ['mode unknown', withCoordinator({ mode: 'x' }), 'NotSupported', 'spec.coordinator.mode'],
  ['spec no object', 'text', 'TypeInvalid', 'spec'],
  // blocks
  ['macvlan block missing', { cniType: 'macvlan' }, 'Required', 'spec.macvlanConfig'],
  ['ipvlan block missing', { cniType: 'ipvlan' }, 'Required', 'spec.ipvlanConfig'],
  ['vlan block missing', { cniType: 'vlan' }, 'Required', 'spec.vlan'],
  ['sriov block missing', { cniType: 'sriov' }, 'Required', 'spec.sriovConfig'],
  ['ib-sriov block missing', { cniType: 'ib-sriov' }, 'Required', 'spec.ibsriovConfig'],
  ['ipoib block missing', { cniType: 'ipoib' }, 'Required', 'spec.ipoibConfig'],
  ['ovs block missing', { cniType: 'ovs' }, 'Required', 'spec.ovsConfig'],
  ['VLAN of ovs', ovs({ vlan: 4095 }), 'Invalid', 'spec.ovsConfig'],
  [
    'subnet match on macvlan',
    macvlan({ ippools: { matchMasterSubnet: true } }),
    'Invalid',
    'spec.macvlanConfig',
  ],
  ['subnet match on vlan', vlan({ ippools: { matchMasterSubnet: true } }), 'Invalid', 'spec.vlan'],
  ['no master', macvlan({ master: [] }), 'Invalid', 'spec.macvlanConfig'],
  ['two masters, no bond', macvlan({ master: ['a', 'b'] }), 'Invalid', 'spec.macvlanConfig'],
  [
    'bond without name',
    macvlan({ master: ['a', 'b'], bond: { name: '', mode: 1 } }),
    'Invalid',
    'spec.macvlanConfig',
  ],
  ['VLAN in auto mode', vlan({ vlanMode: 'auto', vlanID: 5 }), 'Invalid', 'spec.vlan'],
  [
    'rates crossed',
    { cniType: 'sriov', sriov: { resourceName: 'r', minTxRateMbps: 9, maxTxRateMbps: 1 } },
    'Invalid',
    'spec.sriovConfig',
  ],
  ['sriov resource', { cniType: 'sriov', sriov: {} }, 'Required', 'spec.sriovConfig'],
  ['ib-sriov resource', { cniType: 'ib-sriov', ibsriov: {} }, 'Required', 'spec.ibsriovConfig'],
  ['ipoib master', { cniType: 'ipoib', ipoib: {} }, 'Required', 'spec.ipoibConfig'],
  [
    'ipoib master empty',
    { cniType: 'ipoib', ipoib: { master: '' } },
    'Required',
    'spec.ipoibConfig',
  ],
  ['trunk crossed', ovs({ trunk: [{ minID: 9, maxID: 1 }] }), 'Invalid', 'spec.ovsConfig'],
  ['another block', { ...macvlan({}), ...IPOIB }, 'Forbidden', 'spec.cniType'],
  ['custom with a block', { ...IPOIB, cniType: 'custom' }, 'Forbidden', 'spec.cniType'],
  ['type and custom text', { ...IPOIB, customCNI: '{}' }, 'Forbidden', 'spec.cniType'],
  ['custom no JSON', { customCNI: '{' }, 'Forbidden', 'spec.customCniTypeConfig'],
  ['custom a JSON text', { customCNI: '"text"' }, 'Forbidden', 'spec.customCniTypeConfig'],
  ['custom an empty list', { customCNI: '{"plugins":[]}' }, 'Forbidden', CUSTOM],
  ['custom an untyped plugin', { customCNI: '{"plugins":[{}]}' }, 'Forbidden', CUSTOM],
  ['custom no list', { customCNI: '{"type":"a","plugins":{}}' }, 'Forbidden', CUSTOM],
  ['custom no configuration', { customCNI: '{"a":1}' }, 'Forbidden', 'spec.customCniTypeConfig'],
  // coordinator
  ['podCIDRType', withCoordinator({ podCIDRType: 'x' }), 'NotSupported', 'spec.podCIDRType'],
  [
    'hijackCIDR',
    withCoordinator({ hijackCIDR: ['10.0.0.0/8', 'x'] }),
    'Invalid',
    'spec.extraCIDR[1]',
  ],
  [
    'route dst',
    withCoordinator({ policyRoutes: [{ dst: 'x', gw: '10.0.0.1' }] }),
    'Invalid',
    'spec.policyRoutes[0]',
  ],
  [
    'route gw',
    withCoordinator({ policyRoutes: [{ dst: '10.0.0.0/8', gw: 'x' }] }),
    'Invalid',
    'spec.policyRoutes[0]',
  ],
  [
    'route families',
    withCoordinator({ policyRoutes: [{ dst: '10.0.0.0/8', gw: 'fd00::1' }] }),
    'Invalid',
    'spec.policyRoutes[0]',
  ],
  [
    'MAC prefix long',
    withCoordinator({ podMACPrefix: '00:00:00' }),
    'Invalid',
    'spec.podMACPrefix',
  ],
  ['MAC prefix no hex', withCoordinator({ podMACPrefix: 'xx:00' }), 'Invalid', 'spec.podMACPrefix'],
  [
    'MAC prefix multicast',
    withCoordinator({ podMACPrefix: '01:10' }),
    'Invalid',
    'spec.podMACPrefix',
  ],
  ['queue negative', withCoordinator({ txQueueLen: -1 }), 'Invalid', 'spec.txQueueLen'],
  ['rp_filter 3', withCoordinator({ podRPFilter: 3 }), 'NotSupported', 'spec.podRPFilter'],
  ['veth address', withCoordinator({ vethLinkAddress: 'x' }), 'Invalid', 'spec.vethLinkAddress'],
  ['veth MTU', withCoordinator({ vethMTU: 0 }), 'Invalid', 'spec.vethMTU'],
  // chain
  ['chain no JSON', { ...IPOIB, chainCNIJsonData: ['{'] }, 'Forbidden', 'spec.chainCNIJsonData'],
  ['chain a list', { ...IPOIB, chainCNIJsonData: ['[]'] }, 'Forbidden', 'spec.chainCNIJsonData'],
  [
    'chain no type',
    { ...IPOIB, chainCNIJsonData: ['{"type":"a"}', '{}'] },
    'Forbidden',
    'spec.chainCNIJsonData',
  ],
  // order: the block before another block, before the coordinator, before the chain
  ['block first', { ...macvlan({}), cniType: 'ipoib', ipoib: {} }, 'Required', 'spec.ipoibConfig'],
  [
    'coordinator before chain',
    { ...withCoordinator({ txQueueLen: -1 }), chainCNIJsonData: ['{'] },
    'Invalid',
    'spec.txQueueLen',
  ],
]

for (const [what, spec, reason, field] of FAULTS) {
  test(`admitSpiderMultusConfig() refuses: ${what}`, () => {
    const { faults } = admitSpiderMultusConfig(smcOf(spec), { previous: undefined, nads: [] })
    deepEqual(
      faults.map((fault) => [fault.reason, fault.field]),
      [[reason, field]],
    )
  })
}

for (const [what, spec] of [
  ['minimum rate alone', { cniType: 'sriov', sriov: { resourceName: 'r', minTxRateMbps: 9 } }],
  ['empty customCNI beside a type', { ...IPOIB, customCNI: '' }],
  ['manual VLAN without number', vlan({})],
  ['good MAC prefix', withCoordinator({ podMACPrefix: '9e:10' })],
  ['rp_filter left alone', withCoordinator({ podRPFilter: -1 })],
  ['one configuration', { customCNI: '{"type":"ptp"}' }],
  ['null is absent', { ...IPOIB, macvlan: null, coordinator: null }],
] as const) {
  test(`admitSpiderMultusConfig() admits: ${what}`, () => {
    deepEqual(admitSpiderMultusConfig(smcOf(spec), { previous: undefined, nads: [] }).faults, [])
  })
}

test('admitSpiderMultusConfig() gives every fault of the schema, values named', () => {
  const { faults } = admitSpiderMultusConfig(
    smcOf({ cniType: 'x', macvlan: { master: [1], mtu: -5 } }),
    { previous: undefined, nads: [] },
  )
  deepEqual(
    faults.map(({ field, message }) => [field, message]),
    [
      [
        'spec.cniType',
        'Unsupported value: "x": supported values: "macvlan", "ipvlan", "vlan", "sriov", "ovs", ' +
          '"ib-sriov", "ipoib", "custom"',
      ],
      ['spec.macvlan.master[0]', 'Invalid value: 1: must be of type string, it is of type integer'],
      ['spec.macvlan.mtu', 'Invalid value: -5: must be at least 0'],
    ],
  )
})
