/** What people write and mean plainly. @module */
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { readCoordinatorNumbers, readWrittenNumbers } from './written-number.ts'

for (const { does, spec, gives, warnings } of [
  {
    does: 'takes numbers for texts and texts for numbers',
    spec: {
      macvlan: { master: ['e0'], vlanID: '10', bond: { name: 7, mode: '4', options: 100 } },
      ipoib: { master: 'ib0', ippools: { ipv4: [91, 'b'], ipv6: ['c'] } },
      coordinator: { vethMTU: '1400', podRPFilter: '-1' },
    },
    gives: {
      macvlan: { master: ['e0'], vlanID: 10, bond: { name: '7', mode: 4, options: '100' } },
      ipoib: { master: 'ib0', ippools: { ipv4: ['91', 'b'], ipv6: ['c'] } },
      coordinator: { vethMTU: 1400, podRPFilter: -1 },
    },
    warnings: [
      'spec.macvlan.vlanID: text "10" is taken for the number 10',
      'spec.macvlan.bond.name: number 7 is taken for the text "7"',
      'spec.macvlan.bond.mode: text "4" is taken for the number 4',
      'spec.macvlan.bond.options: number 100 is taken for the text "100"',
      'spec.ipoib.ippools.ipv4[0]: number 91 is taken for the text "91"',
      'spec.coordinator.vethMTU: text "1400" is taken for the number 1400',
      'spec.coordinator.podRPFilter: text "-1" is taken for the number -1',
    ],
  },
  {
    does: 'takes fields of older guides where they belong',
    spec: { sriov: { enableRdma: true, matchMasterSubnet: true, ippools: { ipv4: ['a'] } } },
    gives: {
      sriov: { rdmaIsolation: true, ippools: { ipv4: ['a'], matchMasterSubnet: true } },
    },
    warnings: [
      'spec.sriov.enableRdma: it is taken for spec.sriov.rdmaIsolation',
      'spec.sriov.matchMasterSubnet: it is taken for spec.sriov.ippools.matchMasterSubnet',
    ],
  },
  {
    does: 'heeds the name of today',
    spec: {
      sriov: { enableRdma: true, rdmaIsolation: false },
      ibsriov: { matchMasterSubnet: true, ippools: { matchMasterSubnet: false } },
    },
    gives: {
      sriov: { enableRdma: true, rdmaIsolation: false },
      ibsriov: { matchMasterSubnet: true, ippools: { matchMasterSubnet: false } },
    },
    warnings: [],
  },
  {
    does: 'leaves to the schema what is not plain',
    spec: { macvlan: { mtu: '1e3', vlanID: '010', master: 5 }, ibsriov: { pkey: -1 }, ovs: 5 },
    gives: { macvlan: { mtu: '1e3', vlanID: '010', master: 5 }, ibsriov: { pkey: -1 }, ovs: 5 },
    warnings: [],
  },
]) {
  test(`readWrittenNumbers() ${does}`, () => {
    deepEqual(readWrittenNumbers(spec), { spec: gives, warnings })
  })
}

test('readCoordinatorNumbers() does so for the spec of a SpiderCoordinator', () => {
  deepEqual(readCoordinatorNumbers({ txQueueLen: '5', mode: 'auto' }), {
    spec: { txQueueLen: 5, mode: 'auto' },
    warnings: ['spec.txQueueLen: text "5" is taken for the number 5'],
  })
})
