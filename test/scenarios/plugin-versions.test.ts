/**
 * Every plugin of ours in every version of the specification, on the simulated
 * machine: ADD, ADD again, CHECK, DEL twice, and nothing left of it; and the same
 * when the plugin behind it fails.
 * @module
 */
import { deepEqual, equal, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { removeNetns } from '#sim/links.ts'
import { CNI_VERSIONS } from '#wire/cni/result.ts'
import { makeGround, stateOf } from './ground.ts'
import { bootAgent } from './memory-agent.ts'
import { WORLD } from './world.ts'

const IPAM = {
  type: 'static',
  addresses: [{ address: '10.9.0.5/24', gateway: '10.9.0.1' }, { address: 'fd09::5/64' }],
  routes: [{ dst: '0.0.0.0/0' }],
}
type Conf = Readonly<Record<string, unknown>> & { readonly type: string }
const MAIN: readonly Conf[] = [
  { type: 'macvlan', master: 'eth1', ipam: IPAM },
  { type: 'ipvlan', master: 'eth1', ipam: IPAM },
  { type: 'vlan', master: 'eth1', vlanId: 7, ipam: IPAM },
  { type: 'host-device', device: 'eth2', ipam: IPAM },
  { type: 'ipoib', master: 'ib0', ipam: IPAM },
]
const BEHIND: readonly Conf[] = [
  { type: 'tuning', mtu: 1300, promisc: true, sysctl: { 'net.ipv4.conf.all.rp_filter': '0' } },
  { type: 'sbr' },
]
const asked = { netns: 'p1', container: 'c1' }
/** CHECK, and prevResult at DEL, came with it. */
const CHECKS_FROM = CNI_VERSIONS.indexOf('0.4.0')

for (const [at, cniVersion] of CNI_VERSIONS.entries()) {
  for (const main of MAIN) {
    test(`${main.type} with tuning and sbr in CNI ${cniVersion}`, async () => {
      await using ground = await makeGround(WORLD)
      const agent = bootAgent(ground)
      const before = await stateOf(ground)
      const list = { cniVersion, plugins: [main, ...BEHIND] }
      const call = (verb: string, more: object = {}): Promise<string> =>
        agent.call(verb, { ...asked, type: 'conflist', conf: { ...list, ...more } })
      const told = await call('ADD')
      equal(await call('ADD'), told)
      const prevResult: { readonly cniVersion?: string } = JSON.parse(told)
      equal(prevResult.cniVersion, cniVersion)
      const check = call('CHECK', { prevResult })
      if (at >= CHECKS_FROM) equal(await check, '')
      else await rejects(check, { message: 'config version does not allow CHECK' })
      for (const more of [{ prevResult }, {}]) {
        equal(await call('DEL', at < CHECKS_FROM ? {} : more), '')
      }
      equal(await stateOf(ground), before)
    })
  }
}

for (const main of MAIN) {
  test(`${main.type} leaves nothing when the plugin behind it fails`, async () => {
    await using ground = await makeGround(WORLD)
    const agent = bootAgent(ground)
    const before = await stateOf(ground)
    const wrong = { type: 'tuning', sysctl: { 'net.core.nosuch': '1' } }
    const conf = { plugins: [main, ...BEHIND, wrong] }
    await rejects(agent.call('ADD', { ...asked, type: 'conflist', conf }), {
      message: 'Cannot set sysctl net/core/nosuch: it does not exist',
    })
    equal(await stateOf(ground), before)
  })
}

test('a DEL without a row takes down what each plugin can have left', async () => {
  for (const main of MAIN) {
    await using ground = await makeGround(WORLD)
    const agent = bootAgent(ground)
    const before = await stateOf(ground)
    const conf = { plugins: [main, { type: 'sbr' }] }
    const all = { ...asked, type: 'conflist', conf }
    const prevResult: unknown = JSON.parse(await agent.call('ADD', all))
    ground.journal.erase(ground.journal.all().map((row) => row.attachment))
    await agent.call('DEL', { ...all, conf: { ...conf, prevResult } })
    const after = await stateOf(ground)
    // what only the record knew of a link that was lent: that it was up, and its alias
    const apart = (text: string): string[] =>
      text.split('\n').filter((line) => !/eth2|to the store|fe80:|valid_lft/.test(line))
    deepEqual(apart(after), apart(before), main.type)
    equal(
      ground.host.netns.get('host')?.links.some(({ name }) => name === 'eth2'),
      true,
    )
  }
})

for (const forgotten of [false, true]) {
  const how = forgotten ? 'by GC alone' : 'by its DEL'
  test(`an interface that a vanished namespace gave back gets its name ${how}`, async () => {
    await using ground = await makeGround(WORLD)
    const agent = bootAgent(ground)
    const names = (): string[] => ground.host.netns.get('host')?.links.map((l) => l.name) ?? []
    const before = names()
    const conf = { device: 'eth2', ipam: IPAM }
    const call = { ...asked, type: 'host-device', conf }
    await agent.call('ADD', call)
    removeNetns(ground.host, 'p1')
    deepEqual(names().toSorted(), [...before.filter((name) => name !== 'eth2'), 'eth0'].toSorted())
    if (forgotten) ground.journal.erase(ground.journal.all().map((row) => row.attachment))
    const gc = { cniVersion: '1.1.0', 'cni.dev/valid-attachments': [] }
    if (forgotten) await agent.call('GC', { ...call, container: '', conf: { ...conf, ...gc } })
    else await agent.call('DEL', call)
    deepEqual(names(), before)
    const link = ground.host.netns.get('host')?.links.find(({ name }) => name === 'eth2')
    deepEqual([link?.group, link?.alias], [0, forgotten ? undefined : 'to the store'])
  })
}
