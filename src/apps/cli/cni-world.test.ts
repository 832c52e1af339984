import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { valueAt } from './fields.ts'
import { cniIn, GUIDE_POOL as POOL, GUIDE_WORLD as WORLD } from './world-in-memory.ts'

const SPIDERPOOL = { type: 'spiderpool', default_ipv4_ippool: ['v4'] }
const HOST_LOCAL = { type: 'host-local', subnet: '10.1.0.0/24' }
const STATIC = { type: 'static', addresses: [{ address: '10.2.0.7/24' }] }
const LAST = '/var/lib/cni/networks/n/last_reserved_ip.0'
const conf = (rest: object): object => ({ cniVersion: '1.0.0', name: 'n', ...rest })

/** Links of the pod, without the loopback. */
function podLinks(world: unknown): unknown[] {
  const links = valueAt(world, 'netns', 'pod', 'links')
  return Array.isArray(links) ? links : []
}

for (const { does, plugin, link, address, left = {} } of [
  {
    does: 'an IPoIB child with a pool',
    plugin: { type: 'ipoib', master: 'ib0', ipam: SPIDERPOOL },
    link: { kind: 'ipoib', parent: 'ib0', pkey: '0xffff', mode: 'datagram', mtu: 2044, up: true },
    address: '172.91.0.100/16',
  },
  {
    does: 'an IPoIB child in a partition, with mode and MTU',
    plugin: { type: 'ipoib', master: 'ib0', pkey: '0x1000', mode: 'connected', mtu: 4000 },
    link: { kind: 'ipoib', pkey: '0x9000', mode: 'connected', mtu: 4000 },
    address: undefined,
  },
  {
    does: 'an IPoIB child with a GUID',
    plugin: { type: 'ipoib', master: 'ib0', infinibandGUID: '02:00:00:00:00:00:00:01' },
    link: { kind: 'ipoib' },
    address: undefined,
  },
  {
    does: 'a macvlan with host-local',
    plugin: { type: 'macvlan', master: 'eth0', mode: 'private', ipam: HOST_LOCAL },
    link: { kind: 'macvlan', parent: 'eth0', mode: 'private', mtu: 1500 },
    address: '10.1.0.2/24',
    left: { files: { [LAST]: '10.1.0.2' } },
  },
  {
    does: 'a macvlan with static',
    plugin: { type: 'macvlan', master: 'eth0', ipam: STATIC },
    link: { kind: 'macvlan', mode: 'bridge' },
    address: '10.2.0.7/24',
  },
]) {
  test(`cni --world: ${does} comes, is found, comes again as it is, and goes`, async () => {
    const added = await cniIn({ world: WORLD, conf: conf(plugin) })
    equal(added.exit, 0, JSON.stringify(added.error))
    equal(valueAt(added.result, 'cniVersion'), '1.0.0')
    const [made] = podLinks(added.world)
    for (const [key, value] of Object.entries(link)) equal(valueAt(made, key), value, key)
    deepEqual(valueAt(made, 'addresses'), address === undefined ? undefined : [address])
    const checked = await cniIn({
      verb: 'CHECK',
      world: added.world,
      conf: { ...conf(plugin), prevResult: added.result },
    })
    deepEqual([checked.exit, checked.error], [0, undefined])
    deepEqual(checked.world, added.world)
    const again = await cniIn({ world: added.world, conf: conf(plugin) })
    deepEqual(again, added)
    const gone = await cniIn({ verb: 'DEL', world: added.world, conf: conf(plugin) })
    deepEqual({ exit: gone.exit, result: gone.result }, { exit: 0, result: null })
    deepEqual(gone.world, { ...WORLD, ...left })
    if (left.files === undefined) equal(JSON.stringify(gone.world), JSON.stringify(WORLD))
    const twice = await cniIn({ verb: 'DEL', world: gone.world, conf: conf(plugin) })
    deepEqual([twice.exit, twice.world], [0, gone.world])
  })
}

for (const pod of [{}, { links: [] }, { sysctl: {} }, { links: [], sysctl: {} }]) {
  test(`cni --world gives back a pod that was written ${JSON.stringify(pod)}`, async () => {
    const plugin = conf({ type: 'macvlan', master: 'eth0', ipam: STATIC })
    const world = { ...WORLD, netns: { host: WORLD.netns.host, pod } }
    const added = await cniIn({ world, conf: plugin })
    equal(added.exit, 0)
    const other = { CNI_IFNAME: 'net2' }
    const two = await cniIn({ world: added.world, conf: plugin, env: other })
    const one = await cniIn({ verb: 'DEL', world: two.world, conf: plugin, env: other })
    deepEqual(one.world, added.world)
    const gone = await cniIn({ verb: 'DEL', world: one.world, conf: plugin })
    equal(JSON.stringify(gone.world), JSON.stringify(world))
  })
}

test('cni --world shows an allocation as a document, a host-local one as a file', async () => {
  const plugin = { type: 'ipoib', master: 'ib0', ipam: SPIDERPOOL }
  const { world } = await cniIn({ world: WORLD, conf: conf(plugin) })
  const objects = valueAt(world, 'objects')
  ok(Array.isArray(objects))
  deepEqual(objects[0], POOL)
  equal(valueAt(objects[1], 'kind'), 'Allocation')
  equal(valueAt(objects[1], 'metadata', 'name'), '172.91.0.100')
  equal(valueAt(objects[1], 'spec', 'containerId'), 'c1')
  const local = { type: 'macvlan', master: 'eth0', ipam: HOST_LOCAL }
  const { world: other } = await cniIn({ world: WORLD, conf: conf(local) })
  equal(valueAt(other, 'files', '/var/lib/cni/networks/n/10.1.0.2'), 'c1\r\nnet1')
})

test('cni --world: two containers hold two addresses, a third finds the pool full', async () => {
  const plugin = conf({ type: 'macvlan', master: 'eth0', ipam: SPIDERPOOL })
  const netns = { host: WORLD.netns.host, pod: {}, b: {}, c: {} }
  const one = await cniIn({ world: { ...WORLD, netns }, conf: plugin })
  const env = (name: string) => ({ CNI_CONTAINERID: name, CNI_NETNS: `/run/netns/${name}` })
  const two = await cniIn({ world: one.world, conf: plugin, env: env('b') })
  deepEqual(valueAt(two.result, 'ips', '0'), undefined)
  match(JSON.stringify(two.result), /172\.91\.0\.101\/16/)
  const three = await cniIn({ world: two.world, conf: plugin, env: env('c') })
  equal(three.exit, 1)
  match(three.error?.msg ?? '', /pool v4/)
  deepEqual(three.world, two.world)
})

test('cni --world: DEL without a journal goes by the configuration and the result', async () => {
  const plugin = conf({ type: 'macvlan', master: 'eth0', ipam: SPIDERPOOL })
  const added = await cniIn({ world: WORLD, conf: plugin })
  const { journal: _, ...world } = Object(added.world)
  for (const link of world.netns.pod.links) {
    delete link.alias
    delete link.group
  }
  const prevResult = added.result
  const gone = await cniIn({ verb: 'DEL', world, conf: { ...plugin, prevResult } })
  equal(gone.exit, 0)
  equal(JSON.stringify(gone.world), JSON.stringify(WORLD))
})

test('cni --world undoes what a killed run left in the journal', async () => {
  const plugin = conf({ type: 'macvlan', master: 'eth0', ipam: SPIDERPOOL })
  const added = await cniIn({ world: WORLD, conf: plugin })
  const [row, ...rows] = Object(added.world).journal
  const journal = [{ ...row, state: 'open', result: undefined }, ...rows]
  const version = await cniIn({
    verb: 'VERSION',
    world: { ...Object(added.world), journal },
    conf: '',
  })
  equal(version.exit, 0)
  equal(JSON.stringify(version.world), JSON.stringify(WORLD))
})

test('cni --world runs a list of plugins as one attachment', async () => {
  const plugins = [
    { type: 'macvlan', master: 'eth0', ipam: STATIC, capabilities: { mac: true } },
    { type: 'coordinator', mode: 'disabled' },
  ]
  const list = conf({ plugins, runtimeConfig: { mac: '02:00:00:00:00:07' } })
  const added = await cniIn({ world: WORLD, conf: list })
  equal(added.exit, 0, JSON.stringify(added.error))
  equal(valueAt(podLinks(added.world)[0], 'address'), '02:00:00:00:00:07')
  equal(Object(added.world).journal.length, 1)
  const gone = await cniIn({ verb: 'DEL', world: added.world, conf: list })
  equal(JSON.stringify(gone.world), JSON.stringify(WORLD))
})

test('cni --world attaches a pod with all its networks, and tells its status', async () => {
  const config = {
    cniVersion: '0.3.1',
    name: 'ib',
    plugins: [{ type: 'ipoib', master: 'ib0', ipam: SPIDERPOOL }],
  }
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'a',
      namespace: 'default',
      annotations: { 'v1.multus-cni.io/default-network': 'default/ib' },
    },
    spec: { containers: [{ name: 'c' }] },
  }
  const nad = {
    apiVersion: 'k8s.cni.cncf.io/v1',
    kind: 'NetworkAttachmentDefinition',
    metadata: { name: 'ib', namespace: 'default' },
    spec: { config: JSON.stringify(config) },
  }
  const world = { ...WORLD, objects: [POOL, nad, pod] }
  const env = {
    CNI_IFNAME: 'eth0',
    CNI_ARGS: 'K8S_POD_NAMESPACE=default;K8S_POD_NAME=a;K8S_POD_UID=uid-of-a',
  }
  const added = await cniIn({ world, conf: conf({ type: 'verbena' }), env })
  equal(added.exit, 0, JSON.stringify(added.error))
  equal(valueAt(podLinks(added.world)[0], 'name'), 'eth0')
  const status = Object(added.world).objects[2].metadata.annotations[
    'k8s.v1.cni.cncf.io/network-status'
  ]
  match(status, /172\.91\.0\.100/)
  const gone = await cniIn({
    verb: 'DEL',
    world: added.world,
    conf: conf({ type: 'verbena' }),
    env,
  })
  equal(gone.exit, 0)
  equal(JSON.stringify(gone.world), JSON.stringify(world))
})

test('cni --world: VERSION, STATUS and GC', async () => {
  const version = await cniIn({ verb: 'VERSION', world: WORLD, conf: '' })
  ok(JSON.stringify(version.result).includes('"1.1.0"'))
  const later = { ...conf({ type: 'macvlan', master: 'eth0', ipam: STATIC }), cniVersion: '1.1.0' }
  const status = await cniIn({ verb: 'STATUS', world: WORLD, conf: later })
  deepEqual([status.exit, status.result], [0, null])
  const added = await cniIn({ world: WORLD, conf: later })
  const alive = [{ containerID: 'c1', ifname: 'net1' }]
  const kept = await cniIn({
    verb: 'GC',
    world: added.world,
    conf: { ...later, 'cni.dev/valid-attachments': alive },
  })
  deepEqual([kept.exit, kept.world], [0, added.world])
  const swept = await cniIn({
    verb: 'GC',
    world: added.world,
    conf: { ...later, 'cni.dev/valid-attachments': [] },
  })
  equal(JSON.stringify(swept.world), JSON.stringify(WORLD))
})
