/**
 * The coordinator and probes in a whole attach, on the simulated kernel: what
 * several interfaces of one request have of each other, and what is refused.
 * @module
 */
import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { linkNamed, netnsAt } from '#sim/find.ts'
import { addNetns } from '#sim/read-world.ts'
import { canReach } from '#sim/reach.ts'
import { parseHardwareAddress } from '#values/hardware-address.ts'
import { parseIfName } from '#values/if-name.ts'
import { parseCidr } from '#values/cidr.ts'
import { parseIp } from '#values/ip.ts'
import { parseNetnsPath } from '#values/netns.ts'
import { simKernel } from '#sim/kernel.ts'
import { addressesIn, heldAddresses } from './bench.ts'
import { COORDINATOR, IPAM, macvlanOn, nad, networks, POOLS } from './documents.ts'
import { addPod, type Ground, makeGround, stateOf } from './ground.ts'
import { type Asked, bootAgent } from './memory-agent.ts'
import { refusalOf } from './refusal.ts'
import { WORLD } from './world.ts'

const PROBED = { ...IPAM.spiderpool, enableIPConflictDetection: true }
const AUTO = { type: 'coordinator', mode: 'auto' }
const NADS = [
  nad('rail', [macvlanOn(IPAM.spiderpool), COORDINATOR]),
  nad('auto', [macvlanOn(IPAM.both), AUTO]),
  nad('overlay', [{ type: 'acme-veth' }]),
  nad('probed', [macvlanOn(PROBED)]),
]

async function benchOn(...names: [string, ...string[]]) {
  const ground = await makeGround(WORLD, [...POOLS, ...NADS])
  const pod = await addPod(ground, 'pod-1', networks(...names))
  const asked: Asked = { netns: 'p1', container: 'c0ffee000001', pod }
  return { ground, asked, agent: bootAgent(ground) }
}

/** Tables that rules of the pod look up for an address, by address. */
async function tablesOf(ground: Ground): Promise<Record<string, number>> {
  const rules = await simKernel(ground.host).rules(parseNetnsPath('/run/netns/p1'))
  return Object.fromEntries(
    rules.flatMap(({ from, table }) => (from === undefined ? [] : [[from, table]])),
  )
}

test('interfaces that are planned at once have a table each', async () => {
  const { ground, agent, asked } = await benchOn('rail', 'rail', 'rail', 'rail')
  await using _ = ground
  await agent.call('ADD', asked)
  deepEqual(await tablesOf(ground), {
    '10.7.0.101/32': 102,
    '10.7.0.102/32': 103,
    '10.7.0.103/32': 104,
  })
})

test("an interface beside another vendor's is planned when that one is there", async () => {
  const { ground, agent, asked } = await benchOn('overlay', 'auto', 'auto')
  await using _ = ground
  const before = await stateOf(ground)
  await agent.call('ADD', asked)
  deepEqual(await tablesOf(ground), {
    '10.7.0.100/32': 101,
    '10.7.0.101/32': 102,
    'fd07::100/128': 101,
    'fd07::101/128': 102,
    '10.9.0.5/32': 100,
  })
  for (const ip of ['10.7.0.100', '10.7.0.101', 'fd07::100']) {
    const { reached } = canReach({ host: ground.host }, 'host', parseIp(ip))
    equal(reached, true, ip)
  }
  await agent.call('CHECK', asked)
  await agent.call('DEL', asked)
  equal(await stateOf(ground), before)
})

/** Somebody else on the wire of `eth1` with an address of the pool. */
async function addHolder({ host }: Ground, address: string): Promise<void> {
  addNetns(host, 'other')
  const netns = parseNetnsPath('/run/netns/other')
  const [temp, name] = [parseIfName('x0'), parseIfName('eth0')]
  await simKernel(host).take([
    {
      do: 'create-link',
      netns,
      way: 'in-place',
      temp,
      name,
      mark: 'other',
      spec: { kind: 'macvlan', parent: parseIfName('eth1'), mode: 'bridge' },
      mtu: undefined,
      address: parseHardwareAddress('02:00:00:00:0b:ad'),
    },
    { do: 'set-link', where: netns, link: temp, set: { up: true } },
    { do: 'add-address', where: netns, link: temp, cidr: parseCidr(address) },
  ])
  const link = linkNamed(netnsAt(host, netns), temp)
  if (link !== undefined) Object.assign(link, { group: 0, alias: undefined })
}

test('an address in conflict is given back, and not given again for a while', async () => {
  const { ground, agent, asked } = await benchOn('probed')
  await using _ = ground
  await addHolder(ground, '10.7.0.100/16')
  const before = await stateOf(ground)
  const refused = await refusalOf(agent.call('ADD', asked))
  deepEqual([refused?.code, refused?.cni], ['ip-conflict', 11])
  match(refused?.text ?? '', /10\.7\.0\.100 for eth0 is in use by 02:00:00:00:0b:ad \(pool v4\)/)
  equal(await stateOf(ground), before)
  const added = await agent.call('ADD', asked)
  deepEqual([addressesIn(added), await heldAddresses(ground)], [['10.7.0.101'], ['10.7.0.101']])
  // an agent that starts anew finds it out again
  const other = await addPod(ground, 'pod-2', networks('probed'))
  const again = { netns: 'p2', container: 'c0ffee000002', pod: other }
  equal((await refusalOf(bootAgent(ground).call('ADD', again)))?.code, 'ip-conflict')
})

test('the older container of a pod is nobody else', async () => {
  const { ground, agent, asked } = await benchOn('probed')
  await using _ = ground
  const first = await agent.call('ADD', asked)
  const newer = { ...asked, netns: 'p2', container: 'c0ffee000009' }
  deepEqual(addressesIn(await agent.call('ADD', newer)), addressesIn(first))
})

test('a call of the coordinator takes the values of the store, DEL does without', async () => {
  const { ground, agent, asked } = await benchOn('rail')
  await using _ = ground
  const before = await stateOf(ground)
  const { metadata } = await ground.records.create({
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderCoordinator',
    metadata: { name: 'default' },
    spec: { hostRuleTable: 700, vethMTU: 1400, hijackCIDR: ['10.50.0.0/16'] },
    status: { phase: 'Synced', serviceCIDR: ['10.96.0.0/12'] },
  })
  const macvlan = { ...asked, type: 'macvlan', ifName: 'eth0' }
  const conf = { cniVersion: '1.0.0', name: 'net', ...macvlanOn(IPAM.spiderpool) }
  const prevResult: unknown = JSON.parse(await agent.call('ADD', { ...macvlan, conf }))
  const own = { cniVersion: '1.0.0', name: 'net', type: 'coordinator', prevResult }
  const coordinator = { ...asked, type: 'coordinator', ifName: 'eth0', conf: own }
  await agent.call('ADD', coordinator)
  const kernel = simKernel(ground.host)
  const tables = (await kernel.rules('host')).map(({ to, table }) => `${to} ${table}`)
  equal(tables.includes('10.7.0.100/32 700'), true)
  const pod = parseNetnsPath('/run/netns/p1')
  const over = (await kernel.routes(pod)).flatMap(({ dst, via }) =>
    via === undefined ? [] : [dst],
  )
  deepEqual(over.toSorted(), ['0.0.0.0/0', '10.50.0.0/16', '10.96.0.0/12'])
  equal((await kernel.link(pod, parseIfName('veth0')))?.mtu, 1400)
  await agent.call('CHECK', coordinator)
  await ground.records.delete({
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderCoordinator',
    namespace: undefined,
    name: metadata.name,
  })
  await agent.call('DEL', { ...coordinator, conf: { ...own, prevResult: undefined } })
  await agent.call('DEL', { ...macvlan, conf })
  equal(await stateOf(ground), before)
})
