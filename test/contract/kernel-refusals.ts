/**
 * The part of the kernel contract about what must not happen: what is refused
 * stops a plan where it stands, what is not ours stays, and a namespace that is
 * gone is said to be gone.
 * @module
 */
import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { parseIfName } from '#values/if-name.ts'
import { failureIn } from '#values/failure.ts'
import { parseCidr } from '#values/cidr.ts'
import { VERBENA_TABLE } from '#values/mark.ts'
import { parseNetnsPath } from '#values/netns.ts'
import { type Step, undoOf } from '#values/step.ts'
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

const ABSENT = parseIfName('vbctnone')

/** Registers its tests. */
export function refusalContract(withWorld: WithWorld): void {
  stopContract(withWorld)
  foreignContract(withWorld)
  goneContract(withWorld)
}

/** Steps that a kernel refuses, with its errno; `first` is taken before. */
const REFUSED: readonly {
  readonly does: string
  readonly errno: string
  readonly first?: (world: ContractWorld) => Step[]
  readonly step: (world: ContractWorld) => Step
}[] = [
  {
    does: 'macvlan over a parent that is not there',
    errno: 'ENODEV',
    step: (world) => macvlan({ ...world, ethernetParent: ABSENT }),
  },
  {
    does: 'a link under a name that is taken',
    errno: 'EEXIST',
    first: (world) => [macvlan(world)],
    step: (world) => macvlan(world),
  },
  {
    does: 'renaming to a name that is taken',
    errno: 'EEXIST',
    first: (world) => [macvlan(world)],
    step: (world) => rename(world, parseIfName('lo')),
  },
  {
    does: 'an address that the link has',
    errno: 'EEXIST',
    first: (world) => [macvlan(world), address(world)],
    step: (world) => address(world),
  },
  { does: 'an address on a link that is not there', errno: 'ENODEV', step: address },
  {
    does: 'a route by a link that is down',
    errno: 'ENETDOWN',
    first: (world) => [macvlan(world)],
    step: ({ pod }) => ({ do: 'add-route', where: pod, route: routeBy(TEMP, '10.96.0.0/16') }),
  },
  {
    does: 'a route by a gateway that no link leads to',
    errno: 'ENETUNREACH',
    first: (world) => [macvlan(world), up(world), address(world)],
    step: ({ pod }) => ({
      do: 'add-route',
      where: pod,
      route: routeBy(TEMP, '10.96.0.0/16', '192.0.2.77'),
    }),
  },
  {
    does: 'a rule that is there',
    errno: 'EEXIST',
    first: ({ pod }) => [{ do: 'add-rule', where: pod, rule: RULE }],
    step: ({ pod }) => ({ do: 'add-rule', where: pod, rule: RULE }),
  },
  {
    does: 'a table of nf_tables that is there',
    errno: 'EEXIST',
    first: ({ pod }) => [{ do: 'add-nft-table', where: pod, table: TABLE }],
    step: ({ pod }) => ({ do: 'add-nft-table', where: pod, table: TABLE }),
  },
  {
    does: 'a sysctl that does not exist',
    errno: 'ENOENT',
    step: ({ pod }) => ({
      do: 'set-sysctl',
      where: pod,
      path: 'net/ipv4/conf/all/vbct',
      value: '1',
      was: undefined,
    }),
  },
  {
    does: "an MTU above the parent's",
    errno: 'EINVAL',
    first: (world) => [macvlan(world)],
    step: ({ pod }) => ({ do: 'set-link', where: pod, link: TEMP, set: { mtu: 65000 } }),
  },
  {
    does: 'ipoib over a parent that is Ethernet',
    errno: 'ENODEV',
    step: (world) => ipoib({ ...world, ipoibParent: world.ethernetParent }, {}),
  },
  {
    does: "ipoib with an MTU above its mode's",
    errno: 'EINVAL',
    first: (world) => [ipoib(world, {})],
    step: ({ pod }) => ({ do: 'set-link', where: pod, link: TEMP, set: { mtu: 9000 } }),
  },
  {
    does: 'ipoib as the parent of a macvlan',
    errno: 'EINVAL',
    step: (world) => macvlan({ ...world, ethernetParent: world.ipoibParent ?? ABSENT }),
  },
]
const TEMP = parseIfName('vbct0')
const TABLE = { name: VERBENA_TABLE, chains: [] }

function stopContract(withWorld: WithWorld): void {
  for (const { does, errno, first, step } of REFUSED) {
    withWorld(`${does} is refused with ${errno} and changes nothing`, async (world) => {
      await world.kernel.take(first?.(world) ?? [])
      const before = await stateOf(world)
      const refused = step(world)
      await rejects(world.kernel.take([refused]), (thrown) => {
        const failure = failureIn(thrown)
        ok(failure, String(thrown))
        deepEqual(
          [failure.code, failure.details['step'], failure.details['errno']],
          ['kernel-refused', refused.do, errno],
        )
        ok(String(failure.details['text']).length > 0, "the kernel's words are in it")
        return true
      })
      deepEqual(await stateOf(world), before)
    })
  }

  withWorld('take() stops at the first step that fails', async (world) => {
    const { kernel, pod } = world
    const rule = { do: 'add-rule', where: pod, rule: RULE } as const
    await rejects(kernel.take([macvlan(world), rename(world, parseIfName('lo')), rule]), {
      code: 'kernel-refused',
    })
    await linkAt(world, pod, TEMP)
    deepEqual(
      (await kernel.rules(pod)).filter((r) => r.table === RULE.table),
      [],
    )
  })
}

function foreignContract(withWorld: WithWorld): void {
  withWorld('delete-link leaves a link with another mark', async (world) => {
    const { kernel, pod } = world
    await kernel.take([macvlan(world)])
    await kernel.take(undoOf({ ...macvlan(world), mark: 'of somebody else' }))
    await linkAt(world, pod, TEMP)
  })

  withWorld('delete-link leaves a link that was never ours', async (world) => {
    const { kernel, ethernetParent } = world
    const before = await stateOf(world)
    await kernel.take(undoOf({ ...macvlan(world), temp: ethernetParent }))
    await kernel.take([
      {
        do: 'delete-link',
        netns: world.pod,
        names: [ethernetParent],
        mark: undefined,
        kind: 'veth',
      },
    ])
    deepEqual(await stateOf(world), before)
  })

  withWorld('delete-link without a mark takes a link of its kind alone', async (world) => {
    const { kernel, pod } = world
    await kernel.take([macvlan(world)])
    const step = { do: 'delete-link', netns: pod, names: [TEMP], mark: undefined } as const
    await kernel.take([{ ...step, kind: 'ipoib' }])
    await linkAt(world, pod, TEMP)
    await kernel.take([{ ...step, kind: 'macvlan' }])
    equal(await kernel.link(pod, TEMP), undefined)
  })

  withWorld('remove-route and remove-rule leave those of another protocol', async (world) => {
    const { kernel, pod } = world
    const [route, rule] = [
      { ...routeBy(TEMP, '10.96.0.0/16'), protocol: 4 },
      { ...RULE, protocol: 4 },
    ]
    await kernel.take([
      macvlan(world),
      up(world),
      { do: 'add-route', where: pod, route },
      { do: 'add-rule', where: pod, rule },
    ])
    const before = await stateOf(world)
    await kernel.take([
      { do: 'remove-route', where: pod, route: routeBy(TEMP, '10.96.0.0/16') },
      { do: 'remove-rule', where: pod, rule: RULE },
    ])
    deepEqual(await stateOf(world), before)
  })
}

function goneContract(withWorld: WithWorld): void {
  withWorld('a namespace that is there has an identity, and is not the own one', async (world) => {
    const state = await world.kernel.netns(world.pod)
    ok(state.netns === 'there')
    ok(/^\d+:\d+$/.test(state.id), state.id)
    equal(state.own, false)
  })

  withWorld('a namespace that is gone is gone for questions and for steps', async (world) => {
    const { kernel, pod } = world
    await world.removeNetns()
    deepEqual(await kernel.netns(pod), { netns: 'gone' })
    await rejects(kernel.links(pod), { code: 'netns-gone' })
    await rejects(kernel.take([macvlan(world)]), { code: 'netns-gone' })
    await rejects(kernel.take([{ do: 'add-rule', where: pod, rule: RULE }]), { code: 'netns-gone' })
  })

  withWorld('undo succeeds when the namespace is gone', async (world) => {
    const { kernel, pod } = world
    const steps: Step[] = [
      macvlan(world),
      up(world),
      address(world),
      { do: 'add-route', where: pod, route: routeBy(TEMP, '10.96.0.0/16') },
      { do: 'add-rule', where: pod, rule: RULE },
    ]
    const links = await kernel.links('host')
    await kernel.take(steps)
    await world.removeNetns()
    await kernel.take(steps.toReversed().flatMap(undoOf))
    deepEqual(await kernel.links('host'), links)
  })

  withWorld(
    'ipoib comes back to the host without its namespace, and undo finds it',
    async (world) => {
      const { kernel } = world
      const step = ipoib(world, {})
      const links = await kernel.links('host')
      await kernel.take([step, up(world)])
      await world.removeNetns()
      await kernel.take(undoOf(step))
      deepEqual(await kernel.links('host'), links)
    },
  )

  withWorld('a path without a file is gone', async ({ kernel }) => {
    deepEqual(await kernel.netns(parseNetnsPath('/run/netns/vbct-none')), { netns: 'gone' })
  })
}

function up({ pod }: ContractWorld): Step {
  return { do: 'set-link', where: pod, link: TEMP, set: { up: true } }
}

function address({ pod }: ContractWorld): Step {
  return { do: 'add-address', where: pod, link: TEMP, cidr: parseCidr('10.99.0.7/24') }
}

function rename({ pod }: ContractWorld, to: typeof TEMP): Step {
  return { do: 'rename-link', netns: pod, from: TEMP, to }
}
