/**
 * Pools whole, on the real kernel with the real shim and agent: reserved
 * addresses, addresses that stay with a name, endpoints, pools that end.
 * @module
 */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import type { Document } from '#needs/records.ts'
import { nad, networks, pool } from './documents.ts'
import { NEEDS_NODE, RealNode, type RealCall } from './real-node.ts'
import { demand, podOn, refusalOf, resultOf, until } from './real-pods.ts'
import { heldAddresses } from './real-state.ts'

const SPIDER = 'spiderpool.spidernet.io/v2beta1'
const POOL = { type: 'spiderpool', default_ipv4_ippool: ['v4'] } as const
const MACVLAN = { type: 'macvlan', master: 'up0', ipam: POOL } as const
const DOCUMENTS: readonly Document[] = [
  pool('v4', '10.7.0.0/16', '10.7.0.100-10.7.0.103'),
  nad('macvlan', [MACVLAN]),
  nad('of-parent', [{ ...MACVLAN, ipam: { ...POOL, match_master_subnet: true } }]),
]

const ipOf = async (node: RealNode, call: RealCall): Promise<string | undefined> =>
  resultOf(await node.plugin('ADD', call)).ips[0]?.address

test('a reserved address is never given, by no agent (root)', NEEDS_NODE, async () => {
  await using node = await RealNode.open(DOCUMENTS)
  equal(await ipOf(node, await podOn(node, 'a', 'macvlan')), '10.7.0.100/16')
  const spec = { ipVersion: 4, ips: ['10.7.0.100-10.7.0.102'] }
  await node.records.create({
    apiVersion: SPIDER,
    kind: 'SpiderReservedIP',
    metadata: { name: 'r' },
    spec,
  })
  equal(await ipOf(node, await podOn(node, 'b', 'macvlan')), '10.7.0.103/16')
  match(
    refusalOf(await node.plugin('ADD', await podOn(node, 'c', 'macvlan'))).msg,
    /all 4 addresses are used, by .*; SpiderReservedIP r reserves some; all IP addresses used out/,
  )
})

test(
  'match_master_subnet wants an address of the parent in the pool (root)',
  NEEDS_NODE,
  async () => {
    await using node = await RealNode.open(DOCUMENTS)
    const call = await podOn(node, 'a', 'of-parent')
    match(
      refusalOf(await node.plugin('ADD', call)).msg,
      /no IPPool available: v4: the parent has no address in 10\.7\.0\.0\/16/,
    )
    await node.in('node', 'ip', 'addr', 'add', '10.7.255.1/16', 'dev', 'up0')
    equal(await ipOf(node, call), '10.7.0.100/16')
  },
)

test(
  'a pod of a StatefulSet has its address again, and DEL says so (root)',
  NEEDS_NODE,
  async () => {
    await using node = await RealNode.open([
      ...DOCUMENTS,
      {
        apiVersion: 'apps/v1',
        kind: 'StatefulSet',
        metadata: { name: 'web', namespace: 'default' },
        spec: { replicas: 1 },
      },
    ])
    const make = async (netns: string): Promise<RealCall> => {
      await node.addPods([netns])
      const owner = {
        apiVersion: 'apps/v1',
        kind: 'StatefulSet',
        name: 'web',
        uid: 'u',
        controller: true,
      }
      const { metadata } = await node.records.create({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: {
          name: 'web-0',
          namespace: 'default',
          annotations: networks('macvlan'),
          ownerReferences: [owner],
        },
        spec: { containers: [{ name: 'c' }] },
      })
      return { pod: netns, ref: { namespace: 'default', name: 'web-0', uid: metadata.uid } }
    }
    const pod = { apiVersion: 'v1', kind: 'Pod', namespace: 'default', name: 'web-0' }
    const first = await make('a')
    equal(await ipOf(node, first), '10.7.0.100/16')
    await demand(node, 'DEL', first)
    const said = '10.7.0.100 stays with default/web-0 (eth0): StatefulSet/web'
    await until('its log', () => node.log.some((line) => line.includes(said)))
    await node.records.delete(pod)
    equal(await ipOf(node, await podOn(node, 'b', 'macvlan')), '10.7.0.101/16')
    await node.kill()
    await node.boot()
    const second = await make('c')
    equal(await ipOf(node, second), '10.7.0.100/16')
    const endpoint = {
      apiVersion: SPIDER,
      kind: 'SpiderEndpoint',
      namespace: 'default',
      name: 'web-0',
    }
    await until('its endpoint', async () => {
      const found = await node.records.get(endpoint)
      const { status } = Object(found)
      return status?.current.uid === second.ref?.uid && status.ownerControllerType === 'StatefulSet'
    })
    await node.records.delete({ ...pod, apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web' })
    await demand(node, 'DEL', second)
    deepEqual(await heldAddresses(node), ['10.7.0.101'])
    equal(await node.records.get(endpoint), undefined)
  },
)

test('a terminating pool goes with its last address (root)', NEEDS_NODE, async () => {
  await using node = await RealNode.open(DOCUMENTS)
  const call = await podOn(node, 'a', 'macvlan')
  await ipOf(node, call)
  const ref = { apiVersion: SPIDER, kind: 'SpiderIPPool', namespace: undefined, name: 'v4' }
  const found = await node.records.get(ref)
  ok(found)
  const metadata = { ...found.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' }
  await node.records.replace({ ...found, metadata })
  match(
    refusalOf(await node.plugin('ADD', await podOn(node, 'b', 'macvlan'))).msg,
    /v4: it is terminating/,
  )
  await demand(node, 'DEL', call)
  equal(await node.records.get(ref), undefined)
})

test('an endpoint follows its pod (root)', NEEDS_NODE, async () => {
  await using node = await RealNode.open(DOCUMENTS)
  const call = await podOn(node, 'a', 'macvlan', 'macvlan')
  await ipOf(node, call)
  const ref = {
    apiVersion: SPIDER,
    kind: 'SpiderEndpoint',
    namespace: 'default',
    name: call.ref?.name ?? '',
  }
  await until('its endpoint', async () => {
    const { status } = Object(await node.records.get(ref))
    const ips: readonly { interface: string; ipv4: string }[] = status?.current.ips ?? []
    return (
      ips
        .map((one) => `${one.interface} ${one.ipv4}`)
        .toSorted()
        .join() === 'eth0 10.7.0.100/16,net1 10.7.0.101/16'
    )
  })
  await demand(node, 'DEL', call)
  equal(await node.records.get(ref), undefined)
})
