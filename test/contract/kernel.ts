/**
 * What every `Kernel` must do, real or simulated: each kind of step is taken,
 * read back by the questions and undone, and the state is what it was before.
 * More cases are in the files beside it, which this suite runs too.
 * @module
 */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseHardwareAddress } from '#values/hardware-address.ts'
import { parseIfName } from '#values/if-name.ts'
import { VERBENA_GROUP } from '#values/mark.ts'
import { STEP_KINDS, type Step, undoOf, undoOfAll } from '#values/step.ts'
import { PEER, readBack, veth, wholePlan } from './kernel-plan.ts'
import { nameContract } from './kernel-names.ts'
import { lentContract, sharedContract } from './kernel-links.ts'
import { probeContract } from './kernel-probes.ts'
import { refusalContract } from './kernel-refusals.ts'
import {
  type ContractWorld,
  ipoib,
  linkAt,
  macvlan,
  stateOf,
  type WithWorld,
} from './kernel-world.ts'

export type { ContractWorld } from './kernel-world.ts'

const TEMP = parseIfName('vbct0')
const MARK = 'verbena contract'
const MAC = parseHardwareAddress('02:00:00:00:10:01')
const TIMEOUT_MS = 60_000

/** Runs the suite, or what of it bears `only` in its name; `open` makes a host for each test. */
export function kernelContract(name: string, open: () => Promise<ContractWorld>, only = ''): void {
  const withWorld = (does: string, act: (world: ContractWorld) => Promise<void>): void => {
    if (!does.includes(only)) return
    test(does, { timeout: TIMEOUT_MS }, async (t) => {
      const world = await open()
      try {
        if (does.startsWith('ipoib') && world.ipoibParent === undefined) {
          t.skip('there is no IPoIB parent')
          return
        }
        if (does.startsWith('stacks') && !world.stacks) {
          t.skip('this kernel has no VLANs, bonds and ipvlans')
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
    nameContract(withWorld)
    ipoibContract(withWorld)
    sharedContract(withWorld)
    lentContract(withWorld)
    probeContract(withWorld)
    refusalContract(withWorld)
  })
}

function planContract(withWorld: WithWorld): void {
  withWorld('the plan of this suite has every kind of step', async (world) => {
    const plan = await wholePlan(world)
    const kinds = new Set([...plan, ...plan.flatMap(undoOf)].map((step) => step.do))
    deepEqual(
      // a shared link stays: it has a test of its own
      [...STEP_KINDS].filter((kind) => !kinds.has(kind) && kind !== 'share-link'),
      [],
    )
  })

  withWorld('take() of every kind of step can be read back', async (world) => {
    await world.kernel.take(await wholePlan(world))
    await readBack(world)
  })

  withWorld('take() of each undo in reverse leaves the state of before', async (world) => {
    const before = await stateOf(world)
    const plan = await wholePlan(world)
    await world.kernel.take(plan)
    await world.kernel.take(plan.toReversed().flatMap(undoOf))
    deepEqual(await stateOf(world), before)
  })

  withWorld('take() of undoOfAll() leaves the state of before, twice too', async (world) => {
    const before = await stateOf(world)
    const plan = await wholePlan(world)
    await world.kernel.take(plan)
    await world.kernel.take(undoOfAll(plan))
    await world.kernel.take(undoOfAll(plan))
    deepEqual(await stateOf(world), before)
  })

  withWorld('take() of a half of the plan is undone by the undo of the whole', async (world) => {
    const before = await stateOf(world)
    const plan = await wholePlan(world)
    await world.kernel.take(plan.slice(0, plan.length / 2))
    await world.kernel.take(undoOfAll(plan))
    deepEqual(await stateOf(world), before)
  })

  withWorld('take() of the undo of what never was changes nothing', async (world) => {
    const before = await stateOf(world)
    await world.kernel.take((await wholePlan(world)).toReversed().flatMap(undoOf))
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
    deepEqual(
      [far.kind.kind, far.address, far.mtu, far.group],
      ['veth', address, 1400, VERBENA_GROUP],
    )
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
      ok(
        own.every(({ cidr }) => !cidr.includes('ff:fe00:1001')),
        'not made of the MAC',
      )
    })
  }
}

function ipoibContract(withWorld: WithWorld): void {
  for (const mode of ['datagram', 'connected'] as const) {
    withWorld(
      `ipoib of mode ${mode} is a full member with an address of its own`,
      async (world) => {
        const step = ipoib(world, { mode, pkey: '0x0001' })
        await world.kernel.take([step])
        const [parent, child] = [
          await linkAt(world, 'host', world.ipoibParent ?? TEMP),
          await linkAt(world, world.pod, TEMP),
        ]
        ok(child.kind.kind === 'ipoib')
        deepEqual([child.kind.pkey, child.kind.mode], [0x8001, mode])
        deepEqual([child.arpType, child.group, child.alias], [32, VERBENA_GROUP, MARK])
        equal(child.address?.length, 59)
        ok(child.address !== parent.address, 'its queue pair is its own')
        equal(child.address?.slice(-23), parent.address?.slice(-23), "the GUID is the port's")
        await world.kernel.take(undoOf(step))
        equal(await world.kernel.link(world.pod, TEMP), undefined)
      },
    )
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
