import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { parseHardwareAddress } from '#values/hardware-address.ts'
import { parseIfName } from '#values/if-name.ts'
import { parseCidr } from '#values/cidr.ts'
import { parseNetnsPath } from '#values/netns.ts'
import { type CreateLink, type Step, undoOf, undoOfAll } from '#values/step.ts'
import { addNetns, simHost } from './read-world.ts'
import { killed, simKernel } from './kernel.ts'
import { removeNetns } from './links.ts'
import { printHost } from './print.ts'
import type { SimWorld, WorldLink } from './world.ts'
import { worldOf } from './write-world.ts'

const pod = parseNetnsPath('/run/netns/a')
const [temp, name] = [parseIfName('vb0'), parseIfName('eth0')]
const PARENT: WorldLink = { name: 'ib0', kind: 'ipoib', up: true, driver: 'ibfake' }
const world = (parent: WorldLink = PARENT): SimWorld => ({
  netns: { host: { links: [parent] }, a: {} },
})

/** In place it has its name at once. */
function startOf(way: CreateLink['way']): typeof name {
  return way === 'move' ? temp : name
}

function ipoib(way: CreateLink['way'] = 'in-place'): CreateLink {
  return {
    do: 'create-link',
    netns: pod,
    way,
    temp: startOf(way),
    name,
    mark: 'mine',
    mtu: 1500,
    address: undefined,
    spec: { kind: 'ipoib', parent: parseIfName('ib0'), pkey: undefined, mode: undefined },
  }
}

function plan(way: CreateLink['way']): Step[] {
  const from = startOf(way)
  return [
    ipoib(way),
    { do: 'set-link', where: pod, link: from, set: { addrGenMode: 'random', txQueueLength: 100 } },
    ...(from === name ? [] : [{ do: 'rename-link', netns: pod, from, to: name } as const]),
    { do: 'set-link', where: pod, link: name, set: { up: true } },
    { do: 'add-address', where: pod, link: name, cidr: parseCidr('172.91.0.1/16') },
  ]
}

for (const way of ['in-place', 'move'] as const) {
  test(`an agent killed at every effect (${way}) leaves what undo takes away`, async () => {
    const before = printHost(simHost(world()))
    const effects: string[] = []
    await simKernel(world(), {
      beforeEffect: (at) => {
        effects.push(at.effect)
      },
    }).take(plan(way))
    deepEqual(effects.filter((e) => e === 'move').length, way === 'move' ? 1 : 0)
    for (let last = 1; last <= effects.length; last++) {
      const host = simHost(world())
      const first = simKernel(host, {
        beforeEffect: (at) => {
          if (at.n === last) throw killed(at)
        },
      })
      await rejects(first.take(plan(way)), { code: 'sim-killed' })
      const then = printHost(host)
      await rejects(first.take(undoOfAll(plan(way))), { code: 'sim-killed' }, 'it is dead')
      await rejects(first.links('host'), { code: 'sim-killed' })
      equal(printHost(host), then)
      await simKernel(host).take(undoOfAll(plan(way)))
      equal(printHost(host), before, `killed at ${last}, ${effects[last - 1]}`)
    }
  })
}

test('a killed agent can be followed by one over worldOf() the host', async () => {
  const first = simKernel(world(), {
    beforeEffect: (at) => {
      if (at.n === 3) throw killed(at)
    },
  })
  await rejects(first.take(plan('in-place')), { code: 'sim-killed' })
  const second = simKernel(JSON.parse(JSON.stringify(worldOf(first))))
  equal(printHost(second.host), printHost(first.host))
})

test('an agent that is abandoned before an effect does nothing more', async () => {
  const host = simHost(world())
  let reached: () => void = () => {}
  const there = new Promise<void>((resolve) => {
    reached = resolve
  })
  const kernel = simKernel(host, {
    beforeEffect: async ({ n }) => {
      if (n < 3) return
      reached()
      await new Promise<never>(() => {})
    },
  })
  void kernel.take(plan('in-place'))
  await there
  const then = printHost(host)
  await new Promise(setImmediate)
  equal(printHost(host), then)
})

test('refuse() makes a step fail as the kernel would', async () => {
  const kernel = simKernel(world(), {
    refuse: (step) => (step.do === 'add-address' ? 'ENOBUFS' : undefined),
  })
  await rejects(kernel.take(plan('in-place')), {
    code: 'kernel-refused',
    message: 'Cannot add-address 172.91.0.1/16 on eth0: No buffer space available (ENOBUFS)',
  })
  ok(await kernel.link(pod, name), 'what came before stays')
})

test('over mlx5_core a child cannot be made in place, but moved', async () => {
  const parent = { ...PARENT, driver: 'mlx5_core' }
  const kernel = simKernel(world(parent))
  await rejects(
    kernel.take([ipoib()]),
    (thrown) =>
      thrown instanceof Error &&
      'details' in thrown &&
      JSON.stringify(thrown.details).includes('ENODEV'),
  )
  await kernel.take([ipoib('move')])
  equal((await kernel.link(pod, temp))?.mtu, 1500)
})

test('a child of a child is refused with EINVAL', async () => {
  const links: WorldLink[] = [PARENT, { name: 'c1', kind: 'ipoib', parent: 'ib0' }]
  const kernel = simKernel({ netns: { host: { links }, a: {} } })
  const spec = { ...ipoib().spec, kind: 'ipoib', parent: parseIfName('c1') } as const
  const made = { kind: 'ipoib', parent: spec.parent, pkey: undefined, mode: undefined } as const
  await rejects(kernel.take([{ ...ipoib(), spec: made }]), { message: /Invalid argument/ })
})

test('children of one port share their link-local address: the second is a duplicate', async () => {
  const kernel = simKernel(world())
  addNetns(kernel.host, 'b')
  const other = parseNetnsPath('/run/netns/b')
  for (const netns of [pod, other]) {
    await kernel.take([
      { ...ipoib(), netns },
      { do: 'set-link', where: netns, link: name, set: { up: true } },
    ])
  }
  deepEqual(
    (await kernel.addresses(pod)).map((a) => a.duplicate),
    [true],
    'the parent has it',
  )
  deepEqual(
    (await kernel.addresses(other)).map((a) => a.duplicate),
    [true],
  )
})

test('removeNetns() gives an IPoIB child back: down, its name, alias and group kept', async () => {
  const kernel = simKernel(world())
  await kernel.take(plan('in-place'))
  removeNetns(kernel.host, 'a')
  const link = await kernel.link('host', name)
  deepEqual([link?.up, link?.alias, link?.group], [false, 'mine', 0x7662])
  await kernel.take(undoOf(ipoib()))
  equal(await kernel.link('host', name), undefined)
})

test('removeNetns() gives a child another name where its own is taken', async () => {
  const kernel = simKernel({ netns: { host: { links: [PARENT, { name: 'eth0' }] }, a: {} } })
  await kernel.take(plan('in-place'))
  removeNetns(kernel.host, 'a')
  equal((await kernel.link('host', parseIfName('dev0')))?.alias, 'mine')
  await kernel.take(undoOf(ipoib()))
  equal(await kernel.link('host', parseIfName('dev0')), undefined)
  ok(await kernel.link('host', name), 'the one that was there stays')
})

test('two agents share one host, each with its own namespace as host', async () => {
  const host = simHost({
    netns: { host: {}, n1: { links: [PARENT] }, n2: { links: [PARENT] }, a: {} },
  })
  const [one, two] = [simKernel(host, { as: 'n1' }), simKernel(host, { as: 'n2' })]
  deepEqual(await one.netns(parseNetnsPath('/run/netns/n1')), {
    netns: 'there',
    id: host.netns.get('n1')?.id,
    own: true,
  })
  await one.take([ipoib()])
  equal((await two.link(pod, name))?.alias, 'mine')
  equal((await two.links('host')).length, 2)
})

test('a macvlan with the address of another on its parent does not come up', async () => {
  const kernel = simKernel({ netns: { host: { links: [{ name: 'eth1', up: true }] }, a: {} } })
  const spec = { kind: 'macvlan', parent: parseIfName('eth1'), mode: 'bridge' } as const
  const address = parseHardwareAddress('02:00:00:00:00:07')
  const step = { ...ipoib(), spec, address }
  const up = (link: typeof temp): Step => ({ do: 'set-link', where: pod, link, set: { up: true } })
  await kernel.take([{ ...step, temp }, up(temp), step])
  await rejects(kernel.take([up(name)]), {
    message: 'Cannot set-link eth0: Address already in use (EADDRINUSE)',
  })
})
