/**
 * What the meta plugin waits for and whom it serves: in memory, where waiting
 * takes no time.
 * @module
 */
import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { macvlanOn, nad, networks } from './documents.ts'
import { addPod, makeGround, stateOf } from './ground.ts'
import { bootAgent } from './memory-agent.ts'
import { refusalOf } from './refusal.ts'
import { WORLD } from './world.ts'

const FIXED = { type: 'static', addresses: [{ address: '10.5.0.5/16' }] }
const DOCUMENTS = [nad('first', [macvlanOn(FIXED)])]
const READY = '/run/ready'
const CONF = { clusterNetwork: 'first', readinessindicatorfile: READY }

test('ADD waits for the file that says that the node is ready, STATUS does not', async () => {
  await using ground = await makeGround(WORLD, DOCUMENTS)
  const before = await stateOf(ground)
  const pod = await addPod(ground, 'pod-1', networks('first'))
  const asked = { netns: 'p1', container: 'c1', pod, type: 'multus', conf: CONF }
  const agent = bootAgent(ground)
  const refused = await refusalOf(agent.call('ADD', asked))
  deepEqual([refused?.code, refused?.cni], ['network-not-ready', 11])
  const about = { ...asked, conf: { ...CONF, cniVersion: '1.1.0' } }
  equal((await refusalOf(agent.call('STATUS', about)))?.code, 'network-not-ready')
  await agent.call('DEL', asked)
  equal(await stateOf(ground), before)
  ground.files.set(READY, '')
  equal(await agent.call('STATUS', about), '')
  match(await agent.call('ADD', asked), /10\.5\.0\.5\/16/)
  ground.files.delete(READY)
  await agent.call('DEL', asked)
  equal(await stateOf(ground), before)
})

test('STATUS tells of a configuration that no ADD could follow', async () => {
  await using ground = await makeGround(WORLD, DOCUMENTS)
  const conf = { cniVersion: '1.1.0', delegates: [{}] }
  const asked = { netns: '', container: '', type: 'multus', conf }
  equal((await refusalOf(bootAgent(ground).call('STATUS', asked)))?.code, 'multus-conf-invalid')
})

for (const [source, served] of [
  ['file', true],
  ['api', false],
] as const) {
  const outcome = served ? 'served' : 'refused'
  test(`a pod of source ${source} under another uid is ${outcome}`, async () => {
    await using ground = await makeGround(WORLD, DOCUMENTS)
    const annotations = { ...networks('first'), 'kubernetes.io/config.source': source }
    const pod = { ...(await addPod(ground, 'pod-1', annotations)), uid: 'of-the-kubelet' }
    const asked = { netns: 'p1', container: 'c1', pod }
    const agent = bootAgent(ground, { publishes: true })
    if (!served) {
      equal((await refusalOf(agent.call('ADD', asked)))?.code, 'pod-uid-differs')
      return
    }
    await agent.call('ADD', asked)
    await agent.published()
    const ref = { apiVersion: 'v1', kind: 'Pod', namespace: 'default', name: 'pod-1' }
    const stored = await ground.records.get(ref)
    match(stored?.metadata.annotations?.['k8s.v1.cni.cncf.io/network-status'] ?? '', /eth0/)
    await agent.call('DEL', asked)
  })
}

test('runtimeConfig of the runtime reaches the networks that declare it', async () => {
  const mac = '02:00:00:00:00:42'
  const declaring = { ...macvlanOn(FIXED), capabilities: { mac: true } }
  await using ground = await makeGround(WORLD, [nad('first', [declaring])])
  const pod = await addPod(ground, 'pod-1')
  const conf = { clusterNetwork: 'first', runtimeConfig: { mac } }
  const asked = { netns: 'p1', container: 'c1', pod, type: 'multus', conf }
  const agent = bootAgent(ground)
  match(await agent.call('ADD', asked), new RegExp(mac))
  await agent.call('DEL', asked)
})
