/**
 * One node of a history: a simulated kernel, a journal, files of host-local,
 * and an agent that can be killed before any change and started again. The
 * store is shared; it can be slow, and refuse.
 * @module
 */
import {
  type AttachNeeds,
  answerCall,
  type Journal,
  makeTurns,
  podNetworks,
  recover,
  settleReleases,
  type VerbNeeds,
} from '#attach/index.ts'
import { PLUGINS } from '#cni/index.ts'
import { hostLocalIpam, spiderpoolIpam } from '#ipam/index.ts'
import type { Clock } from '#needs/clock.ts'
import type { Records } from '#needs/records.ts'
import type { SimHost } from '#sim/host.ts'
import { simKernel } from '#sim/kernel.ts'
import { simHost } from '#sim/read-world.ts'
import { fail } from '#store/failures.ts'
import { type Life, makeLife } from '#test/scenarios/life.ts'
import { simFiles } from '#sim/files.ts'
import { randomOf } from '#test/scenarios/memory-agent.ts'
import {
  lateJournal,
  mortalFiles,
  mortalJournal,
  mortalRecords,
} from '#test/scenarios/mortal-needs.ts'
import { WORLD } from '#test/scenarios/world.ts'
import { memoryJournal } from './memory-journal.ts'
import { type Mutant, overwriting, releasingAny } from './mutant.ts'

/** What all nodes share, and what is wrong with it now. */
export type Weather = {
  readonly records: Records
  nowMs: number
  /** So many of the next calls of the store are refused. */
  refusals: number
  /** Turns of the event loop that a call of the store takes. */
  slowness: number
}

export type HistoryNode = {
  readonly name: string
  readonly host: SimHost
  readonly journal: Journal
  readonly files: Map<string, string>
  agent: RunningAgent
}

export type RunningAgent = AsyncDisposable & {
  readonly life: Life
  readonly attach: AttachNeeds
  /** Standard output. @throws {Failure} what would become the CNI error */
  call(argv0: string, env: Readonly<Record<string, string>>, conf: object): Promise<string>
}

export function makeNode(name: string, weather: Weather, mutant: Mutant | undefined): HistoryNode {
  const node = { name, host: simHost(WORLD), journal: memoryJournal(), files: new Map() }
  return { ...node, agent: startAgent(node, { weather, mutant, lastChange: undefined }) }
}

/** Ends the agent, however it was, and starts the next one, which recovers. */
export async function restart(
  node: HistoryNode,
  starting: Omit<Starting, 'lastChange'>,
): Promise<void> {
  await node.agent[Symbol.asyncDispose]()
  node.agent = startAgent(node, { ...starting, lastChange: undefined })
  await recover(node.agent.attach)
  await settleReleases(node.agent.attach)
}

export type Starting = {
  readonly weather: Weather
  readonly mutant: Mutant | undefined
  /** The agent is killed before this change, counted from 1. */
  readonly lastChange: number | undefined
}

/** An agent of its own life on the node. */
export function startAgent(
  { name, host, journal, files }: Pick<HistoryNode, 'name' | 'host' | 'journal' | 'files'>,
  { weather, mutant, lastChange }: Starting,
): RunningAgent {
  const life = makeLife(lastChange)
  const late = lateJournal(journal)
  const isLate = mutant === 'late-journal'
  const records = mortalRecords(stormy(weather, mutant), life)
  const sim = simKernel(host, {
    beforeEffect: ({ step, effect }) => life.point(`${effect} of ${step.do}`, step.do),
  })
  const kernel = {
    ...sim,
    async take(steps: Parameters<typeof sim.take>[0]) {
      await sim.take(steps)
      if (isLate) late.flush()
    },
  }
  const random = randomOf(++host.last.inode)
  const clock: Clock = { nowMs: () => weather.nowMs, sleep: () => turnsOfLoop(1) }
  const spiderpool = spiderpoolIpam({ records, random, node: name })
  const ipams = [
    mutant === 'release-of-any-container' ? releasingAny(spiderpool, records) : spiderpool,
    hostLocalIpam({ files: mortalFiles(simFiles({ files }), life) }),
  ]
  const attach: AttachNeeds = {
    kernel,
    journal: isLate ? late.journal : mortalJournal(journal, life),
    clock,
    random,
    questions: { ...kernel, ...random },
    catalogue: { plugins: PLUGINS, ipams: new Map(ipams.map((ipam) => [ipam.type, ipam])) },
    report: () => undefined,
  }
  const pods = podNetworks({
    records,
    clock,
    clusterNetwork: undefined,
    files: simFiles({ files }),
    confFolder: '',
    podResources: undefined,
    publish: () => undefined,
  })
  const needs: VerbNeeds = { attach, pods, turns: makeTurns(), settleSoon: () => undefined }
  const netnsId = host.netns.get('host')?.id ?? ''
  const nobody = { run: async () => ({ status: -1, stdout: '', stderr: 'there is none' }) }
  return {
    life,
    attach,
    call: (argv0, env, conf) =>
      answerCall({ argv0, env, stdin: JSON.stringify(conf), netnsId }, needs, nobody),
    [Symbol.asyncDispose]: () => spiderpool[Symbol.asyncDispose](),
  }
}

/** The store as the weather has it. */
function stormy(weather: Weather, mutant: Mutant | undefined): Records {
  const { records } = weather
  const met = async <T>(work: () => Promise<T>): Promise<T> => {
    if (weather.slowness > 0) await turnsOfLoop(weather.slowness)
    if (weather.refusals > 0) {
      weather.refusals--
      throw fail('store-busy', { path: 'the store' })
    }
    return work()
  }
  const create: Records['create'] =
    mutant === 'create-overwrites' ? overwriting(records) : records.create
  return {
    get: (ref) => met(() => records.get(ref)),
    list: (selection) => met(() => records.list(selection)),
    create: (document) => met(() => create(document)),
    replace: (document) => met(() => records.replace(document)),
    delete: (ref, only) => met(() => records.delete(ref, only)),
    watch: (selection, since, signal) => records.watch(selection, since, signal),
  }
}

async function turnsOfLoop(count: number): Promise<void> {
  for (let left = count; left > 0; left--) await new Promise((resolve) => setImmediate(resolve))
}
