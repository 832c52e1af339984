/**
 * Budget: as many pods as there are addresses, all at once, within half a second
 * for 200; none fails, and it does not get slower towards the last of 1,000.
 * By the shim, executed from 32 shells at once, and by bare frame, all sent at
 * the same moment (the agent alone). Beside it Debian's macvlan + host-local on
 * as many addresses.
 * @module
 */
import { join } from 'node:path'
import { Agent } from './agent.ts'
import { type Call, type Plugin, callBare, callOf, inTurns } from './call.ts'
import { hostLocalOf, macvlanConf, poolOf, spiderpoolOf, writeDocuments } from './documents.ts'
import { type Ground, PEER_PATH, onGround } from './ground.ts'
import { median, reportBudgets, say, table } from './report.ts'
import { execAtOnce } from './shell.ts'

const SHELLS = 32
const SIZES = [200, 1_000] as const
const BUDGET_S = 0.5
/** The last tenth against the one in the middle; a scheduler's share of noise is in both. */
const SLOWER = 2

type Full = { readonly seconds: number; readonly middle: number; readonly last: number }
type Pods = { readonly plugin: Plugin; readonly pods: readonly string[]; readonly tag: string }

function callsOf(verb: 'ADD' | 'DEL', { plugin, pods, tag }: Pods): Call[] {
  return pods.map((netns, i) => callOf(verb, plugin, { containerId: `${tag}-${i}`, netns }))
}

/** Seconds of all ADDs; they are taken back afterwards, which is not counted. */
async function byExec(ground: Ground, pods: Pods): Promise<number> {
  const seconds = await execAtOnce(ground, callsOf('ADD', pods), SHELLS)
  await execAtOnce(ground, callsOf('DEL', pods), SHELLS)
  return seconds
}

/** The same with every request on its way at once; milliseconds between answers. */
async function byFrame(ground: Ground, pods: Pods): Promise<Full> {
  const answeredMs: number[] = []
  const works = callsOf('ADD', pods).map((call) => async () => {
    await callBare(call, ground.node)
    answeredMs.push(performance.now())
  })
  const seconds = await inTurns(works, works.length)
  await inTurns(
    callsOf('DEL', pods).map((call) => () => callBare(call, ground.node)),
    SHELLS,
  )
  const gaps = answeredMs.slice(1).map((at, i) => at - (answeredMs[i] ?? at))
  const tenth = Math.ceil(gaps.length / 10)
  const mean = (some: readonly number[]): number =>
    some.reduce((sum, one) => sum + one, 0) / some.length
  const half = Math.floor((gaps.length - tenth) / 2)
  return {
    seconds,
    middle: mean(gaps.slice(half, half + tenth)),
    last: mean(gaps.slice(-tenth)),
  }
}

const inS = (seconds: number): string => `${seconds.toFixed(2)} s`

type Measured = { readonly size: number; readonly exec: number; readonly frame: Full }

async function measure(ground: Ground, size: number): Promise<Measured & { peer: number }> {
  const state = `full${size}`
  await writeDocuments(ground, state, [poolOf(0, size)])
  await using agent = await Agent.start(ground, { state })
  const pods = ground.pods(size)
  const conf = macvlanConf(0, spiderpoolOf(0))
  const ours = { folder: ground.cniPath, socket: agent.socket, conf }
  const peersConf = macvlanConf(0, hostLocalOf(0, join(ground.folder, state)))
  const some = pods.slice(0, SIZES[0])
  await byFrame(ground, { plugin: ours, pods: some, tag: 'warm' })
  const exec = await byExec(ground, { plugin: ours, pods, tag: 'e' })
  const peer = await byExec(ground, {
    plugin: { folder: PEER_PATH, conf: peersConf },
    pods: some,
    tag: 'p',
  })
  const runs: Full[] = []
  for (const tag of ['f1', 'f2', 'f3']) {
    runs.push(await byFrame(ground, { plugin: ours, pods, tag }))
  }
  const at = (key: keyof Full): number => median(runs.map((run) => run[key]))
  const frame = { seconds: at('seconds'), middle: at('middle'), last: at('last') }
  return { size, exec, peer: (peer * size) / some.length, frame }
}

await onGround({ rails: 1 }, async (ground) => {
  const found: (Measured & { peer: number })[] = []
  for (const size of SIZES) found.push(await measure(ground, size))
  say('as many pods at once as the pool has addresses; every one of them gets one')
  say(`  by exec from ${SHELLS} shells; Debian's is ${SIZES[0]} pods, times as many`)
  table([
    ['pods = addresses', 'exec', 'Debian, exec', 'bare frame', 'ms a pod: middle tenth', 'last'],
    ...found.map(({ size, exec, peer, frame }) => [
      `${size}`,
      inS(exec),
      inS(peer),
      inS(frame.seconds),
      frame.middle.toFixed(2),
      frame.last.toFixed(2),
    ]),
  ])
  const [small, large] = found
  if (small === undefined || large === undefined) return
  const { middle, last } = large.frame
  reportBudgets([
    {
      work: `${small.size} pods at once on ${small.size} addresses`,
      budget: `≤ ${BUDGET_S} s`,
      measured: `${inS(small.exec)} by exec, ${inS(small.frame.seconds)} by bare frame`,
      met: small.exec <= BUDGET_S,
    },
    {
      work: `${large.size} pods at once on ${large.size} addresses`,
      budget: 'none fails, none slower towards the end',
      measured: `${middle.toFixed(2)} ms a pod halfway, ${last.toFixed(2)} at the end`,
      met: last <= middle * SLOWER,
    },
  ])
})
