/**
 * Who has an address, on the real kernel with the real shim and agent: given
 * once, given back whatever is gone by then, and to nobody while it is in use.
 * @module
 */
import { deepEqual, equal, match, notEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import type { PodRef } from '#values/owner.ts'
import { COORDINATOR, nad, networks, pool } from './documents.ts'
import { addPod } from './ground.ts'
import { NEEDS_NODE, RealNode, type RealCall } from './real-node.ts'
import { demand, podOn, refusalOf, resultOf, until } from './real-pods.ts'
import { addressesIn, checkBack, heldAddresses, linksIn, wholeState } from './real-state.ts'

const POOL = { type: 'spiderpool', default_ipv4_ippool: ['v4'] } as const
const MACVLAN = { type: 'macvlan', master: 'up0', ipam: POOL } as const
const DOCUMENTS = [
  pool('v4', '10.7.0.0/16', '10.7.0.100-10.7.0.199'),
  pool('one', '10.6.0.0/16', '10.6.0.1'),
  nad('macvlan', [MACVLAN]),
  nad('over-host', [MACVLAN, COORDINATOR]),
  nad('of-one', [{ ...MACVLAN, ipam: { ...POOL, default_ipv4_ippool: ['one'] } }]),
  nad('no-pool', [{ ...MACVLAN, ipam: { ...POOL, default_ipv4_ippool: ['absent'] } }]),
  nad('failing', [{ ...MACVLAN, ipam: { type: 'acme-broken' } }, COORDINATOR]),
]
const BROKEN = `[ "$CNI_COMMAND" = ADD ] || exit 0
echo '{"code":105,"msg":"the acme server is away"}'; exit 1`

for (const { whose, network, says } of [
  { whose: 'ours, pool unknown', network: 'no-pool', says: /absent/ },
  { whose: "another vendor's", network: 'failing', says: /the acme server is away/ },
]) {
  test(`a failed IPAM ADD leaves nothing, ${whose} (root)`, NEEDS_NODE, async () => {
    await using node = await RealNode.open(DOCUMENTS)
    await node.addScript('acme-broken', BROKEN)
    // a network before it that works is taken back, too
    const call = await podOn(node, 'a', 'over-host', network)
    const before = await wholeState(node)
    match(refusalOf(await node.plugin('ADD', call)).msg, says)
    equal(await wholeState(node), before)
    match(refusalOf(await node.plugin('ADD', call)).msg, says, 'and so does a retry')
    equal(await wholeState(node), before)
  })
}

test('DEL while the pod lives frees its address (root)', NEEDS_NODE, async () => {
  await using node = await RealNode.open(DOCUMENTS)
  const call = await podOn(node, 'a', 'over-host', 'of-one')
  const before = await wholeState(node)
  resultOf(await node.plugin('ADD', call))
  deepEqual(await heldAddresses(node), ['10.6.0.1', '10.7.0.100'])
  await demand(node, 'DEL', call)
  equal(await wholeState(node), before)
  const other = await podOn(node, 'b', 'of-one')
  deepEqual(resultOf(await node.plugin('ADD', other)).ips[0]?.address, '10.6.0.1/16')
})

test(
  'DEL while a pod of a StatefulSet lives keeps its address, and says so (root)',
  NEEDS_NODE,
  async () => {
    const set = { apiVersion: 'apps/v1', kind: 'StatefulSet' } as const
    const metadata = { name: 'web', namespace: 'default' }
    await using node = await RealNode.open([
      ...DOCUMENTS,
      { ...set, metadata, spec: { replicas: 1 } },
    ])
    await node.addPods(['a', 'b'])
    const before = await node.state()
    const made = async (): Promise<PodRef> => {
      const { metadata: pod } = await node.records.create({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: {
          ...metadata,
          name: 'web-0',
          annotations: networks('over-host'),
          ownerReferences: [{ ...set, name: 'web', uid: 'u', controller: true }],
        },
        spec: { containers: [{ name: 'main' }] },
      })
      return { namespace: 'default', name: pod.name, uid: pod.uid }
    }
    const ref = await made()
    equal(resultOf(await node.plugin('ADD', { pod: 'a', ref })).ips[0]?.address, '10.7.0.100/16')
    await demand(node, 'DEL', { pod: 'a', ref })
    equal(await node.state(), before)
    deepEqual(await heldAddresses(node), ['10.7.0.100'], 'kept for web-0')
    await until('the log to say so', () => node.log.some((line) => line.includes('10.7.0.100 ')))
    const other = await podOn(node, 'c', 'over-host')
    equal(resultOf(await node.plugin('ADD', other)).ips[0]?.address, '10.7.0.101/16')
    await node.records.delete({ apiVersion: 'v1', kind: 'Pod', ...ref })
    const again = { pod: 'b', ref: await made() }
    equal(resultOf(await node.plugin('ADD', again)).ips[0]?.address, '10.7.0.100/16', 'the same')
  },
)

test('DEL with netns gone, twice, frees (root)', NEEDS_NODE, async () => {
  await using node = await RealNode.open(DOCUMENTS)
  const before = await wholeState(node)
  const call = await podOn(node, 'a', 'over-host', 'macvlan')
  resultOf(await node.plugin('ADD', call))
  equal((await heldAddresses(node)).length, 2)
  await node.removePod('a')
  for (const time of ['DEL', 'a second DEL']) {
    deepEqual(await node.plugin('DEL', call), { status: 0, stdout: '', stderr: '' }, time)
    await checkBack(node, before, time)
  }
})

for (const { without, conf } of [
  { without: 'the pod UID, nor a pod', conf: { master: 'up0', ipam: POOL } },
  { without: 'the pod UID, nor IPAM in its DEL', conf: { master: 'up0', ipam: POOL } },
]) {
  test(`DEL without ${without}, netns gone, twice, frees (root)`, NEEDS_NODE, async () => {
    await using node = await RealNode.open(DOCUMENTS)
    const before = await wholeState(node)
    await node.addPods(['a'])
    const call: RealCall = { pod: 'a', type: 'macvlan', conf }
    resultOf(await node.plugin('ADD', call))
    equal((await heldAddresses(node)).length, 1)
    await node.removePod('a')
    const later = without.includes('IPAM') ? { ...call, conf: { master: 'up0' } } : call
    await demand(node, 'DEL', later)
    await demand(node, 'DEL', later)
    await checkBack(node, before)
  })
}

test('a DEL that names no pod frees what an ADD with pod UID got (root)', NEEDS_NODE, async () => {
  await using node = await RealNode.open(DOCUMENTS)
  const call = await podOn(node, 'a', 'over-host')
  const before = await wholeState(node)
  resultOf(await node.plugin('ADD', call))
  await demand(node, 'DEL', { pod: 'a' })
  equal(await wholeState(node), before)
})

test('a second interface of a pod in the same pool: two addresses (root)', NEEDS_NODE, async () => {
  await using node = await RealNode.open(DOCUMENTS)
  const call = await podOn(node, 'a', 'macvlan', 'macvlan')
  const before = await wholeState(node)
  resultOf(await node.plugin('ADD', call))
  deepEqual(await linksIn(node, 'a'), ['eth0', 'net1'])
  deepEqual(await addressesIn(node, 'a', 'eth0'), ['10.7.0.100/16'])
  deepEqual(await addressesIn(node, 'a', 'net1'), ['10.7.0.101/16'])
  deepEqual(await heldAddresses(node), ['10.7.0.100', '10.7.0.101'])
  await demand(node, 'DEL', call)
  equal(await wholeState(node), before)
})

test(
  'a force-deleted pod made again under its name: another address (root)',
  NEEDS_NODE,
  async () => {
    await using node = await RealNode.open(DOCUMENTS)
    const old = await podOn(node, 'a', 'over-host')
    const [first] = resultOf(await node.plugin('ADD', old)).ips
    ok(old.ref)
    await node.records.delete({ apiVersion: 'v1', kind: 'Pod', ...old.ref })
    await node.addPods(['b'])
    const ref = await addPod(node, 'a', networks('over-host'))
    notEqual(ref.uid, old.ref.uid)
    const again = { pod: 'b', ref }
    const [second] = resultOf(await node.plugin('ADD', again)).ips
    deepEqual([first?.address, second?.address], ['10.7.0.100/16', '10.7.0.101/16'])
    deepEqual(await addressesIn(node, 'a', 'eth0'), ['10.7.0.100/16'], 'the old one still has it')
    await demand(node, 'DEL', old)
    deepEqual(await heldAddresses(node), ['10.7.0.101'])
    deepEqual(await linksIn(node, 'a'), [])
    deepEqual(await addressesIn(node, 'b', 'eth0'), ['10.7.0.101/16'])
    const third = await podOn(node, 'c', 'over-host')
    equal(resultOf(await node.plugin('ADD', third)).ips[0]?.address, '10.7.0.100/16', 'free by now')
  },
)

test('the last address, two ADDs: one winner, and who holds it (root)', NEEDS_NODE, async () => {
  await using node = await RealNode.open(DOCUMENTS)
  const calls = [await podOn(node, 'a', 'of-one'), await podOn(node, 'b', 'of-one')]
  const before = await wholeState(node)
  const exits = await Promise.all(calls.map((call) => node.plugin('ADD', call)))
  const winner = exits.findIndex(({ status }) => status === 0)
  const [won, lost] = [calls[winner], calls[1 - winner]]
  const loser = exits[1 - winner]
  ok(won && lost && loser)
  const { code, msg } = refusalOf(loser)
  equal(code, 11)
  const holder = `10.6.0.1 default/${won.pod} (eth0)`
  const used = `all 1 addresses are used, by ${holder}`
  equal(msg, `Cannot allocate from pool one: ${used}; all IP addresses used out`)
  deepEqual(await linksIn(node, lost.pod), [])
  deepEqual(await heldAddresses(node), ['10.6.0.1'])
  await demand(node, 'DEL', won)
  equal(await wholeState(node), before)
  resultOf(await node.plugin('ADD', lost))
})

test(
  'an IPAM called alone gives its address back when the interface is gone (root)',
  NEEDS_NODE,
  async () => {
    await using node = await RealNode.open(DOCUMENTS)
    await node.addPods(['a'])
    const call = { pod: 'a', type: 'spiderpool', conf: { ipam: POOL } }
    const [given] = resultOf(await node.plugin('ADD', call)).ips
    for (const words of [
      ['link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'other'],
      ['addr', 'add', given?.address ?? '', 'dev', 'eth0'],
    ]) {
      const made = await node.in('a', 'ip', ...words)
      deepEqual([made.status, made.stderr], [0, ''])
    }
    await demand(node, 'DEL', call)
    deepEqual(await heldAddresses(node), ['10.7.0.100'], 'the interface still has it')
    await node.in('a', 'ip', 'link', 'del', 'eth0')
    await until('the address to be free', async () => (await heldAddresses(node)).length === 0)
  },
)
