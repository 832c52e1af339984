/**
 * Budget: the agent's memory does not grow over 100,000 ADD and DEL. It takes
 * minutes, so it runs only when it is asked for: `npm run bench soak`.
 * Interfaces are real; `SOAK_PAIRS` asks for another number of pairs.
 * @module
 */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent } from './agent.ts'
import { callBare, callOf, inTurns } from './call.ts'
import { macvlanConf, poolOf, spiderpoolOf, writeDocuments } from './documents.ts'
import { type Ground, onGround } from './ground.ts'
import { reportBudgets, say, table } from './report.ts'

const PAIRS = Number(process.env['SOAK_PAIRS'] ?? 100_000)
const MARKS = 10
const PODS = 200
const AT_ONCE = 64
const SETTLE_MS = 1_000
/** What the allocator keeps comes and goes by some pages; a leak of 100 bytes a pair is 9 MiB. */
const GROWTH_MIB = 8

type Mark = { readonly pairs: number; readonly rss: number; readonly perS: number }

/** One ADD and one DEL for each pod's namespace. */
async function round(ground: Ground, agent: Agent, tag: string): Promise<void> {
  const pods = ground.pods(PODS)
  const conf = macvlanConf(0, spiderpoolOf(0))
  const plugin = { folder: ground.cniPath, socket: agent.socket, conf }
  for (const verb of ['ADD', 'DEL'] as const) {
    const works = pods.map((netns, i) => {
      const call = callOf(verb, plugin, { containerId: `${tag}-${i}`, netns })
      return () => callBare(call, ground.node)
    })
    await inTurns(works, AT_ONCE)
  }
}

async function soak(ground: Ground, agent: Agent): Promise<Mark[]> {
  const marks: Mark[] = []
  const each = Math.max(PODS, Math.round(PAIRS / MARKS))
  for (let done = 0; done < PAIRS;) {
    const startedMs = performance.now()
    const from = done
    for (; done < from + each; done += PODS) await round(ground, agent, `s${done}`)
    const perS = ((done - from) * 1_000) / (performance.now() - startedMs)
    await sleep(SETTLE_MS)
    const rss = agent.rssMib()
    marks.push({ pairs: done, rss, perS })
    say(`  ${done} pairs: ${rss.toFixed(1)} MiB, ${perS.toFixed(0)} pairs a second`)
  }
  return marks
}

await onGround({ rails: 1 }, async (ground) => {
  await writeDocuments(ground, 'a', [poolOf(0)])
  await using agent = await Agent.start(ground, { state: 'a' })
  say(`${PAIRS} ADD and DEL of a macvlan, ${AT_ONCE} at once`)
  const marks = await soak(ground, agent)
  const mib = (file: string): string =>
    (statSync(join(ground.folder, 'a', file)).size / 2 ** 20).toFixed(1)
  table([
    ['pairs', 'resident', 'pairs/s'],
    ...marks.map(({ pairs, rss, perS }) => [`${pairs}`, `${rss.toFixed(1)} MiB`, perS.toFixed(0)]),
  ])
  say(`  store ${mib('store.db')} MiB, journal ${mib('journal.db')} MiB at the end`)
  // the first tenth is for the heap to find its size in a storm that does not end
  const [first, last] = [marks[1], marks.at(-1)]
  if (first === undefined || last === undefined) return
  const growth = last.rss - first.rss
  reportBudgets([
    {
      work: `memory growth from ${first.pairs} to ${last.pairs} ADD and DEL`,
      budget: `none (≤ ${GROWTH_MIB} MiB)`,
      measured: `${growth.toFixed(1)} MiB (${last.rss.toFixed(0)} MiB at the end)`,
      met: growth <= GROWTH_MIB,
    },
  ])
})
