/**
 * What attaching does where runtimes repeat themselves, pods come and go, and
 * addresses run out: whole states are compared.
 * @module
 */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { waitingOf } from '#apps/agent/waiting.ts'
import { setPkeys } from '#sim/faults.ts'
import { netnsAt } from '#sim/find.ts'
import { removeNetns } from '#sim/links.ts'
import { addNetns } from '#sim/read-world.ts'
import { canReach } from '#sim/reach.ts'
import { parseIp } from '#values/ip.ts'
import { parseNetnsPath } from '#values/netns.ts'
import { parsePkey } from '#values/pkey.ts'
import { addressesIn, heldAddresses, linksIn, makeBench, podOn, RAILS } from './bench.ts'
import { networks } from './documents.ts'
import { addPod, stateOf } from './ground.ts'
import { type Asked, bootAgent } from './memory-agent.ts'
import { refusalOf } from './refusal.ts'

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

test('a namespace with the number of one that went is another', async () => {
  await using bench = await makeBench()
  const { ground, agent } = bench
  const asked = await podOn(ground, 'macvlan')
  await agent.call('ADD', asked)
  const { id } = netnsAt(ground.host, parseNetnsPath('/run/netns/p1'))
  removeNetns(ground.host, 'p1')
  addNetns(ground.host, 'p9', { netns: { p9: { id } } })
  await bootAgent(ground).call('ADD', { ...asked, netns: 'p9' })
  deepEqual(linksIn(ground, 'p9'), ['lo', 'eth0'])
  deepEqual(await heldAddresses(ground), ['10.7.0.100'])
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
