import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import type { Document, Records } from '#needs/records.ts'
import { readSpiderEndpoint } from '#schema/spider-endpoint.ts'
import { failureIn } from '#values/failure.ts'
import { V4, V6 } from '#test/ipam/pool-specs.ts'
import {
  type Asked,
  asking,
  ipsOf,
  putDocument,
  putPool,
  world,
} from '#test/ipam/spiderpool-world.ts'
import { POOL_LABEL } from './auto-label.ts'

const endpointOf = (records: Records, name = 'a') =>
  records.get({
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderEndpoint',
    namespace: 'default',
    name,
  })

const BOTH = { default_ipv4_ippool: ['v4'], default_ipv6_ippool: ['v6'] }
const ROUTED = { ...V4, routes: [{ dst: '10.9.0.0/16', gw: '10.1.0.7' }] }

test('an endpoint has one element an interface, both families in it', async () => {
  await using at = await world({ v4: ROUTED, v6: V6 })
  await at.ipam.reserve(asking(at.ipam, { ipam: BOTH }))
  await at.ipam.reserve(asking(at.ipam, { ifName: 'net1' }))
  equal(await endpointOf(at.records), undefined)
  await at.settle()
  const endpoint = await endpointOf(at.records)
  const read = readSpiderEndpoint(endpoint)
  if (!read.ok) throw new TypeError(JSON.stringify(read.faults))
  deepEqual(read.value.metadata.finalizers, ['spiderpool.spidernet.io'])
  deepEqual(read.value.metadata.ownerReferences, [
    { apiVersion: 'v1', kind: 'Pod', name: 'a', uid: 'uid-a', controller: true },
  ])
  const routes = [{ dst: '10.9.0.0/16', gw: '10.1.0.7' }]
  deepEqual(read.value.status, {
    current: {
      uid: 'uid-a',
      node: 'node-1',
      ips: [
        {
          interface: 'eth0',
          ipv4: '10.1.0.10/24',
          ipv4Pool: 'v4',
          ipv4Gateway: '10.1.0.1',
          ipv6: 'fd00::10/64',
          ipv6Pool: 'v6',
          ipv6Gateway: 'fd00::1',
          vlan: 0,
          cleanGateway: false,
          routes,
        },
        {
          interface: 'net1',
          ipv4: '10.1.0.11/24',
          ipv4Pool: 'v4',
          ipv4Gateway: '10.1.0.1',
          vlan: 0,
          cleanGateway: false,
          routes,
        },
      ],
    },
    ownerControllerType: 'Pod',
    ownerControllerName: 'a',
  })
})

test('an endpoint goes with the last interface', async () => {
  await using at = await world({ v4: V4 })
  const asked = ['eth0', 'net1'].map((ifName) => asking(at.ipam, { ifName }))
  for (const one of asked) await at.ipam.reserve(one)
  await at.settle()
  const [first, second] = asked
  if (first === undefined || second === undefined) throw new TypeError('asked')
  await at.ipam.release({ ...first, held: undefined })
  const left = readSpiderEndpoint(await endpointOf(at.records))
  deepEqual(left.ok && left.value.status.current.ips.map((one) => one.interface), ['net1'])
  await at.ipam.release({ ...second, held: undefined })
  equal(await endpointOf(at.records), undefined)
})

test('an endpoint is not written for what was given back before', async () => {
  await using at = await world({ v4: V4 })
  const asked = asking(at.ipam)
  await at.ipam.reserve(asked)
  await at.ipam.release({ ...asked, held: undefined })
  await at.settle()
  equal(await endpointOf(at.records), undefined)
})

const owners = (kind: string, name: string, apiVersion = 'apps/v1') => {
  return [{ apiVersion, kind, name, uid: `uid-${name}`, controller: true }]
}
const replicaSet: Document = {
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: {
    name: 'web-5d8f',
    namespace: 'default',
    ownerReferences: owners('Deployment', 'web'),
  },
}

for (const { does, ownerReferences, labels = {}, is } of [
  {
    does: 'the Deployment above its ReplicaSet',
    ownerReferences: owners('ReplicaSet', 'web-5d8f'),
    is: ['Deployment', 'web', 1],
  },
  {
    does: 'the Deployment above a ReplicaSet that nobody knows',
    ownerReferences: owners('ReplicaSet', 'api-7c9'),
    labels: { 'pod-template-hash': '7c9' },
    is: ['Deployment', 'api', 1],
  },
  {
    does: 'a StatefulSet, which it outlives',
    ownerReferences: owners('StatefulSet', 'db'),
    is: ['StatefulSet', 'db', 0],
  },
  {
    does: 'a controller that nobody knows',
    ownerReferences: owners('CloneSet', 'x', 'apps.kruise.io/v1alpha1'),
    is: ['CloneSet', 'x', 1],
  },
] as const) {
  test(`an endpoint names ${does}`, async () => {
    await using at = await world({ v4: V4 })
    await putDocument(at.records, replicaSet)
    await at.ipam.reserve(asking(at.ipam, { ownerReferences, labels }))
    await at.settle()
    const read = readSpiderEndpoint(await endpointOf(at.records))
    if (!read.ok) throw new TypeError('endpoint')
    const { status, metadata } = read.value
    const { ownerControllerType, ownerControllerName } = status
    const own = metadata.ownerReferences?.length ?? 0
    deepEqual([ownerControllerType, ownerControllerName, own], is)
  })
}

const SUBNET = { 'ipam.spidernet.io/subnet': '{"ipv4":["s"]}' }
const WEB: Asked = {
  annotations: SUBNET,
  ownerReferences: owners('ReplicaSet', 'web-5d8f'),
  ipam: { default_ipv4_ippool: [] },
}

async function putAutoPool(records: Records, name: string, ifName: string, ip: string) {
  const labels = {
    [POOL_LABEL.gv]: 'apps_v1',
    [POOL_LABEL.kind]: 'Deployment',
    [POOL_LABEL.namespace]: 'default',
    [POOL_LABEL.name]: 'web',
    [POOL_LABEL.uid]: 'uid-web',
    [POOL_LABEL.interface]: ifName,
  }
  const podAffinity = {
    matchLabels: {
      'ipam.spidernet.io/app-api-group': 'apps',
      'ipam.spidernet.io/app-api-version': 'v1',
      'ipam.spidernet.io/app-kind': 'Deployment',
      'ipam.spidernet.io/app-namespace': 'default',
      'ipam.spidernet.io/app-name': 'web',
    },
  }
  await putPool(records, name, { subnet: '10.6.0.0/16', ips: [ip], podAffinity }, { labels })
}

test('a pod that asks for a subnet gets of the pool of its application', async () => {
  await using at = await world({
    other: { subnet: '10.7.0.0/16', ips: ['10.7.0.1'], default: true },
  })
  await putDocument(at.records, replicaSet)
  await putAutoPool(at.records, 'auto4-web-eth0-a', 'eth0', '10.6.0.5')
  const { why, ...rest } = await at.ipam.reserve(asking(at.ipam, WEB))
  deepEqual(
    [ipsOf({ why, ...rest }), why],
    [['10.6.0.5/16'], ['10.6.0.5 from pool auto4-web-eth0-a (automatic pool)']],
  )
})

for (const { does, asked, code, text } of [
  {
    does: 'a pod without a controller',
    asked: { ...WEB, ownerReferences: [] },
    code: 'auto-pool-refused',
    text: /subnet: the pod has no controller/,
  },
  {
    does: 'an interface that is not listed',
    asked: {
      ...WEB,
      annotations: { 'ipam.spidernet.io/subnets': '[{"interface":"net1","ipv4":["s"]}]' },
    },
    code: 'auto-pool-refused',
    text: /subnets: the interface is not in it/,
  },
  {
    does: 'text that is no JSON',
    asked: { ...WEB, annotations: { 'ipam.spidernet.io/subnet': '{' } },
    code: 'pool-annotation-invalid',
    text: /not JSON/,
  },
  {
    does: 'a pool that is not there yet',
    asked: WEB,
    code: 'auto-pool-missing',
    text: /no IPv4 pool of Deployment default\/web is there yet/,
  },
]) {
  test(`a pod that asks for a subnet is refused with ${does}`, async () => {
    await using at = await world({})
    await putDocument(at.records, replicaSet)
    await rejects(at.ipam.reserve(asking(at.ipam, asked)), (thrown: unknown) => {
      const failure = failureIn(thrown)
      equal(failure?.code, code)
      match(failure?.message ?? '', text)
      return true
    })
  })
}

test('a pod waits for its automatic pool', async () => {
  const waits: number[] = []
  const clock = {
    async sleep(ms: number): Promise<void> {
      waits.push(ms)
      if (waits.length === 2) await putAutoPool(at.records, 'auto4', 'eth0', '10.6.0.5')
    },
  }
  await using at = await world({}, 'node-1', { clock })
  await putDocument(at.records, replicaSet)
  deepEqual(ipsOf(await at.ipam.reserve(asking(at.ipam, WEB))), ['10.6.0.5/16'])
  deepEqual(waits, [2_000, 2_000])
})

for (const { does, conf, code } of [
  {
    does: 'refuses subnets with automatic pools off',
    conf: 'enableAutoPoolForApplication: false',
    code: 'auto-pool-refused',
  },
  {
    does: 'does not look at subnets with them off',
    conf: 'enableSpiderSubnet: false',
    code: 'pool-none',
  },
]) {
  test(`an ADD ${does}`, async () => {
    await using at = await world({})
    const metadata = { name: 'spiderpool-conf', namespace: 'x' }
    await putDocument(at.records, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata,
      data: { 'conf.yml': conf },
    })
    await rejects(at.ipam.reserve(asking(at.ipam, WEB)), { code })
  })
}

test('a terminating pool goes with its last address, and its subnet with it', async () => {
  await using at = await world({})
  const kind = { apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderSubnet' }
  const spec = { ipVersion: 4, subnet: V4.subnet }
  await putDocument(at.records, {
    ...kind,
    metadata: { name: 's', deletionTimestamp: 'now' },
    spec,
  })
  await putPool(at.records, 'v4', V4, {
    ownerReferences: owners('SpiderSubnet', 's', kind.apiVersion),
  })
  const asked = ['a', 'b'].map((pod) => asking(at.ipam, { pod }))
  for (const one of asked) await at.ipam.reserve(one)
  const ref = { ...kind, kind: 'SpiderIPPool', namespace: undefined, name: 'v4' }
  const pool = await at.records.get(ref)
  if (pool === undefined) throw new TypeError('pool')
  await at.records.replace({ ...pool, metadata: { ...pool.metadata, deletionTimestamp: 'now' } })
  await rejects(at.ipam.reserve(asking(at.ipam, { pod: 'c' })), /it is terminating/)
  const names = async () => [
    await at.records.get(ref),
    await at.records.get({ ...ref, ...kind, name: 's' }),
  ]
  for (const [i, one] of asked.entries()) {
    await at.ipam.release({ ...one, held: undefined })
    equal((await names()).filter((found) => found !== undefined).length, i === 0 ? 2 : 0)
  }
})
