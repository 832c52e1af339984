import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { parseDocuments } from '#schema/documents.ts'
import { nodeAddresses, planNodes } from './plan.ts'

const NETWORK = `
apiVersion: spiderpool.spidernet.io/v2beta1
kind: SpiderIPPool
metadata: { name: v4-91 }
spec: { gateway: 172.91.0.1, ips: [172.91.0.100-172.91.0.120], subnet: 172.91.0.0/16 }
---
apiVersion: spiderpool.spidernet.io/v2beta1
kind: SpiderMultusConfig
metadata: { name: ipoib, namespace: kube-system }
spec: { cniType: ipoib, ipoib: { master: ibs5f0, ippools: { ipv4: [v4-91] } } }
`
const SECOND = `
---
apiVersion: spiderpool.spidernet.io/v2beta1
kind: SpiderMultusConfig
metadata: { name: storage }
spec: { cniType: macvlan, macvlan: { master: [eth1] } }
`

function plan(text: string, of: { count?: number; parent?: string } = {}) {
  const documents = parseDocuments(text, 'test.yaml').documents.map(({ document }) => document)
  return planNodes(documents, { count: of.count ?? 2, parent: of.parent })
}

test('planNodes() gives each node the master of the files, with an address of its pool', () => {
  const parent = { name: 'ibs5f0', kind: 'ipoib' }
  deepEqual(plan(NETWORK), [
    { name: 'node-a', parents: [{ ...parent, addresses: ['172.91.0.10/16'] }] },
    { name: 'node-b', parents: [{ ...parent, addresses: ['172.91.0.11/16'] }] },
  ])
})

test('planNodes() gives each node one parent for each master', () => {
  const [node] = plan(NETWORK + SECOND, { count: 1 })
  deepEqual(
    node?.parents.map(({ name, kind }) => [name, kind]),
    [
      ['ibs5f0', 'ipoib'],
      ['eth1', 'ethernet'],
    ],
  )
})

test('planNodes() takes the name that was asked for in the place of the master', () => {
  const [node] = plan(NETWORK, { count: 1, parent: 'ib7' })
  deepEqual(node?.parents, [{ name: 'ib7', kind: 'ipoib', addresses: ['172.91.0.10/16'] }])
})

test('planNodes() plans the parent of the guide for files without a network', () => {
  const [node] = plan('', { count: 1 })
  deepEqual(node?.parents, [{ name: 'ibs5f0', kind: 'ipoib', addresses: [] }])
})

for (const { does, pool, addresses } of [
  {
    does: 'begins at the tenth address',
    pool: { subnet: '10.1.2.0/24', ips: ['10.1.2.100-10.1.2.120'] },
    addresses: ['10.1.2.10/24', '10.1.2.11/24'],
  },
  {
    does: 'goes around what the pool gives to pods, and its gateway',
    pool: { subnet: '10.1.2.0/24', ips: ['10.1.2.10-10.1.2.20'], gateway: '10.1.2.21' },
    addresses: ['10.1.2.22/24', '10.1.2.23/24'],
  },
  {
    does: 'gives fewer when the network has no more',
    pool: { subnet: '10.1.2.0/30', ips: ['10.1.2.1'] },
    addresses: ['10.1.2.2/30'],
  },
  {
    does: 'gives IPv6 addresses',
    pool: { subnet: 'fd00:91::/64', ips: ['fd00:91::100-fd00:91::1ff'] },
    addresses: ['fd00:91::a/64', 'fd00:91::b/64'],
  },
  { does: 'leaves a subnet that is none to admission', pool: { subnet: 'x' }, addresses: [] },
]) {
  test(`nodeAddresses() ${does}`, () => {
    deepEqual(nodeAddresses(pool, 2), addresses)
  })
}
