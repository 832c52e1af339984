/**
 * What attaching does where runtimes repeat themselves, pods come and go, and
 * addresses run out: whole states are compared.
 * @module
 */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { allocationsOf } from '#ipam/index.ts'
import { waitingOf } from '#apps/agent/waiting.ts'
import { setPkeys } from '#sim/faults.ts'
import { addNetns } from '#sim/read-world.ts'
import { canReach } from '#sim/reach.ts'
import { removeNetns } from '#sim/links.ts'
import { parseIp } from '#values/ip.ts'
import { parsePkey } from '#values/pkey.ts'
import type { PodRef } from '#values/owner.ts'
import { COORDINATOR, IPAM, ipoibOn, macvlanOn, nad, networks, POOLS, WORLD } from './documents.ts'
import { addPod, type Ground, makeGround, stateOf } from './ground.ts'
import { type Asked, bootAgent, type MemoryAgent } from './memory-agent.ts'
import { refusalOf } from './refusal.ts'

const RAILS = Array.from({ length: 8 }, (_, i) => `rail${i}`)
const NADS = [
  nad('macvlan', [macvlanOn(IPAM.spiderpool)]),
  nad('both', [macvlanOn(IPAM.both)]),
  nad('over-host', [macvlanOn(IPAM.spiderpool), COORDINATOR]),
  nad('files', [macvlanOn(IPAM.hostLocal)]),
  nad('ipoib', [ipoibOn(IPAM.spiderpool)]),
  nad('partition', [ipoibOn(IPAM.spiderpool, 'ib0', { pkey: '0x8002' })]),
  ...RAILS.map((name) => nad(name, [ipoibOn(IPAM.spiderpool)])),
]

type Bench = AsyncDisposable & {
  readonly ground: Ground
  readonly agent: MemoryAgent
  /** State before any ADD. */
  readonly before: string
}

async function makeBench(): Promise<Bench> {
  const ground = await makeGround(WORLD, [...POOLS, ...NADS])
  return {
    ground,
    agent: bootAgent(ground),
    before: await stateOf(ground),
    [Symbol.asyncDispose]: () => ground[Symbol.asyncDispose](),
  }
}

/** A pod and its first container, in namespace `p1`. */
async function podOn(ground: Ground, ...names: [string, ...string[]]): Promise<Asked> {
  const pod = await addPod(ground, 'pod-1', networks(...names))
  return { netns: 'p1', container: 'c1', pod }
}

/** Addresses of a result, without prefix lengths. */
function addressesIn(stdout: string): string[] {
  const { ips }: { ips: { address: string }[] } = JSON.parse(stdout)
  return ips.map(({ address }) => address.replace(/\/.*/, ''))
}

function linksIn(ground: Ground, netns: string): string[] {
  return ground.host.netns.get(netns)?.links.map(({ name }) => name) ?? []
}

async function heldAddresses({ records }: Ground): Promise<string[]> {
  const { items } = await records.list(allocationsOf('all'))
  return items.map(({ metadata }) => metadata.name)
}

test('ADD twice gives the same result and touches nothing', async () => {
  for (const name of ['over-host', 'files', 'ipoib'] as const) {
    await using bench = await makeBench()
    const { ground, agent } = bench
    const asked = await podOn(ground, name)
    const first = await agent.call('ADD', asked)
    const then = await stateOf(ground)
    equal(await agent.call('ADD', asked), first)
    equal(await bootAgent(ground).call('ADD', asked), first, 'and so does the next agent')
    equal(await stateOf(ground), then)
  }
})

test('two ADDs of one container at once are one', async () => {
  await using bench = await makeBench()
  const { ground, agent } = bench
  const asked = await podOn(ground, 'over-host')
  const [one, two] = await Promise.all([agent.call('ADD', asked), agent.call('ADD', asked)])
  equal(one, two)
  deepEqual(linksIn(ground, 'p1'), ['lo', 'eth0', 'veth0'])
  deepEqual(await heldAddresses(ground), ['10.7.0.100'])
})

test('20 pods at once have the 20 addresses of a pool; the next is told who has them', async () => {
  await using bench = await makeBench()
  const { ground, agent } = bench
  const pods = await Promise.all(
    Array.from({ length: 21 }, async (_, i): Promise<Asked> => {
      addNetns(ground.host, `n${i}`)
      const pod = await addPod(ground, `pod-${i}`, networks('over-host'))
      return { netns: `n${i}`, container: `c${i}`, pod }
    }),
  )
  const [last, ...others] = pods.toReversed()
  ok(last)
  const results = await Promise.all(others.map((asked) => agent.call('ADD', asked)))
  equal(new Set(results.flatMap(addressesIn)).size, 20)
  const full = await stateOf(ground)
  const refused = await refusalOf(agent.call('ADD', last))
  equal(refused?.code, 'pool-exhausted')
  equal(refused.cni, 11)
  match(refused.text, /pool v4: all 20 addresses are used, by 10\.7\.0\.10\d default\/pod-/)
  equal(await stateOf(ground), full)
  for (const asked of others) await agent.call('DEL', asked)
  deepEqual(await heldAddresses(ground), [])
  deepEqual(addressesIn(await agent.call('ADD', last)).length, 1)
})

for (const name of ['macvlan', 'over-host'] as const) {
  test(`a newer container of a pod takes over its address (${name})`, async () => {
    await using bench = await makeBench()
    const { ground, agent } = bench
    const older = await podOn(ground, name)
    const newer = { ...older, netns: 'p2', container: 'c2' }
    deepEqual(addressesIn(await agent.call('ADD', older)), ['10.7.0.100'])
    deepEqual(addressesIn(await agent.call('ADD', newer)), ['10.7.0.100'])
    await agent.call('DEL', older)
    deepEqual(linksIn(ground, 'p1'), ['lo'])
    deepEqual(await heldAddresses(ground), ['10.7.0.100'], "the older one's DEL frees nothing")
    if (name === 'over-host') {
      const reached = canReach(ground, 'host', parseIp('10.7.0.100'))
      deepEqual(reached, { reached: true, hops: ['host', 'p2'] })
    }
    await agent.call('DEL', newer)
    equal(await stateOf(ground), bench.before)
  })
}

test('a newer container of a pod has an address of its own from host-local', async () => {
  await using bench = await makeBench()
  const { ground, agent } = bench
  const older = await podOn(ground, 'files')
  const newer = { ...older, netns: 'p2', container: 'c2' }
  deepEqual(addressesIn(await agent.call('ADD', older)), ['10.8.0.2'])
  deepEqual(addressesIn(await agent.call('ADD', newer)), ['10.8.0.3'])
  await agent.call('DEL', older)
  await agent.call('DEL', newer)
  equal(await stateOf(ground), bench.before)
})

test('another pod of the same name has another address while the first is there', async () => {
  await using bench = await makeBench()
  const { ground, agent } = bench
  const first = await podOn(ground, 'macvlan')
  await agent.call('ADD', first)
  await ground.records.delete({
    apiVersion: 'v1',
    kind: 'Pod',
    namespace: 'default',
    name: 'pod-1',
  })
  const again = { ...(await podOn(ground, 'macvlan')), netns: 'p2', container: 'c2' }
  deepEqual(addressesIn(await agent.call('ADD', again)), ['10.7.0.101'])
  await agent.call('DEL', first)
  deepEqual(await heldAddresses(ground), ['10.7.0.101'])
})

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

test('a second interface of a pod in the same pool has an address of its own', async () => {
  await using bench = await makeBench()
  const { ground, agent } = bench
  const asked = await podOn(ground, 'macvlan', 'ipoib')
  await agent.call('ADD', asked)
  deepEqual(linksIn(ground, 'p1'), ['lo', 'eth0', 'net1'])
  deepEqual(await heldAddresses(ground), ['10.7.0.100', '10.7.0.101'])
  await agent.call('DEL', asked)
  equal(await stateOf(ground), bench.before)
})

test('both families come from their pools', async () => {
  await using bench = await makeBench()
  const asked = await podOn(bench.ground, 'both')
  deepEqual(addressesIn(await bench.agent.call('ADD', asked)), ['10.7.0.100', 'fd07::100'])
})

test('all rails of a pod are attached together, or none', async () => {
  await using bench = await makeBench()
  const { ground } = bench
  const asked = await podOn(ground, ...(RAILS as [string, ...string[]]))
  const failing = bootAgent(ground, {
    refuse: (step) => (step.do === 'create-link' && step.name === 'net5' ? 'ENOMEM' : undefined),
  })
  const refused = await refusalOf(failing.call('ADD', asked))
  match(refused?.text ?? '', /net5: .*ENOMEM/)
  equal(await stateOf(ground), bench.before)
  await bench.agent.call('ADD', asked)
  equal(linksIn(ground, 'p1').length, 9)
  equal(new Set(await heldAddresses(ground)).size, 8)
  await bench.agent.call('DEL', asked)
  equal(await stateOf(ground), bench.before)
})

test('network-status tells of every network of the pod', async () => {
  await using bench = await makeBench()
  const { ground } = bench
  const asked = await podOn(ground, 'both', 'ipoib')
  const agent = bootAgent(ground, { publishes: true })
  await agent.call('ADD', asked)
  await agent.published()
  const ref = { apiVersion: 'v1', kind: 'Pod', namespace: 'default', name: 'pod-1' }
  const { annotations } = (await ground.records.get(ref))?.metadata ?? {}
  const status: { name: string; interface: string; ips: string[]; default?: boolean }[] =
    JSON.parse(annotations?.['k8s.v1.cni.cncf.io/network-status'] ?? '[]')
  deepEqual(
    status.map((one) => [one.name, one.interface, one.ips, one.default]),
    [
      ['kube-system/both', 'eth0', ['10.7.0.100', 'fd07::100'], true],
      ['kube-system/ipoib', 'net1', ['10.7.0.101'], undefined],
    ],
  )
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

test('a P_Key that is not on the port is waited for, not refused', async () => {
  await using bench = await makeBench()
  const { ground, agent } = bench
  await agent.call('ADD', await podOn(ground, 'partition'))
  const [row] = ground.journal.all()
  ok(row)
  match(agent.notes.map(({ text }) => text).join(), /P_Key 0x8002 is not on port 1 of mlx5_0/)
  match((await waitingOf(row, agent.attach.kernel)).join(), /eth0 has no carrier: P_Key 0x8002/)
  setPkeys(ground.host, 'mlx5_0', [parsePkey('0xffff'), parsePkey('0x8002')])
  deepEqual(await waitingOf(row, agent.attach.kernel), [])
})
