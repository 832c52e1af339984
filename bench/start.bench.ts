/**
 * Budgets: the agent is ready 500 ms after its exec, with an empty journal and
 * with 1,000 attachments in it, and its memory neither is large nor grows.
 * Attachments are real: macvlans in namespaces, asked for by bare frames.
 * @module
 */
import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent } from './agent.ts'
import { callBare, callOf, inTurns } from './call.ts'
import { macvlanConf, poolOf, spiderpoolOf, writeDocuments } from './documents.ts'
import { type Ground, ROOT, onGround } from './ground.ts'
import { median, reportBudgets, say, table } from './report.ts'

const STARTS = 5
const POD_NETNS = 50
const PER_NETNS = 20
const ATTACHED = POD_NETNS * PER_NETNS
const PAIRS = 2_000
const AT_ONCE = 8
/** For what is over to be collected, before memory is read. */
const SETTLE_MS = 1_000
const READY_BUDGET_MS = 500
const RSS_BUDGET_MIB = 120
/** Pages that the allocator keeps are no growth. */
const GROWTH_MIB = 8

/** A bundle of its own: what is compiled at its first start is not there yet. */
function freshBundle(ground: Ground): string {
  const folder = join(ground.folder, 'dist')
  mkdirSync(folder)
  for (const file of ['agent.js', 'agent.main.js']) {
    copyFileSync(join(ROOT, 'dist', file), join(folder, file))
  }
  return join(folder, 'agent.js')
}

/** Milliseconds of several starts, each ended by SIGTERM. */
async function starts(ground: Ground, place: { bundle: string; state: string }) {
  const times: number[] = []
  for (let i = 0; i < STARTS; i++) {
    await using agent = await Agent.start(ground, place)
    times.push(agent.startMs)
  }
  return times
}

type Work = { readonly ground: Ground; readonly agent: Agent }

/** `count` interfaces, spread over the pods' namespaces; routes are left out: one is the limit. */
function callsOf({ ground, agent }: Work, verb: 'ADD' | 'DEL', tag: string, count: number) {
  const pods = ground.pods(POD_NETNS)
  const ipam = { ...spiderpoolOf(0), clean_gateway: true }
  const plugin = { folder: ground.cniPath, socket: agent.socket, conf: macvlanConf(0, ipam) }
  return Array.from({ length: count }, (_, i) => {
    const netns = pods[i % POD_NETNS] ?? ''
    const ifName = `e${Math.floor(i / POD_NETNS)}`
    const call = callOf(verb, plugin, { containerId: `${tag}-${i}`, netns, ifName })
    return () => callBare(call, ground.node)
  })
}

/** ADD and DEL of the same interfaces, over and over. */
async function pairs(work: Work, count: number): Promise<void> {
  for (let done = 0; done < count; done += POD_NETNS) {
    await inTurns(callsOf(work, 'ADD', `pair${done}`, POD_NETNS), AT_ONCE)
    await inTurns(callsOf(work, 'DEL', `pair${done}`, POD_NETNS), AT_ONCE)
  }
}

async function rssAtRest(agent: Agent): Promise<number> {
  await sleep(SETTLE_MS)
  return agent.rssMib()
}

type Memory = { readonly idle: number; readonly warm: number; readonly grown: number }

/** Idle, after the first half of the pairs, after the second. */
async function memoryOf(ground: Ground, bundle: string): Promise<Memory> {
  await using agent = await Agent.start(ground, { bundle, state: 'a' })
  const idle = await rssAtRest(agent)
  await pairs({ ground, agent }, PAIRS / 2)
  const warm = await rssAtRest(agent)
  await pairs({ ground, agent }, PAIRS / 2)
  return { idle, warm, grown: await rssAtRest(agent) }
}

/** Memory with all attached; the agent is killed then, its journal stays. */
async function attachAll(ground: Ground, bundle: string): Promise<number> {
  const agent = await Agent.start(ground, { bundle, state: 'a' })
  await inTurns(callsOf({ ground, agent }, 'ADD', 'kept', ATTACHED), AT_ONCE)
  const rss = await rssAtRest(agent)
  await agent.kill()
  return rss
}

await onGround({ rails: 1 }, async (ground) => {
  await writeDocuments(ground, 'a', [poolOf(0)])
  const bundle = freshBundle(ground)
  const [first = 0, ...empty] = await starts(ground, { bundle, state: 'a' })
  const memory = await memoryOf(ground, bundle)
  const attached = await attachAll(ground, bundle)
  const full = await starts(ground, { bundle, state: 'a' })
  rmSync(bundle)
  const worst = Math.max(...full, ...empty, first)
  const most = Math.max(attached, memory.grown)
  const inMs = (value: number): string => `${Math.round(value)} ms`
  const inMib = (value: number): string => `${value.toFixed(0)} MiB`
  say(`agent, from exec to its first connection, and its resident memory`)
  table([
    ['', 'measured'],
    ['start, the first one ever (nothing compiled yet)', inMs(first)],
    ['start, empty journal (median)', inMs(median(empty))],
    [`start after a kill, ${ATTACHED} attachments in the journal (median)`, inMs(median(full))],
    ['memory, idle', inMib(memory.idle)],
    [`memory after ${PAIRS / 2} ADD and DEL`, inMib(memory.warm)],
    [`memory after ${PAIRS} ADD and DEL`, inMib(memory.grown)],
    [`memory with ${ATTACHED} attached`, inMib(attached)],
  ])
  reportBudgets([
    {
      work: `agent start to ready, the slowest of ${1 + empty.length + full.length}`,
      budget: '≤ 500 ms',
      measured: `${inMs(worst)} (empty ${inMs(median(empty))}, full ${inMs(median(full))})`,
      met: worst <= READY_BUDGET_MS,
    },
    {
      work: `agent memory, ${ATTACHED} attached`,
      budget: '≤ 120 MiB',
      measured: `${inMib(most)} (idle ${inMib(memory.idle)})`,
      met: most <= RSS_BUDGET_MIB,
    },
    {
      work: `memory growth over ${PAIRS / 2} ADD and DEL, after as many`,
      budget: `none (≤ ${GROWTH_MIB} MiB)`,
      measured: inMib(memory.grown - memory.warm),
      met: memory.grown - memory.warm <= GROWTH_MIB,
    },
  ])
})
