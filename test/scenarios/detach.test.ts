/**
 * What detaching leaves: nothing, whatever of the pod is gone by then, and
 * whether or not anybody remembers it.
 * @module
 */
import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { removeNetns } from '#sim/links.ts'
import type { PodRef } from '#values/owner.ts'
import { heldAddresses, linksIn, makeBench, podOn } from './bench.ts'
import { IPAM, networks } from './documents.ts'
import { addPod, type Ground, stateOf } from './ground.ts'

for (const { does, act } of [
  { does: 'as it should be', act: async () => ({}) },
  { does: 'without CNI_NETNS', act: async () => ({ netns: '' }) },
  {
    does: 'when the namespace is gone',
    act: async ({ host }: Ground) => {
      removeNetns(host, 'p1')
      return {}
    },
  },
  {
    does: 'when the Pod is gone',
    act: async ({ records }: Ground, { pod }: { pod: PodRef }) => {
      await records.delete({ apiVersion: 'v1', kind: 'Pod', ...pod })
      return {}
    },
  },
]) {
  test(`DEL ${does}, and again, leaves nothing`, async () => {
    for (const name of ['over-host', 'files', 'ipoib'] as const) {
      await using bench = await makeBench()
      const { ground, agent } = bench
      const asked = await podOn(ground, name)
      await agent.call('ADD', asked)
      ok(asked.pod)
      const changed = await act(ground, { pod: asked.pod })
      await agent.call('DEL', { ...asked, ...changed })
      await agent.call('DEL', { ...asked, ...changed })
      const gone = !ground.host.netns.has('p1')
      equal(await stateOf(ground), gone ? withoutPod(bench.before) : bench.before)
    }
  })
}

/** The state without the section of namespace `p1`. */
function withoutPod(state: string): string {
  return state.replace(/^== p1\n[^]*?^(?=== )/m, '')
}

test('DEL of what never was succeeds and changes nothing', async () => {
  await using bench = await makeBench()
  const { ground, agent } = bench
  const asked = await podOn(ground, 'over-host', 'ipoib')
  const plain = { netns: 'p2', container: 'nobody', type: 'macvlan' }
  for (const one of [
    asked,
    { ...asked, netns: 'p9' },
    { ...plain, conf: { master: 'eth9', ipam: IPAM.hostLocal } },
    { ...plain, conf: { master: 'eth1', ipam: IPAM.spiderpool } },
    { ...plain, type: 'host-local', conf: { ipam: IPAM.hostLocal } },
  ]) {
    await agent.call('DEL', one)
  }
  equal(await stateOf(ground), bench.before)
})

test('DEL of a pod whose network nobody knows succeeds', async () => {
  await using bench = await makeBench()
  const { ground, agent } = bench
  const asked = await podOn(ground, 'no-such-network')
  await rejects(agent.call('ADD', asked), { code: 'nad-missing' })
  const before = await stateOf(ground)
  await agent.call('DEL', asked)
  equal(await stateOf(ground), before)
})

test('DEL without a row in the journal goes by configuration and prevResult', async () => {
  for (const ipam of [IPAM.hostLocal, IPAM.both]) {
    await using bench = await makeBench()
    const { ground, agent } = bench
    const asked = { netns: 'p1', container: 'c1', type: 'macvlan' }
    const conf = { master: 'eth1', ipam }
    const prevResult: unknown = JSON.parse(await agent.call('ADD', { ...asked, conf }))
    ground.journal.erase(ground.journal.all().map((row) => row.attachment))
    await agent.call('DEL', { ...asked, conf: { ...conf, prevResult } })
    equal(linksIn(ground, 'p1').join(), 'lo')
    deepEqual(await heldAddresses(ground), [])
    deepEqual(
      [...ground.files.keys()].filter((path) => /\/[0-9.]+$/.test(path)),
      [],
    )
  }
})

test('GC takes down what is not alive and keeps the rest', async () => {
  await using bench = await makeBench()
  const { ground, agent } = bench
  const asked = await podOn(ground, 'over-host')
  const other = await addPod(ground, 'pod-2', networks('ipoib'))
  await agent.call('ADD', asked)
  const alone = await stateOf(ground)
  await agent.call('ADD', { netns: 'p2', container: 'c2', pod: other })
  const valid = [{ containerID: 'c1', ifname: 'eth0' }]
  const about = { cniVersion: '1.1.0', 'cni.dev/valid-attachments': valid }
  await agent.call('GC', { netns: '', container: '', conf: { ...about, name: 'another' } })
  equal(linksIn(ground, 'p2').length, 2, "another network's GC is not about it")
  await agent.call('GC', { netns: '', container: '', conf: about })
  equal(await stateOf(ground), alone)
  const none = { ...about, 'cni.dev/valid-attachments': [] }
  await agent.call('GC', { netns: '', container: '', conf: none })
  equal(await stateOf(ground), bench.before)
})

test('GC removes a link that a vanished namespace gave back and no row knows', async () => {
  await using bench = await makeBench()
  const { ground, agent } = bench
  const links = linksIn(ground, 'host')
  await agent.call('ADD', await podOn(ground, 'ipoib'))
  ground.journal.erase(ground.journal.all().map((row) => row.attachment))
  removeNetns(ground.host, 'p1')
  deepEqual(linksIn(ground, 'host'), [...links, 'eth0'])
  const conf = { cniVersion: '1.1.0', 'cni.dev/valid-attachments': [] }
  await agent.call('GC', { netns: '', container: '', conf })
  deepEqual(linksIn(ground, 'host'), links)
})
