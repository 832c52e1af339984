import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { makeBench } from './cli-in-memory.ts'
import { assumedHost } from './plan-host.ts'
import { CONTAINERS, nad, networks, planned, pod, POOL } from './plan-in-memory.ts'
import { withFile } from './world-in-memory.ts'

const SPIDERPOOL = { type: 'spiderpool', default_ipv4_ippool: ['v4'] }
const LIST = { apiVersion: 'v1', kind: 'List' }

test('plan takes it that a gateway answers, on a host that is assumed', async () => {
  const detects = { enableGatewayDetection: true, enableIPConflictDetection: true }
  const ipam = { type: 'spiderpool', default_ipv4_ippool: ['v4'], ...detects }
  const { status, attachments } = await planned([
    { ...POOL, spec: { ...POOL.spec, gateway: '10.6.0.1' } },
    nad('n', { type: 'macvlan', master: 'eth1', ipam }),
    pod(networks('n')),
  ])
  equal(status, 0)
  ok(attachments[0]?.steps.some((step) => step.do === 'probe'))
})

test('plan gives the devices that the kubelet gave to the pod', async () => {
  const network = {
    ...nad('n', { type: 'host-device' }),
    metadata: {
      name: 'n',
      namespace: 'default',
      annotations: { 'k8s.v1.cni.cncf.io/resourceName': 'spidernet.io/vf' },
    },
  }
  const devices = [{ resourceName: 'spidernet.io/vf', deviceIds: ['0000:86:00.4'] }]
  const pods = [{ name: 'a', namespace: 'default', containers: [{ name: 'c', devices }] }]
  await withFile({ podResources: pods }, async (file) => {
    const documents = [network, pod(networks('n'))]
    const { attachments } = await planned(documents, ['--pod-resources', file])
    const [one] = attachments
    deepEqual(one?.devices, [{ resource: 'spidernet.io/vf', id: '0000:86:00.4' }])
    equal(one?.plugins[0]?.['pciBusID'], '0000:86:00.4')
    equal(one?.steps[0]?.do, 'move-link')
  })
})

for (const { does, plugins, links, told } of [
  {
    does: 'an InfiniBand port with the P_Key and the MTU asked for',
    plugins: [{ type: 'ipoib', master: 'ib0', pkey: 4096, mtu: 4000 }],
    links: [
      { name: 'ib0', kind: 'ipoib', mtu: 4000, driver: 'mlx5_core' },
      { name: 'eth0', mtu: 1500 },
    ],
    told: /ib0 \(InfiniBand, mlx5_core, 0x9000\), eth0/,
  },
  {
    does: 'another driver for the connected mode',
    plugins: [{ type: 'ipoib', master: 'ib0', mode: 'connected' }],
    links: [
      { name: 'ib0', kind: 'ipoib', mtu: 2044, driver: 'mlx4_core' },
      { name: 'eth0', mtu: 1500 },
    ],
    told: /mlx4_core/,
  },
  {
    does: 'the interfaces below a bond and a VLAN, which ifacer makes',
    plugins: [
      { type: 'ifacer', interfaces: ['eth1', 'eth2'], vlanID: 7, bond: { name: 'bond0' } },
      { type: 'macvlan', master: 'bond0.7' },
    ],
    links: [
      { name: 'eth1', mtu: 1500 },
      { name: 'eth2', mtu: 1500 },
      { name: 'eth0', mtu: 1500 },
    ],
    told: /eth1 \(Ethernet\), eth2 \(Ethernet\)/,
  },
  {
    does: 'a card with the address that host-device looks for',
    plugins: [{ type: 'host-device', hwaddr: '02:00:00:00:00:AA' }],
    links: [
      { name: 'eth0', mtu: 1500 },
      { name: 'card0', address: '02:00:00:00:00:aa' },
    ],
    told: /a card with address 02:00:00:00:00:aa/,
  },
  {
    does: 'another way out where eth0 is InfiniBand',
    plugins: [{ type: 'ipoib', master: 'eth0' }],
    links: [
      { name: 'eth0', kind: 'ipoib', mtu: 2044, driver: 'mlx5_core' },
      { name: 'uplink0', mtu: 1500 },
    ],
    told: /192\.0\.2\.10 on uplink0/,
  },
]) {
  test(`assumedHost() has ${does}`, () => {
    const { world, warnings } = assumedHost([{ plugins }], undefined)
    const bare = world.netns['host']?.links?.map(({ addresses: _, routes: __, ...rest }) => rest)
    deepEqual(bare, links)
    match(warnings[0] ?? '', told)
  })
}

test('assumedHost() has the addresses that the Node says', () => {
  const addresses = [
    { type: 'InternalIP', address: '10.0.0.7' },
    { type: 'Hostname', address: 'n' },
    { type: 'InternalIP', address: 'fd00::7' },
  ]
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' }, status: { addresses } }
  const [link] = assumedHost([], node).world.netns['host']?.links ?? []
  deepEqual(link?.addresses, ['10.0.0.7/24', 'fd00::7/64'])
  deepEqual(
    link?.routes?.map(({ dst }) => dst),
    ['0.0.0.0/0', '::/0'],
  )
})

test('plan attaches nothing where the node lends its network', async () => {
  const network = nad('n', { type: 'macvlan', master: 'eth1' })
  const placed = { ...pod(networks('n')), spec: { ...CONTAINERS, nodeName: 'node-7' } }
  const elsewhere = await planned([network, placed])
  equal(elsewhere.attachments.length, 1)
  ok(elsewhere.warnings.includes('pod default/a is on node node-7, not on node-1'))
  const ofHost = { ...pod(networks('n')), spec: { ...CONTAINERS, hostNetwork: true } }
  const { status, attachments, warnings } = await planned([network, ofHost])
  deepEqual([status, attachments], [0, []])
  match(warnings.join(), /nothing is attached/)
})

test('plan of a store takes its documents first, and only reads it', async () => {
  await using bench = await makeBench()
  const network = nad('n', { type: 'macvlan', master: 'eth1', ipam: SPIDERPOOL })
  const file = await bench.file('in.yaml', JSON.stringify({ ...LIST, items: [POOL, network] }))
  equal((await bench.verbena(['apply', '-f', file])).status, 0)
  const before = (await bench.verbena(['get', 'all', '-o', 'json'])).stdout
  const { status, attachments } = await planned([pod(networks('n'))], ['--store', bench.store])
  deepEqual([status, attachments[0]?.addresses[0]?.address], [0, '10.6.0.10/16'])
  equal((await bench.verbena(['get', 'all', '-o', 'json'])).stdout, before)
})
