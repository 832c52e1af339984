/**
 * Which network of a pod has its default route, and what is told of devices:
 * whole states are compared, in memory.
 * @module
 */
import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { observedRoute } from '#sim/routes.ts'
import { COORDINATOR, nad, networks } from './documents.ts'
import { addPod, type Ground, makeGround, stateOf } from './ground.ts'
import { bootAgent } from './memory-agent.ts'
import { refusalOf } from './refusal.ts'
import { WORLD } from './world.ts'

/** A macvlan with fixed addresses and a default route of both versions. */
const lan = (name: string, n: number, more: readonly object[] = []) =>
  nad(name, [
    {
      type: 'macvlan',
      master: 'eth1',
      ipam: {
        type: 'static',
        addresses: [
          { address: `10.${n}.0.5/16`, gateway: `10.${n}.0.1` },
          { address: `fd0${n}::5/64`, gateway: `fd0${n}::1` },
        ],
        routes: [{ dst: '0.0.0.0/0' }, { dst: '::/0' }],
      },
    },
    ...more,
  ])
const DOCUMENTS = [
  lan('first', 5),
  lan('second', 6),
  lan('tuned-first', 5, [COORDINATOR]),
  lan('tuned', 7, [COORDINATOR]),
]

const opened = (): Promise<Ground> => makeGround(WORLD, DOCUMENTS)

/** Default routes of the main table of `p1`. */
function defaultsOf({ host }: Ground): string[] {
  const routes = (host.netns.get('p1')?.routes ?? []).map(observedRoute)
  return routes
    .filter(({ dst, table }) => dst.endsWith('/0') && table === 254)
    .map(({ via, dev }) => `${via} ${dev}`)
    .toSorted()
}

/** ADD of the default network `first` and of `second`, which asks for `routes`. */
async function addWith(
  ground: Ground,
  routes: readonly string[],
  { main = 'first', other = 'second' } = {},
) {
  const element = { name: other, namespace: 'kube-system', 'default-route': routes }
  const annotations = {
    ...networks(main),
    'k8s.v1.cni.cncf.io/networks': JSON.stringify([element]),
  }
  const pod = await addPod(ground, 'pod-1', annotations)
  const asked = { netns: 'p1', container: 'c1', pod }
  const agent = bootAgent(ground, { publishes: true })
  const stdout = await agent.call('ADD', asked)
  await agent.published()
  return { asked, agent, stdout }
}

async function statusOf({ records }: Ground): Promise<{ name: string; gateway?: string[] }[]> {
  const ref = { apiVersion: 'v1', kind: 'Pod', namespace: 'default', name: 'pod-1' }
  const text = (await records.get(ref))?.metadata.annotations?.['k8s.v1.cni.cncf.io/network-status']
  return JSON.parse(text ?? '[]')
}

const V4 = { first: '10.5.0.1 eth0', second: '10.6.0.1 net1', other: '10.6.0.9 net1' }
const V6 = { first: 'fd05::1 eth0', second: 'fd06::1 net1' }

for (const { does, routes, defaults, gateways } of [
  {
    does: 'moves one version and leaves the other to both',
    routes: ['10.6.0.9'],
    defaults: [V4.other, V6.first, V6.second],
    gateways: [['fd05::1'], ['fd06::1', '10.6.0.9']],
  },
  {
    does: 'moves both versions',
    routes: ['10.6.0.1', 'fd06::1'],
    defaults: [V4.second, V6.second],
    gateways: [undefined, ['10.6.0.1', 'fd06::1']],
  },
  {
    does: 'takes all away for an empty list',
    routes: [],
    defaults: [],
    gateways: [undefined, undefined],
  },
]) {
  test(`default-route ${does}, and DEL leaves nothing`, async () => {
    await using ground = await opened()
    const { host } = ground
    const before = await stateOf(ground)
    const { asked, agent, stdout } = await addWith(ground, routes)
    deepEqual(defaultsOf(ground), defaults)
    deepEqual(
      (await statusOf(ground)).map(({ gateway }) => gateway),
      gateways,
    )
    const result: { routes?: { dst: string; gw?: string }[] } = JSON.parse(stdout)
    const answered = (result.routes ?? []).filter(({ dst }) => dst.endsWith('/0'))
    equal(answered.length, gateways[0]?.length ?? 0)
    const then = await stateOf(ground)
    equal(await agent.call('ADD', asked), stdout)
    equal(await stateOf(ground), then, 'a repeated ADD touches nothing')
    await agent.call('CHECK', asked)
    await agent.call('DEL', asked)
    equal(await stateOf(ground), before)
    equal(host.netns.get('p1')?.links.length, 1)
  })
}

test('default-route of a network that a coordinator has tuned is in the main table', async () => {
  await using ground = await opened()
  const { asked, agent } = await addWith(ground, ['10.7.0.1'], {
    main: 'tuned-first',
    other: 'tuned',
  })
  deepEqual(
    defaultsOf(ground).filter((one) => one.startsWith('10.')),
    ['10.7.0.1 net1'],
  )
  await agent.call('DEL', asked)
})

test('default-route by a gateway that the network does not lead to undoes the ADD', async () => {
  await using ground = await opened()
  const before = await stateOf(ground)
  const refused = await refusalOf(addWith(ground, ['192.0.2.1']))
  equal(refused?.code, 'default-route-astray')
  match(refused?.text ?? '', /second: gateway 192\.0\.2\.1 is not beside net1/)
  equal(await stateOf(ground), before)
})

test('network-status tells what is told of a device, and DEL forgets it', async () => {
  const info = '{"type":"pci","version":"1.1.0","pci":{"pci-address":"0000:01:00.1"}}'
  const resource = { 'k8s.v1.cni.cncf.io/resourceName': 'spidernet.io/rail' }
  const counted = lan('second', 6)
  const rail = { ...counted, metadata: { ...counted.metadata, annotations: resource } }
  await using ground = await makeGround(WORLD, [lan('first', 5), rail])
  const pod = await addPod(ground, 'pod-1', networks('first', 'second'))
  const entry = (ids: readonly string[]) => ({
    ...{ PodUID: pod.uid, ContainerName: 'main', ResourceName: 'spidernet.io/rail' },
    DeviceIDs: { 0: ids },
  })
  ground.files.set(
    '/var/lib/kubelet/device-plugins/kubelet_internal_checkpoint',
    JSON.stringify({ Data: { PodDeviceEntries: [entry(['0000:01:00.1'])] } }),
  )
  const folder = '/var/run/k8s.cni.cncf.io/devinfo'
  ground.files.set(`${folder}/dp/spidernet.io-rail-0000:01:00.1-device.json`, info)
  const before = [...ground.files.keys()]
  const agent = bootAgent(ground, { publishes: true })
  const asked = { netns: 'p1', container: 'c1', pod }
  await agent.call('ADD', asked)
  await agent.published()
  deepEqual(
    (await statusOf(ground)).map(
      (one) => Object.entries(one).find(([k]) => k === 'device-info')?.[1],
    ),
    [undefined, JSON.parse(info)],
  )
  equal(ground.files.get(`${folder}/cni/kube-system-second-c1_net1`), info)
  await agent.call('DEL', asked)
  deepEqual([...ground.files.keys()], before)
})

test('a container that is no pod has the networks that the configuration holds', async () => {
  await using ground = await opened()
  const before = await stateOf(ground)
  const ipam = { type: 'static', addresses: [{ address: '10.9.0.5/24' }] }
  const conf = { delegates: [{ name: 'lan', type: 'macvlan', master: 'eth1', ipam }] }
  const asked = { netns: 'p1', container: 'c1', type: 'multus', conf }
  const agent = bootAgent(ground, { publishes: true })
  match(await agent.call('ADD', asked), /10\.9\.0\.5\/24/)
  await agent.call('DEL', asked)
  equal(await stateOf(ground), before)
  equal((await refusalOf(agent.call('ADD', { ...asked, type: 'verbena', conf: {} })))?.cni, 7)
})
