/**
 * The two ways in which an IPoIB child comes into a pod: made there in place,
 * or made on the node and moved, which the agent chooses where it sees the
 * driver mlx5_core under the parent. Both pass the same ADD and DEL, and both
 * lose nothing when the agent is killed at any moment of them.
 * @module
 */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { after, before, describe } from 'node:test'
import { attachedState, confOf, onlyNew } from './child.ts'
import { type FabricPort, loadFabric, unloadFabric } from './fabric.ts'
import { OUTSIDE, vmTest, waitFor } from './guest.ts'
import { KillSuite } from './kill-suite.ts'
import { Node } from './node.ts'
import { Pod, stateOf } from './pod.ts'

const ROUNDS = { ADD: 5, DEL: 2 } as const
/** Each round starts an agent: 2 s, and several times that on a busy machine. */
const KILLS_MS = 240_000
let ports: readonly FabricPort[] = []

before(async () => {
  if (OUTSIDE === false) ports = await loadFabric('built-in')
})

after(async () => {
  if (OUTSIDE === false) await unloadFabric()
})

for (const { way, driver } of [
  { way: 'in-place', driver: 'ibfake' },
  { way: 'move', driver: 'mlx5_core' },
] as const) {
  describe(`ipoib by way ${way}`, () => {
    let node: Node
    let port: FabricPort

    before(async () => {
      if (OUTSIDE !== false) return
      const [first] = ports
      ok(first !== undefined)
      port = first
      node = await Node.start({ name: 'node-a', port, driver })
    })

    after(async () => {
      if (OUTSIDE === false) await node[Symbol.asyncDispose]()
    })

    vmTest(`ADD and DEL go by way ${way} and differ in nothing else`, async () => {
      await using pod = await Pod.make('pod-1')
      const [was, empty] = [await stateOf(node.name), await pod.state()]
      const call = { conf: confOf(1), pod, container: 'c1' }
      const added = await node.demand('ADD', call)
      const [row] = await node.rows()
      const made = row?.stages.flatMap((stage) => (stage.stage === 'steps' ? stage.steps : []))
      deepEqual(
        made?.flatMap((step) => (step.do === 'create-link' ? [step.way] : [])),
        [way],
      )
      await waitFor('the child to join', async () => {
        return (await pod.state()).includes('local fe80')
      })
      const attached = attachedState({ host: 1, container: 'c1', guid: port.guid })
      equal(onlyNew(await pod.state(), empty), attached)
      equal(await node.demand('ADD', call), added)
      await node.demand('DEL', call)
      deepEqual([await stateOf(node.name), await pod.state()], [was, empty])
    })

    for (const verb of ['ADD', 'DEL'] as const) {
      vmTest(
        `an agent killed at any moment of ${verb} loses nothing (${way})`,
        async (t) => {
          await using suite = await KillSuite.open(node)
          for (let round = 0; round < ROUNDS[verb]; round++) {
            const phase = (round + 0.5) / ROUNDS[verb]
            await suite.round({ verb, phase, runtimeWaits: round % 2 === 0 })
          }
          t.diagnostic(`${way}: ${suite.summary()}`)
          ok(suite.unfinished() > 0, 'some calls were killed before their end')
        },
        KILLS_MS,
      )
    }
  })
}
