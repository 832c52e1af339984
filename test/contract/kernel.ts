/**
 * What every `Kernel` must do, real or simulated: each kind of step is taken,
 * read back by the questions and undone, and the state is what it was before.
 * More cases are in `kernel-refusals.ts`, which this suite runs too.
 * @module
 */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseHardwareAddress } from '#values/hardware-address.ts'
import { parseIfName } from '#values/if-name.ts'
import { parseCidr, parseIp } from '#values/ip.ts'
import { VERBENA_GROUP, VERBENA_PROTOCOL, VERBENA_TABLE } from '#values/link.ts'
import type { Rule } from '#values/route.ts'
import { type CreateLink, STEP_KINDS, type Step, undoOf, undoOfAll } from '#values/step.ts'
import { refusalContract } from './kernel-refusals.ts'
import {
  type ContractWorld,
  ipoib,
  linkAt,
  macvlan,
  routeBy,
  RULE,
  stateOf,
  type WithWorld,
} from './kernel-world.ts'

export type { ContractWorld } from './kernel-world.ts'

const TEMP = parseIfName('vbct0')
const NAME = parseIfName('net1')
const VETH = parseIfName('veth0')
const PEER = parseIfName('vbctpeer')
const MARK = 'verbena contract'
const MAC = parseHardwareAddress('02:00:00:00:10:01')
const TIMEOUT_MS = 60_000

/** Runs the suite; `open` makes a fresh host for each test. */
export function kernelContract(name: string, open: () => Promise<ContractWorld>): void {
  const withWorld = (does: string, act: (world: ContractWorld) => Promise<void>): void => {
    test(does, { timeout: TIMEOUT_MS }, async (t) => {
      const world = await open()
      try {
        if (does.startsWith('ipoib') && world.ipoibParent === undefined) {
          t.skip('there is no IPoIB parent')
          return
        }
        await act(world)
      } finally {
        await world.close()
      }
    })
  }
  describe(`${name} as a Kernel`, () => {
    planContract(withWorld)
    linkContract(withWorld)
    refusalContract(withWorld)
  })
}

function planContract(withWorld: WithWorld): void {
  withWorld('the plan of this suite has every kind of step', async (world) => {
    const plan = wholePlan(world)
    const kinds = new Set([...plan, ...plan.flatMap(undoOf)].map((step) => step.do))
    deepEqual([...STEP_KINDS].filter((kind) => !kinds.has(kind)), [])
  })

  withWorld('take() of every kind of step can be read back', async (world) => {
    await world.kernel.take(wholePlan(world))
    await readBack(world)
  })

  withWorld('take() of each undo in reverse leaves the state of before', async (world) => {
    const before = await stateOf(world)
    const plan = wholePlan(world)
    await world.kernel.take(plan)
    await world.kernel.take(plan.toReversed().flatMap(undoOf))
    deepEqual(await stateOf(world), before)
  })

  withWorld('take() of undoOfAll() leaves the state of before, twice too', async (world) => {
    const before = await stateOf(world)
    const plan = wholePlan(world)
    await world.kernel.take(plan)
    await world.kernel.take(undoOfAll(plan))
    await world.kernel.take(undoOfAll(plan))
    deepEqual(await stateOf(world), before)
  })

  withWorld('take() of a half of the plan is undone by the undo of the whole', async (world) => {
    const before = await stateOf(world)
    const plan = wholePlan(world)
    await world.kernel.take(plan.slice(0, plan.length / 2))
    await world.kernel.take(undoOfAll(plan))
    deepEqual(await stateOf(world), before)
  })

  withWorld('take() of the undo of what never was changes nothing', async (world) => {
    const before = await stateOf(world)
    await world.kernel.take(wholePlan(world).toReversed().flatMap(undoOf))
    deepEqual(await stateOf(world), before)
  })
}

function linkContract(withWorld: WithWorld): void {
  for (const mode of ['private', 'vepa', 'bridge', 'passthru'] as const) {
    withWorld(`macvlan of mode ${mode} is made, ours from the start`, async (world) => {
      const step = macvlan(world, { mode })
      await world.kernel.take([step])
      const link = await linkAt(world, world.pod, TEMP)
      deepEqual(link.kind, { kind: 'macvlan', mode })
      deepEqual([link.group, link.alias, link.up], [VERBENA_GROUP, MARK, false])
      if (mode !== 'passthru') equal(link.address, MAC)
      await world.kernel.take(undoOf(step))
      equal(await world.kernel.link(world.pod, TEMP), undefined)
    })
  }

  withWorld('macvlan by way of the host ends up in the pod alone', async (world) => {
    await world.kernel.take([{ ...macvlan(world), way: 'move' }])
    equal(await world.kernel.link('host', TEMP), undefined)
    const link = await linkAt(world, world.pod, TEMP)
    deepEqual([link.kind.kind, link.group, link.alias], ['macvlan', VERBENA_GROUP, MARK])
  })

  withWorld('veth has its peer in the host, and both go together', async (world) => {
    const step = veth(world)
    await world.kernel.take([step])
    const [near, far] = [await linkAt(world, world.pod, TEMP), await linkAt(world, 'host', PEER)]
    deepEqual([near.kind.kind, near.address, near.mtu, near.alias], ['veth', MAC, 1400, MARK])
    const address = '02:00:00:00:10:02'
    deepEqual([far.kind.kind, far.address, far.mtu, far.group],
      ['veth', address, 1400, VERBENA_GROUP])
    await world.kernel.take([
      { do: 'set-link', where: world.pod, link: TEMP, set: { up: true } },
      { do: 'set-link', where: 'host', link: PEER, set: { up: true } },
    ])
    equal((await linkAt(world, world.pod, TEMP)).carrier, true)
    await world.kernel.take(undoOf(step))
    equal(await world.kernel.link('host', PEER), undefined)
  })

  for (const { mode, made } of [
    { mode: 'none', made: 0 },
    { mode: 'random', made: 1 },
  ] as const) {
    withWorld(`set-link addrGenMode ${mode} is so before the link goes up`, async (world) => {
      const set = { addrGenMode: mode, up: true } as const
      const step: Step = { do: 'set-link', where: world.pod, link: TEMP, set }
      await world.kernel.take([macvlan(world), step])
      const own = (await world.kernel.addresses(world.pod)).filter((a) => a.link === TEMP)
      equal(own.length, made)
      ok(own.every(({ cidr }) => !cidr.includes('ff:fe00:1001')), 'not made of the MAC')
    })
  }

  for (const mode of ['datagram', 'connected'] as const) {
    withWorld(`ipoib of mode ${mode} is a full member with an address of its own`, async (world) => {
      const step = ipoib(world, { mode, pkey: '0x0001' })
      await world.kernel.take([step])
      const [parent, child] = [await linkAt(world, 'host', world.ipoibParent ?? NAME),
        await linkAt(world, world.pod, TEMP)]
      ok(child.kind.kind === 'ipoib')
      deepEqual([child.kind.pkey, child.kind.mode], [0x8001, mode])
      deepEqual([child.arpType, child.group, child.alias], [32, VERBENA_GROUP, MARK])
      equal(child.address?.length, 59)
      ok(child.address !== parent.address, 'its queue pair is its own')
      equal(child.address?.slice(-23), parent.address?.slice(-23), 'the GUID is the port\'s')
      await world.kernel.take(undoOf(step))
      equal(await world.kernel.link(world.pod, TEMP), undefined)
    })
  }

  withWorld('ipoib takes its GUID and MTU from the step', async (world) => {
    const guid = '02:00:00:00:00:00:00:99'
    const address = parseHardwareAddress(`00:00:00:00:${'00:'.repeat(8)}${guid}`)
    await world.kernel.take([{ ...ipoib(world, {}), address, mtu: 1500 }])
    const child = await linkAt(world, world.pod, TEMP)
    equal(child.address?.slice(-23), guid)
    equal(child.mtu, 1500)
  })
}

function veth({ pod }: ContractWorld): CreateLink {
  const address = parseHardwareAddress('02:00:00:00:10:02')
  return {
    do: 'create-link', netns: pod, way: 'in-place', temp: TEMP, name: VETH, mark: MARK,
    spec: { kind: 'veth', peer: { name: PEER, address, mtu: 1400 } }, mtu: 1400, address: MAC,
  }
}

const MARK_RULE: Rule = { ...RULE, to: undefined, fwmark: { mark: 1, mask: 0xffffffff } }
const RP_FILTER = 'net/ipv4/conf/all/rp_filter'

/** One attachment with everything: a macvlan with addresses, and a veth to the host. */
function wholePlan(world: ContractWorld): Step[] {
  const { pod } = world
  const link = { ...macvlan(world), mtu: 1300 }
  const pair: CreateLink = { ...veth(world), temp: parseIfName('vbct1'), mark: `${MARK} 2`,
    address: parseHardwareAddress('02:00:00:00:10:03') }
  const neighbour = { link: PEER, ip: parseIp('10.99.0.7'), address: MAC, permanent: true }
  const chain = { type: 'filter', hook: 'prerouting', priority: -150, name: 'prerouting' } as const
  return [
    link,
    { do: 'set-link', where: pod, link: TEMP, set: { addrGenMode: 'none', txQueueLength: 500 } },
    { do: 'rename-link', netns: pod, from: TEMP, to: NAME },
    { do: 'set-sysctl', where: pod, path: RP_FILTER, value: '2', was: '0' },
    {
      do: 'set-sysctl', where: pod, path: `net/ipv4/conf/${NAME}/arp_notify`, value: '1',
      was: undefined,
    },
    { do: 'set-link', where: pod, link: NAME, set: { up: true } },
    { do: 'add-address', where: pod, link: NAME, cidr: parseCidr('10.99.0.7/24') },
    { do: 'add-address', where: pod, link: NAME, cidr: parseCidr('fd99::7/64') },
    { do: 'add-route', where: pod, route: routeBy(NAME, '10.98.0.0/16', '10.99.0.1') },
    { do: 'add-route', where: pod, route: routeBy(NAME, 'fd98::/64', 'fd99::1') },
    { do: 'add-route', where: pod, route: { ...routeBy(NAME, '10.97.0.1/32'), table: 101 } },
    pair,
    { do: 'rename-link', netns: pod, from: pair.temp, to: VETH },
    { do: 'set-link', where: pod, link: VETH, set: { up: true } },
    { do: 'set-link', where: 'host', link: PEER, set: { up: true } },
    { do: 'add-neighbour', where: 'host', neighbour },
    { do: 'add-route', where: 'host', route: { ...routeBy(PEER, '10.99.0.7/32'), table: 500 } },
    { do: 'add-rule', where: 'host', rule: RULE },
    { do: 'add-rule', where: pod, rule: MARK_RULE },
    {
      do: 'add-nft-table', where: pod,
      table: {
        name: VERBENA_TABLE,
        chains: [{
          ...chain,
          rules: [{ nft: 'mark-new-from', link: VETH, mark: 1 }, { nft: 'save-mark', mark: 1 }],
        }],
      },
    },
  ]
}

async function readBack(world: ContractWorld): Promise<void> {
  const { kernel, pod } = world
  const link = await linkAt(world, pod, NAME)
  deepEqual([link.mtu, link.up, link.carrier, link.address, link.alias],
    [1300, true, true, MAC, MARK])
  const addresses = await kernel.addresses(pod)
  deepEqual(addresses.filter((a) => a.link === NAME).map((a) => `${a.cidr} ${a.scope}`),
    ['10.99.0.7/24 global', 'fd99::7/64 global'])
  const routes = (await kernel.routes(pod)).filter((r) => r.protocol === VERBENA_PROTOCOL)
  deepEqual(routes.map((r) => `${r.dst} ${r.via} ${r.dev} ${r.table} ${r.scope}`).toSorted(), [
    `10.97.0.1/32 undefined ${NAME} 101 link`,
    `10.98.0.0/16 10.99.0.1 ${NAME} 254 global`,
    `fd98::/64 fd99::1 ${NAME} 254 global`,
  ])
  const connected = (await kernel.routes(pod)).filter((r) => r.dst === '10.99.0.0/24')
  deepEqual(connected.map((r) => [r.protocol, r.scope, r.src]), [[2, 'link', '10.99.0.7']])
  deepEqual((await kernel.rules('host')).filter((r) => r.protocol === VERBENA_PROTOCOL), [RULE])
  deepEqual((await kernel.rules(pod)).filter((r) => r.protocol === VERBENA_PROTOCOL), [MARK_RULE])
  equal(await kernel.sysctl(pod, RP_FILTER), '2')
  equal(await kernel.sysctl(pod, `net/ipv4/conf/${NAME}/arp_notify`), '1')
  deepEqual(await kernel.nftTables(pod), [VERBENA_TABLE])
  if (world.neighbours === undefined) return
  ok((await world.neighbours('host')).includes(`10.99.0.7 dev ${PEER} lladdr ${MAC} PERMANENT`))
}

