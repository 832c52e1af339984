/**
 * ADDs that are planned from what an earlier one saw of the host, when that is
 * no longer so.
 * @module
 */
import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { linkNamed, netnsAt } from '#sim/find.ts'
import { deleteLink } from '#sim/links.ts'
import { parseIfName } from '#values/if-name.ts'
import { type Bench, heldAddresses, linksIn, makeBench, podOn } from './bench.ts'
import { addPod, stateOf } from './ground.ts'
import { networks } from './documents.ts'
import type { Asked } from './memory-agent.ts'
import { refusalOf } from './refusal.ts'

const MASTER = parseIfName('eth1')

function masterOf({ ground: { host } }: Bench, name: string = MASTER) {
  const link = linkNamed(netnsAt(host, 'host'), name)
  if (link === undefined) throw new Error(`no ${name}`)
  return link
}

/** Another pod of the network `macvlan` was attached before; what is planned now is recalled. */
async function afterAnother(bench: Bench): Promise<Asked> {
  const { ground, agent } = bench
  const pod = await addPod(ground, 'pod-0', networks('macvlan'))
  await agent.call('ADD', { netns: 'p2', container: 'c0', pod })
  equal(agent.attach.masters?.get(MASTER)?.index, masterOf(bench).index)
  return podOn(ground, 'macvlan')
}

function mtuIn({ ground: { host } }: Bench, netns: string): number | undefined {
  return host.netns.get(netns)?.links.find(({ name }) => name === 'eth0')?.mtu
}

test('the next pod of a network, planned from what was seen before, is attached', async () => {
  await using bench = await makeBench()
  const asked = await afterAnother(bench)
  await bench.agent.call('ADD', asked)
  deepEqual(linksIn(bench.ground, 'p1'), ['lo', 'eth0'])
  deepEqual(await heldAddresses(bench.ground), ['10.7.0.100', '10.7.0.101'])
})

test('a master whose MTU changed: planned anew, by what it is now', async () => {
  await using bench = await makeBench()
  const asked = await afterAnother(bench)
  masterOf(bench).mtu = 1400
  const printed = await bench.agent.call('ADD', asked)
  match(printed, /"mtu": 1400/)
  equal(mtuIn(bench, 'p1'), 1400)
  deepEqual(await heldAddresses(bench.ground), ['10.7.0.100', '10.7.0.101'])
  equal(bench.agent.attach.masters?.get(MASTER)?.mtu, undefined, 'what was wrong is forgotten')
})

test('a master that is another link now: nothing is made over the former', async () => {
  await using bench = await makeBench()
  const asked = await afterAnother(bench)
  masterOf(bench).name = parseIfName('was')
  masterOf(bench, 'eth2').name = MASTER
  await bench.agent.call('ADD', asked)
  equal(mtuIn(bench, 'p1'), 9000)
})

test('a master that is gone is refused as it always is, and nothing is left', async () => {
  await using bench = await makeBench()
  const asked = await afterAnother(bench)
  deleteLink(bench.ground.host, masterOf(bench))
  const then = await stateOf(bench.ground)
  equal((await refusalOf(bench.agent.call('ADD', asked)))?.code, 'master-missing')
  equal(await stateOf(bench.ground), then)
})

test('a name that somebody has is refused as it always is, and nothing is left', async () => {
  await using bench = await makeBench()
  const asked = { ...(await afterAnother(bench)), ifName: 'lo' }
  const then = await stateOf(bench.ground)
  const refused = await refusalOf(bench.agent.call('ADD', asked))
  equal(refused?.code, 'interface-exists')
  equal(await stateOf(bench.ground), then)
})
