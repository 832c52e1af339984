/**
 * Links that are not made for one attachment: those that pods share on the host,
 * those that the host lends to a pod, and those that stand on either.
 * @module
 */
import { deepEqual, equal, rejects } from 'node:assert/strict'
import { parseIfName } from '#values/if-name.ts'
import { movedGroup } from '#values/mark.ts'
import type { MoveLink, ShareLink } from '#values/lent-link.ts'
import { type CreateLink, undoOf } from '#values/step.ts'
import { type ContractWorld, linkAt, macvlan, stateOf, type WithWorld } from './kernel-world.ts'

const [TEMP, LENT, VLAN, BOND] = ['vbct0', 'ext0', 'vbct.100', 'vbbond'].map(parseIfName)
const MARK = 'verbena contract'
type Names = Record<'temp' | 'lent' | 'vlan' | 'bond', ReturnType<typeof parseIfName>>

function names(): Names {
  if (!TEMP || !LENT || !VLAN || !BOND) throw new Error('no names')
  return { temp: TEMP, lent: LENT, vlan: VLAN, bond: BOND }
}

/** A VLAN, a bond, and a VLAN of the bond: made once, whoever comes, and left there. */
export function sharedContract(withWorld: WithWorld): void {
  withWorld('stacks: share-link makes a VLAN once, and its parent goes up', async (world) => {
    const { vlan } = names()
    const step: ShareLink = {
      do: 'share-link',
      where: 'host',
      name: vlan,
      spec: { kind: 'vlan', parent: world.ethernetParent, id: 100 },
    }
    await Promise.all([world.kernel.take([step]), world.kernel.take([step])])
    const before = await stateOf(world)
    await world.kernel.take([step])
    deepEqual(await stateOf(world), before)
    const { kind, up, group, alias } = await linkAt(world, 'host', vlan)
    deepEqual([kind, up, group, alias], [{ kind: 'vlan', id: 100 }, true, 0, undefined])
    deepEqual(undoOf(step), [])
  })

  withWorld('stacks: share-link refuses a number and a name that are taken', async (world) => {
    const { vlan, bond } = names()
    const spec = { kind: 'vlan', parent: world.ethernetParent, id: 100 } as const
    const step: ShareLink = { do: 'share-link', where: 'host', name: vlan, spec }
    await world.kernel.take([step])
    for (const other of [
      { ...step, name: bond },
      { ...step, spec: { ...spec, id: 101 } },
    ]) {
      await rejects(world.kernel.take([other]), { code: 'kernel-refused' })
    }
    const nowhere = { ...step, name: bond, spec: { ...spec, parent: names().lent } }
    await rejects(world.kernel.take([nowhere]), { code: 'kernel-refused' })
  })

  withWorld('stacks: share-link joins ports to a bond with its settings', async (world) => {
    const { bond } = names()
    const step: ShareLink = {
      do: 'share-link',
      where: 'host',
      name: bond,
      spec: {
        kind: 'bond',
        ports: [world.spare],
        primary: world.spare,
        mode: 'active-backup',
        options: { miimon: 100, updelay: 200 },
        arpTargets: [],
      },
    }
    await world.kernel.take([step])
    await world.kernel.take([step])
    const [made, port] = [
      await linkAt(world, 'host', bond),
      await linkAt(world, 'host', world.spare),
    ]
    deepEqual(made.kind, { kind: 'bond', mode: 'active-backup' })
    deepEqual([made.up, port.up, port.master], [true, true, made.index])
    equal(made.address, port.address)
  })

  for (const mode of ['l2', 'l3', 'l3s'] as const) {
    withWorld(`stacks: ipvlan of mode ${mode} has its parent's address`, async (world) => {
      const parent = world.ethernetParent
      const step = made(world, { kind: 'ipvlan', parent, mode })
      await world.kernel.take([step])
      const link = await linkAt(world, world.pod, step.temp)
      deepEqual(link.kind, { kind: 'ipvlan', mode })
      equal(link.address, (await linkAt(world, 'host', parent)).address)
      await world.kernel.take(undoOf(step))
      equal(await world.kernel.link(world.pod, step.temp), undefined)
    })
  }

  withWorld('stacks: vlan in the pod over a link of the host, and of the pod', async (world) => {
    const { lent, temp } = names()
    const outer = made(world, { kind: 'vlan', parent: world.ethernetParent, id: 7 })
    const inner: CreateLink = {
      ...made(world, { kind: 'vlan', parent: lent, id: 8, parentIn: 'pod' }),
      mark: `${MARK} 2`,
    }
    await world.kernel.take([
      outer,
      { do: 'rename-link', netns: world.pod, from: temp, to: lent },
      { do: 'set-link', where: world.pod, link: lent, set: { up: true } },
      inner,
    ])
    deepEqual((await linkAt(world, world.pod, lent)).kind, { kind: 'vlan', id: 7 })
    deepEqual((await linkAt(world, world.pod, temp)).kind, { kind: 'vlan', id: 8 })
  })
}

function made(world: ContractWorld, spec: CreateLink['spec']): CreateLink {
  return { ...macvlan(world), spec, address: undefined }
}

async function lending(world: ContractWorld): Promise<MoveLink> {
  const { temp, lent } = names()
  const { index, mtu, txQueueLength, up, group, alias } = await linkAt(world, 'host', world.spare)
  const was = { index, mtu, txQueueLength, up, group, alias }
  const { pod, spare } = world
  return { do: 'move-link', netns: pod, link: spare, temp, name: lent, mark: MARK, was }
}

/** A lent link comes back as it was, from wherever it is. */
export function lentContract(withWorld: WithWorld): void {
  withWorld('move-link marks the link and takes it into the pod, down', async (world) => {
    const step = await lending(world)
    await world.kernel.take([step])
    equal(await world.kernel.link('host', world.spare), undefined)
    const link = await linkAt(world, world.pod, step.temp)
    deepEqual([link.up, link.group, link.alias], [false, movedGroup(MARK), world.spare])
  })

  withWorld('return-link finds a link that the pod gave another name', async (world) => {
    const before = await stateOf(world)
    const step = await lending(world)
    const other = parseIfName('other0')
    await world.kernel.take([
      step,
      { do: 'rename-link', netns: world.pod, from: step.temp, to: other },
    ])
    await world.kernel.take(undoOf(step))
    await world.kernel.take(undoOf(step))
    deepEqual(await stateOf(world), before)
  })

  withWorld('return-link goes on where an earlier one was cut short', async (world) => {
    const before = await stateOf(world)
    const step = await lending(world)
    const [undo] = undoOf(step)
    await world.kernel.take([step])
    if (undo?.do !== 'return-link') throw new Error('no undo')
    // at home, but not as it was
    await world.kernel.take([
      { ...undo, was: { ...step.was, group: movedGroup(MARK), alias: step.link } },
    ])
    await world.kernel.take([undo])
    deepEqual(await stateOf(world), before)
  })

  withWorld("return-link leaves another attachment's link, and one of nobody's", async (world) => {
    const step = await lending(world)
    await world.kernel.take([step])
    const [undo] = undoOf(step)
    if (undo?.do !== 'return-link') throw new Error('no undo')
    await world.kernel.take([{ ...undo, mark: 'of somebody else' }])
    await linkAt(world, world.pod, step.temp)
    await world.kernel.take([
      { ...undo, names: [parseIfName('lo')], mark: undefined, link: undefined },
    ])
    await linkAt(world, world.pod, step.temp)
  })

  withWorld('return-link without a mark goes by the name and the alias', async (world) => {
    const step = await lending(world)
    await world.kernel.take([step])
    const { netns, temp } = step
    const any = {
      do: 'return-link',
      netns,
      names: [temp],
      mark: undefined,
      was: undefined,
    } as const
    await world.kernel.take([{ ...any, link: undefined }])
    const link = await linkAt(world, 'host', world.spare)
    deepEqual([link.group, link.alias], [0, undefined])
  })

  withWorld('return-link succeeds where the namespace and the link are gone', async (world) => {
    const step = await lending(world)
    const undo = undoOf(step)
    await world.removeNetns()
    await world.kernel.take(undo)
    await linkAt(world, 'host', world.spare)
  })
}
