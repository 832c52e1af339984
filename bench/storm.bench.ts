/**
 * Budget: at least 1,000 pods per second with 32 ADDs at once, made in place.
 * Twice: by the shim, executed from that many shells at once (the processes
 * share the machine's cores with the agent), and by the bare frame that the
 * shim would send, which is the agent alone. Beside it Debian's macvlan +
 * host-local, executed the same way.
 * @module
 */
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { Agent } from './agent.ts'
import { type Call, type Plugin, callBare, callOf, inTurns } from './call.ts'
import { hostLocalOf, macvlanConf, poolOf, spiderpoolOf, writeDocuments } from './documents.ts'
import { type Ground, PEER_PATH, onGround } from './ground.ts'
import { median, reportBudgets, say, table } from './report.ts'
import { execAtOnce } from './shell.ts'

const PODS = 192
const PEER_PODS = 64
const AT_ONCE = [1, 8, 32]
/** In turns; each figure is their median. */
const ROUNDS = 3
const BUDGET_PER_S = 1_000

type Rate = { readonly add: number; readonly del: number }
type Run = (calls: readonly Call[], most: number) => Promise<number>

/** Pods per second: the ADDs of all, then the DELs of all. */
async function rateOf(
  run: Run,
  plugin: Plugin,
  { pods, tag, most }: { pods: readonly string[]; tag: string; most: number },
): Promise<Rate> {
  const calls = (verb: 'ADD' | 'DEL'): Call[] =>
    pods.map((netns, i) => callOf(verb, plugin, { containerId: `${tag}-${i}`, netns }))
  const add = pods.length / (await run(calls('ADD'), most))
  const del = pods.length / (await run(calls('DEL'), most))
  return { add, del }
}

function bareRun(ground: Ground): Run {
  return (calls, most) =>
    inTurns(
      calls.map((call) => () => callBare(call, ground.node)),
      most,
    )
}

const perSecond = (rate: number): string => Math.round(rate).toString()

await onGround({ rails: 1 }, async (ground) => {
  await writeDocuments(ground, 'a', [poolOf(0)])
  await using agent = await Agent.start(ground, { state: 'a' })
  const pods = ground.pods(PODS)
  const ours = {
    folder: ground.cniPath,
    socket: agent.socket,
    conf: macvlanConf(0, spiderpoolOf(0)),
  }
  const peer = { folder: PEER_PATH, conf: macvlanConf(0, hostLocalOf(0, join(ground.folder, 'p'))) }
  const exec: Run = (calls, most) => execAtOnce(ground, calls, most)
  const bare = bareRun(ground)
  await rateOf(bare, ours, { pods, tag: 'warm', most: 8 })
  const rows: string[][] = []
  const rates = new Map<number, { exec: Rate; bare: Rate }>()
  for (const most of AT_ONCE) {
    const taken: { byExec: Rate; byPeer: Rate; byFrame: Rate }[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const some = most === 1 ? pods.slice(0, PEER_PODS) : pods
      const of = (tag: string) => ({ pods: some, tag: `${tag}${most}-${round}`, most })
      const byExec = await rateOf(exec, ours, of('e'))
      const byPeer = await rateOf(exec, peer, { ...of('p'), pods: pods.slice(0, PEER_PODS) })
      taken.push({ byExec, byPeer, byFrame: await rateOf(bare, ours, of('b')) })
    }
    const inMiddle = (by: 'byExec' | 'byPeer' | 'byFrame'): Rate => ({
      add: median(taken.map((one) => one[by].add)),
      del: median(taken.map((one) => one[by].del)),
    })
    const [byExec, byPeer, byFrame] = [inMiddle('byExec'), inMiddle('byPeer'), inMiddle('byFrame')]
    rates.set(most, { exec: byExec, bare: byFrame })
    rows.push(
      [`${most}`, byExec.add, byFrame.add, byPeer.add, byExec.add / byPeer.add].map(textOf),
      [`  DEL`, byExec.del, byFrame.del, byPeer.del, byExec.del / byPeer.del].map(textOf),
    )
  }
  const few = `${PEER_PODS} for Debian, and one at a time`
  say(`pods per second, ${PODS} pods (${few}) of one interface, macvlan; median of ${ROUNDS}`)
  say(`  by exec: shells, shims and the agent share ${availableParallelism()} cores`)
  table([['at once', 'exec', 'bare frame', 'Debian, exec', '× (exec)'], ...rows])
  const best = rates.get(32)
  const [byExec, byFrame] = [best?.exec.add ?? 0, best?.bare.add ?? 0]
  reportBudgets([
    {
      work: 'pods per second with 32 ADDs at once',
      budget: '≥ 1,000',
      measured: `${perSecond(byExec)} by exec, ${perSecond(byFrame)} by bare frame`,
      met: byExec >= BUDGET_PER_S,
    },
  ])
})

/** Rates in whole numbers, ratios (the last column) with one decimal. */
function textOf(value: string | number, column: number): string {
  if (typeof value === 'string') return value
  return column === 4 ? value.toFixed(1) : perSecond(value)
}
