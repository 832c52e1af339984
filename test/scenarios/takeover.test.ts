/**
 * A newer container of a pod takes its address over while the older one's
 * interface lives. Whatever becomes of the newer one, nobody else gets the
 * address before both are gone.
 * @module
 */
import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { fieldOf, allocationsOf } from '#ipam/index.ts'
import { addressesIn, type Bench, heldAddresses, makeBench, podOn } from './bench.ts'
import { networks } from './documents.ts'
import { addPod, stateOf } from './ground.ts'
import { makeLife } from './life.ts'
import { bootAgent, type MemoryAgent } from './memory-agent.ts'

const ADDRESS = '10.7.0.100'

/** Containers that hold the address by its record. */
async function containersOf({ ground }: Bench): Promise<string[]> {
  const { items } = await ground.records.list(allocationsOf('all'))
  return items
    .filter((one) => one.metadata.name === ADDRESS)
    .map((one) => fieldOf(one, 'containerId'))
}

/** Another pod, which must get another address; it goes again. */
async function otherGets(bench: Bench, agent: MemoryAgent): Promise<string[]> {
  const pod = await addPod(bench.ground, 'pod-other', networks('macvlan'))
  const asked = { netns: 'p2', container: 'c-other', pod }
  const got = addressesIn(await agent.call('ADD', asked))
  await agent.call('DEL', asked)
  await bench.ground.records.delete({
    apiVersion: 'v1',
    kind: 'Pod',
    namespace: 'default',
    name: 'pod-other',
  })
  return got
}

for (const name of ['macvlan', 'over-host'] as const) {
  test(`a newer container that fails leaves the older one its address (${name})`, async () => {
    await using bench = await makeBench()
    const { ground, agent } = bench
    const older = await podOn(ground, name)
    const newer = { ...older, netns: 'p2', container: 'c2' }
    await agent.call('ADD', older)
    const failing = bootAgent(ground, {
      refuse: (step) =>
        step.do === 'create-link' && step.netns.endsWith('p2') ? 'ENOMEM' : undefined,
    })
    await rejects(failing.call('ADD', newer))
    deepEqual(await containersOf(bench), ['c1'])
    const next = bootAgent(ground)
    deepEqual(await otherGets(bench, next), ['10.7.0.101'])
    deepEqual(addressesIn(await next.call('ADD', newer)), [ADDRESS], 'a later try has it')
    deepEqual(await containersOf(bench), ['c2'])
    await next.call('DEL', older)
    deepEqual(await containersOf(bench), ['c2'])
    await next.call('DEL', newer)
    equal(await stateOf(ground), bench.before)
  })
}

test('a newer container that goes first leaves the older one its address', async () => {
  await using bench = await makeBench()
  const { ground, agent } = bench
  const older = await podOn(ground, 'macvlan')
  const newer = { ...older, netns: 'p2', container: 'c2' }
  for (const asked of [older, newer]) await agent.call('ADD', asked)
  await agent.call('DEL', newer)
  deepEqual(await containersOf(bench), ['c1'])
  deepEqual(await otherGets(bench, agent), ['10.7.0.101'])
  await agent.call('DEL', older)
  deepEqual(await heldAddresses(ground), [])
  equal(await stateOf(ground), bench.before)
})

test('an agent killed in a newer ADD frees nothing of the older one', async () => {
  let killed = 0
  for (let at = 1; at < 40; at++) {
    await using bench = await makeBench()
    const { ground } = bench
    const older = await podOn(ground, 'macvlan')
    await bench.agent.call('ADD', older)
    const life = makeLife(at)
    const newer = { ...older, netns: 'p2', container: 'c2' }
    await bootAgent(ground, { life })
      .call('ADD', newer)
      .catch(() => undefined)
    if (life.end === undefined) break
    killed++
    const next = bootAgent(ground)
    await next.recover()
    const holders = await containersOf(bench)
    ok(holders.length === 1, `killed at ${at}: ${holders.join()}`)
    await next.call('DEL', newer)
    deepEqual(await containersOf(bench), ['c1'], `killed at ${at}`)
    await next.call('DEL', older)
    equal(await stateOf(ground), bench.before, `killed at ${at}`)
  }
  ok(killed > 5, `killed ${killed} times`)
})
