/**
 * SIGKILL of the agent right before each kind of change that it makes for an
 * IPoIB child, in place and moved, in an ADD and in a DEL: the next agent leaves
 * nothing half-made, a retry makes one child with one address, a DEL leaves
 * nothing. `ways.test.ts` kills at moments that fall as they fall.
 * @module
 */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe } from 'node:test'
import { Mortal } from '#test/scenarios/mortal.ts'
import { confOf } from './child.ts'
import { type FabricPort, loadFabric, unloadFabric } from './fabric.ts'
import { OUTSIDE, vmTest } from './guest.ts'
import { type Call, Node } from './node.ts'
import { Pod, stateOf } from './pod.ts'

/** A kill costs the start of an agent: some seconds on an emulated machine. */
const KILLS_MS = 300_000
const LINK = 'netlink 0/16'
const KINDS = {
  ADD: [LINK, 'netlink 0/20', 'write journal.db-wal'],
  DEL: ['netlink 0/17', 'write journal.db-wal'],
} as const
type Verb = keyof typeof KINDS
let ports: readonly FabricPort[] = []
let folder: string
let mortal: Mortal

before(async () => {
  if (OUTSIDE !== false) return
  ports = await loadFabric('built-in')
  folder = await mkdtemp('/tmp/vm-mortal-')
  mortal = await Mortal.make(folder, join(import.meta.dirname, '../..'))
})

after(async () => {
  if (OUTSIDE !== false) return
  mortal[Symbol.dispose]()
  await rm(folder, { recursive: true })
  await unloadFabric()
})

type Point = { readonly n: number; readonly only: string }
type Bench = { readonly node: Node; readonly pod: Pod; readonly call: Call; readonly was: string }

/** Links, addresses, routes and rules of the node and of the pod. */
async function whole(node: Node, pod: Pod): Promise<string> {
  return `${await stateOf(node.name)}${await pod.state()}`
}

/** What the agent changes in a call, in order. */
async function changesOf({ node, call }: Bench, verb: Verb): Promise<string[]> {
  mortal.arm(0)
  await node.demand(verb, call)
  return mortal.disarm()
}

/** The first of each kind; of a link's messages, one a step, also a middle one and the last. */
function pointsOf(changes: readonly string[], verb: Verb): Point[] {
  const links = verb === 'ADD' ? changes.filter((change) => change === LINK).length : 0
  const more = [...new Set([Math.ceil(links / 2), links])].filter((n) => n > 1)
  return [...KINDS[verb].map((only) => ({ n: 1, only })), ...more.map((n) => ({ n, only: LINK }))]
}

/** One kill, and what must hold after it. @returns what the agent was about to do */
async function kill(
  { node, pod, call, was }: Bench,
  of: { readonly verb: Verb; readonly point: Point; readonly waits: boolean },
): Promise<string | undefined> {
  const { verb, point, waits } = of
  if (verb === 'DEL') await node.demand('ADD', call)
  const runtime = new AbortController()
  mortal.arm(point.n, point.only)
  const running = node.cni(verb, call, waits ? {} : { signal: runtime.signal })
  await Promise.race([running, node.agentEnded()])
  const changes = mortal.disarm()
  if (changes.length < point.n) return void (await Promise.all([running, node.demand('DEL', call)]))
  await node.agentEnded()
  runtime.abort()
  await node.startAgent(mortal.env)
  const { status, stdout } = await running
  if (waits) equal(status, 0, stdout)
  else {
    const rows = await node.status()
    ok(rows.every(({ state }) => state === 'attached'))
    if (rows.length === 0) equal(await whole(node, pod), was, 'after recovery')
  }
  if (verb === 'ADD') {
    await node.demand('ADD', call)
    deepEqual(await pod.links(), ['eth0'])
    equal([...(await pod.state()).matchAll(/inet 10\./g)].length, 1, 'one address')
  }
  for (let time = 0; time < 2; time++) await node.demand('DEL', call)
  equal(await whole(node, pod), was, `after DEL, killed before ${point.only} ${point.n}`)
  deepEqual(await node.status(), [])
  return changes.at(-1)
}

for (const { way, driver } of [
  { way: 'in-place', driver: 'ibfake' },
  { way: 'move', driver: 'mlx5_core' },
] as const) {
  describe(`ipoib by way ${way}`, () => {
    let node: Node

    before(async () => {
      const [port] = ports
      if (OUTSIDE !== false || port === undefined) return
      node = await Node.start({ name: 'node-k', port, driver })
    })

    after(async () => {
      if (OUTSIDE === false) await node[Symbol.asyncDispose]()
    })

    vmTest(
      `an agent killed before every kind of change loses nothing (${way})`,
      async (t) => {
        await node.stopAgent('SIGTERM')
        await node.startAgent(mortal.env)
        await using pod = await Pod.make('pod-k')
        const call = { conf: confOf(1), pod, container: 'k1' }
        const bench = { node, pod, call, was: await whole(node, pod) }
        const killed: string[] = []
        const [added, deleted] = [await changesOf(bench, 'ADD'), await changesOf(bench, 'DEL')]
        for (const [verb, changes] of [
          ['ADD', added],
          ['DEL', deleted],
        ] as const) {
          for (const [i, point] of pointsOf(changes, verb).entries()) {
            const at = await kill(bench, { verb, point, waits: i % 3 === 2 })
            if (at !== undefined) killed.push(`${verb} ${at}`)
          }
        }
        t.diagnostic(`${way}: ${killed.length} kill points: ${killed.join(', ')}`)
        for (const kind of [`ADD ${LINK}`, 'ADD netlink 0/20', 'DEL netlink 0/17']) {
          ok(killed.includes(kind), `no kill before ${kind}`)
        }
      },
      KILLS_MS,
    )
  })
}
