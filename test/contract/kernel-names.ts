/**
 * Links that are made in the pod under their own name: whatever the host calls by
 * it, whoever else wants it there, and whenever the one who makes them is killed.
 * @module
 */
import { deepEqual, equal, rejects } from 'node:assert/strict'
import { failureIn } from '#values/failure.ts'
import { VERBENA_GROUP, makingGroup, movedGroup } from '#values/mark.ts'
import { type CreateLink, undoOf } from '#values/step.ts'
import { PEER, veth } from './kernel-plan.ts'
import {
  type ContractWorld,
  ipoib,
  linkAt,
  macvlan,
  stateOf,
  type WithWorld,
} from './kernel-world.ts'

const MARK = 'verbena contract'
const OTHER = 'verbena contract of somebody else'

/** Of each kind, under the name that a link of the host has: the parent's own. */
const KINDS: readonly {
  readonly kind: string
  readonly made: (world: ContractWorld) => CreateLink
}[] = [
  { kind: 'macvlan', made: (world) => named(macvlan(world), world.ethernetParent) },
  { kind: 'veth', made: (world) => named(veth(world), world.ethernetParent) },
  {
    kind: 'ipoib',
    made: (world) => named(ipoib(world, {}), world.ipoibParent ?? world.ethernetParent),
  },
]

/** What a link without an alias can have as its group when its maker was killed, or was another. */
const HALF_MADE = [
  { of: 'its own', group: makingGroup(MARK), goes: true },
  { of: 'an agent before this one', group: VERBENA_GROUP, goes: true },
  { of: 'another owner', group: makingGroup(OTHER), goes: false },
  { of: 'a link that was lent', group: movedGroup(MARK), goes: false },
  { of: 'nobody', group: 0, goes: false },
] as const

/** Registers its tests. */
export function nameContract(withWorld: WithWorld): void {
  for (const { kind, made } of KINDS) {
    withWorld(`${kind} is made under a name that a link of the host has`, async (world) => {
      const before = await stateOf(world)
      const step = made(world)
      const twin = await linkAt(world, 'host', step.name)
      await world.kernel.take([step])
      const link = await linkAt(world, world.pod, step.name)
      deepEqual([link.kind.kind, link.group, link.alias], [kind, VERBENA_GROUP, MARK])
      deepEqual(await linkAt(world, 'host', step.name), twin)
      await world.kernel.take(undoOf(step))
      deepEqual(await stateOf(world), before)
    })

    for (const { of, group, goes } of HALF_MADE) {
      const does = goes ? 'finds' : 'leaves'
      withWorld(`${kind} half-made with the group of ${of}: undo ${does} it`, async (world) => {
        const before = await stateOf(world)
        const step = made(world)
        await world.kernel.take([step])
        await unmark(world, step, group)
        const half = await stateOf(world)
        await world.kernel.take(undoOf(step))
        deepEqual(await stateOf(world), goes ? before : half)
      })
    }
    raceContract(kind, made, withWorld)
  }

  withWorld('veth bears the mark at both ends', async (world) => {
    const step = veth(world)
    await world.kernel.take([step])
    const ends = [await linkAt(world, world.pod, step.temp), await linkAt(world, 'host', PEER)]
    deepEqual(
      ends.map(({ group, alias }) => [group, alias]),
      ends.map(() => [VERBENA_GROUP, MARK]),
    )
  })

  withWorld("undo of a link that was never made leaves its owner's veth alone", async (world) => {
    await world.kernel.take([veth(world)])
    const before = await stateOf(world)
    await world.kernel.take(undoOf(named(macvlan(world), world.ethernetParent)))
    deepEqual(await stateOf(world), before)
  })

  withWorld('ipoib half-made comes back to the host, and undo finds it there', async (world) => {
    const before = await world.kernel.links('host')
    const step = named(ipoib(world, {}), world.spare)
    await world.kernel.take([step])
    await unmark(world, step, makingGroup(MARK))
    await world.removeNetns()
    await world.kernel.take(undoOf(step))
    deepEqual(await world.kernel.links('host'), before)
  })
}

/** Two owners want one name in one namespace: the loser's undo leaves the winner's link alone. */
function raceContract(
  kind: string,
  made: (world: ContractWorld) => CreateLink,
  withWorld: WithWorld,
): void {
  const rivals = (world: ContractWorld): readonly [CreateLink, CreateLink] => {
    const first = made(world)
    return [first, { ...first, mark: OTHER, address: undefined }]
  }

  for (const state of ['made', 'half-made']) {
    withWorld(`${kind} that another owner has ${state} keeps its name`, async (world) => {
      const [first, second] = rivals(world)
      await world.kernel.take([first])
      if (state === 'half-made') await unmark(world, first, makingGroup(first.mark))
      const before = await stateOf(world)
      await rejects(world.kernel.take([second]), isTaken)
      await world.kernel.take(undoOf(second))
      deepEqual(await stateOf(world), before)
    })
  }

  withWorld(`${kind} of two owners at the same time: one has it`, async (world) => {
    const both = rivals(world)
    const done = await Promise.allSettled(both.map((step) => world.kernel.take([step])))
    const [loser, ...others] = both.filter((_, i) => done[i]?.status === 'rejected')
    equal(others.length, 0)
    const before = await stateOf(world)
    const winner = both.find((step) => step !== loser)
    await world.kernel.take(loser === undefined ? [] : undoOf(loser))
    deepEqual(await stateOf(world), before)
    equal((await linkAt(world, world.pod, both[0].name)).alias, winner?.mark)
  })
}

function named(step: CreateLink, name: CreateLink['name']): CreateLink {
  return { ...step, temp: name, name }
}

/** As a link is before it is marked; both ends of a veth. */
async function unmark(world: ContractWorld, step: CreateLink, group: number): Promise<void> {
  await world.unmark(world.pod, step.name, group)
  if (step.spec.kind === 'veth') await world.unmark('host', step.spec.peer.name, group)
}

function isTaken(thrown: unknown): boolean {
  const { code, details = {} } = failureIn(thrown) ?? {}
  deepEqual([code, details['step'], details['errno']], ['kernel-refused', 'create-link', 'EEXIST'])
  return true
}
