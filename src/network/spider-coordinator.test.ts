/** SpiderCoordinator: defaults and the rules that only it has. @module */
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { admitSpiderCoordinator } from './spider-coordinator.ts'

function coordinatorOf(spec: unknown) {
  return {
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderCoordinator',
    metadata: { name: 'default' },
    spec,
  }
}

test('admitSpiderCoordinator() fills in defaults and makes CIDRs of addresses', () => {
  const { document, faults } = admitSpiderCoordinator(
    coordinatorOf({
      podCIDRType: 'none',
      hijackCIDR: ['169.254.25.10', 'fd00::1', '10.0.0.0/8'],
      policyRoutes: [{ dst: '10.1.1.1', gw: '10.0.0.1' }],
    }),
  )
  deepEqual(faults, [])
  deepEqual(document?.metadata.finalizers, ['spiderpool.spidernet.io'])
  deepEqual(document?.spec, {
    podCIDRType: 'none',
    hijackCIDR: ['169.254.25.10/32', 'fd00::1/128', '10.0.0.0/8'],
    policyRoutes: [{ dst: '10.1.1.1/32', gw: '10.0.0.1' }],
    mode: 'auto',
    tunePodRoutes: true,
    hostRuleTable: 500,
    podRPFilter: 0,
    txQueueLen: 0,
    vethLinkAddress: '',
    vethMTU: 1500,
  })
})

for (const [what, spec, reason, field] of [
  ['podCIDRType absent', {}, 'NotSupported', 'spec.podCIDRType'],
  ['podCIDRType unknown', { podCIDRType: 'x' }, 'NotSupported', 'spec.podCIDRType'],
  ['mode unknown', { podCIDRType: 'none', mode: 'x' }, 'NotSupported', 'spec.mode'],
  ['hijackCIDR', { podCIDRType: 'none', hijackCIDR: [''] }, 'Invalid', 'spec.extraCIDR[0]'],
  ['veth MTU', { podCIDRType: 'none', vethMTU: -1 }, 'Invalid', 'spec.vethMTU'],
] as const) {
  test(`admitSpiderCoordinator() refuses: ${what}`, () => {
    const { faults } = admitSpiderCoordinator(coordinatorOf(spec))
    deepEqual(
      faults.map((fault) => [fault.reason, fault.field]),
      [[reason, field]],
    )
  })
}
