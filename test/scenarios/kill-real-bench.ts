/**
 * A real agent, or the shim, is killed in the middle of one request; another
 * agent follows it, and what there is then is looked at on the real kernel.
 * @module
 */
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { allocationsOf } from '#ipam/index.ts'
import { nad, networks, pool } from './documents.ts'
import { addPod } from './ground.ts'
import type { RealScenario } from './kill-real-scenarios.ts'
import { Mortal } from './mortal.ts'
import type { Exit, Running } from './program-run.ts'
import { RealNode, type RealCall } from './real-node.ts'
import { statusOf } from './status-of.ts'

/** Who dies: the agent, and the caller with it or not; or the caller alone. */
export type Victim = 'agent' | 'agent and shim'
type Verb = 'ADD' | 'DEL'
/** What the agent was about to do, and every way in which the world was not as it must be. */
export type Killed = { readonly at: string | undefined; readonly faults: readonly string[] }

/** For what an agent writes when a call has its answer, in milliseconds. */
const AFTERWARDS_MS = 60
const SETTLE_TRIES = 150

/** One pod of one scenario, on a node of its own with an agent that can be killed. */
export class KillBench implements AsyncDisposable {
  readonly node: RealNode
  readonly scenario: RealScenario
  readonly call: RealCall
  readonly #mortal: Mortal
  readonly #before: string

  private constructor(of: {
    node: RealNode
    scenario: RealScenario
    call: RealCall
    mortal: Mortal
    before: string
  }) {
    this.node = of.node
    this.scenario = of.scenario
    this.call = of.call
    this.#mortal = of.mortal
    this.#before = of.before
  }

  static async open(scenario: RealScenario): Promise<KillBench> {
    const node = await RealNode.open([pool('v4', '10.7.0.0/16', '10.7.0.100-10.7.0.109')])
    try {
      const plugins = scenario.networks(node)
      for (const [i, one] of plugins.entries()) await node.records.create(nad(`net${i}`, one))
      for (const [name, script] of scenario.scripts(node)) await node.addScript(name, script)
      const [first = '', ...others] = plugins.map((_, i) => `net${i}`)
      await node.addPods(['a'])
      const call = { pod: 'a', ref: await addPod(node, 'a', networks(first, ...others)) }
      const before = await node.state()
      const mortal = await Mortal.make(node.folder)
      const bench = new KillBench({ node, scenario, call, mortal, before })
      await bench.boot()
      return bench
    } catch (cause) {
      await node[Symbol.asyncDispose]()
      throw cause
    }
  }

  /** Another agent, in place of the one before. */
  async boot(): Promise<void> {
    await this.node.kill()
    await this.node.boot({ env: this.#mortal.env })
  }

  /** What the agent changes in an ADD and in its DEL, in order. */
  async changes(): Promise<Record<Verb, readonly string[]>> {
    const of = async (verb: Verb): Promise<string[]> => {
      this.#mortal.arm(0)
      const { status, stdout } = await this.node.plugin(verb, this.call)
      if (status !== 0) throw new Error(`${verb}: ${stdout}`)
      const changes = this.#mortal.disarm()
      await delay(AFTERWARDS_MS)
      return changes
    }
    // the first ones lay out what the next find there
    await of('ADD')
    await of('DEL')
    return { ADD: await of('ADD'), DEL: await of('DEL') }
  }

  /**
   * The agent dies before its change number `n` of those whose label begins with
   * `only`; `at` is undefined when there are not so many.
   */
  async killAt(
    verb: Verb,
    { n, only = '' }: { readonly n: number; readonly only?: string },
    victim: Victim,
  ): Promise<Killed> {
    const { node, call } = this
    if (verb === 'DEL') await this.#demand('ADD')
    this.#mortal.arm(n, only)
    const running = node.startPlugin(verb, call)
    const agent = node.agent
    const died = agent === undefined ? undefined : once(agent, 'exit').then(() => undefined)
    const first = await Promise.race([running.ended, died])
    const changes = this.#mortal.disarm()
    const killed = changes.length >= n && n > 0
    if (killed) await died
    else if (first !== undefined) return { at: undefined, faults: await this.#rest(verb, first) }
    if (victim === 'agent and shim') running.child.kill('SIGKILL')
    await this.boot()
    const exit = await running.ended
    const faults: string[] = []
    if (victim === 'agent') faults.push(...refused(`the waiting ${verb}`, exit))
    else if (verb === 'ADD') faults.push(...(await this.#afterRecovery()))
    return { at: changes.at(-1), faults: [...faults, ...(await this.#rest(verb, undefined))] }
  }

  /** The agent dies before its change number `n`, its caller with it; nobody follows yet. */
  async dieAt(verb: Verb, n: number): Promise<void> {
    const { agent } = this.node
    this.#mortal.arm(n)
    const running = this.node.startPlugin(verb, this.call)
    if (agent !== undefined) await once(agent, 'exit')
    running.child.kill('SIGKILL')
    this.#mortal.disarm()
    await running.ended
  }

  /** The agent, or the shim, is killed by `kill`, at whatever moment that chooses. */
  async killBy(
    verb: Verb,
    { before, kill }: { before?: () => Promise<void>; kill: (running: Running) => Promise<void> },
  ): Promise<string[]> {
    if (verb === 'DEL') await this.#demand('ADD')
    await before?.()
    const running = this.node.startPlugin(verb, this.call)
    await kill(running)
    const { agent } = this.node
    if (agent === undefined || agent.signalCode !== null) await this.boot()
    const exit = await running.ended
    // who was killed says nothing; one that lives has waited, and got its answer
    const faults = exit.status === undefined ? [] : refused(`the waiting ${verb}`, exit)
    return [...faults, ...(await this.#rest(verb, undefined))]
  }

  /** Whatever became of a verb: what must hold from then on. */
  async #rest(verb: Verb, exit: Exit | undefined): Promise<string[]> {
    const faults = exit === undefined ? [] : refused(verb, exit)
    if (verb === 'ADD') {
      faults.push(...(await this.attachedOnce()))
    }
    return [...faults, ...(await this.deleted())]
  }

  /** A repeated ADD succeeds; there is one link and one address of each network. */
  async attachedOnce(): Promise<string[]> {
    const again = await this.node.plugin('ADD', this.call)
    return [...refused('the repeated ADD', again), ...(await this.#wrongNumbers())]
  }

  /** DEL succeeds, twice, and nothing is left. */
  async deleted(): Promise<string[]> {
    for (const time of ['DEL', 'a second DEL']) {
      const faults = refused(time, await this.node.plugin('DEL', this.call))
      if (faults.length > 0) return faults
    }
    return await this.left('after DEL')
  }

  /** What there is beyond the state before the first ADD; addresses may take a moment. */
  async left(when: string): Promise<string[]> {
    let faults: string[] = []
    for (let tries = 0; tries < SETTLE_TRIES; tries++) {
      faults = await this.#left()
      if (faults.length === 0) return []
      await delay(20)
    }
    return faults.map((fault) => `${when}: ${fault}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.node[Symbol.asyncDispose]()
    this.#mortal[Symbol.dispose]()
  }

  /** All of it is there, or nothing; plugins of others can be undone only by a shim. */
  async #afterRecovery(): Promise<string[]> {
    const rows = await statusOf(this.node.folder)
    const whole = rows.length > 0 && rows.every(({ state }) => state === 'attached')
    return whole || this.scenario.needsShim ? [] : await this.left('after recovery')
  }

  async #left(): Promise<string[]> {
    const { node } = this
    const [state, held, rows, files] = await Promise.all([
      node.state(),
      this.#held(),
      statusOf(node.folder),
      this.#files(),
    ])
    const faults =
      state === this.#before ? [] : [`the state differs: ${difference(this.#before, state)}`]
    if (held.length > 0) faults.push(`allocations ${held.join()}`)
    if (rows.length > 0) faults.push(`rows ${rows.map((row) => row.state).join()}`)
    if (files.length > 0) faults.push(`files ${files.join()}`)
    return faults
  }

  async #wrongNumbers(): Promise<string[]> {
    const shown = (await this.node.in('a', 'ip', '-br', 'addr')).stdout
    const links = [...shown.matchAll(/^(?!lo)(\w+)/gm)].map(([, name]) => name)
    const addresses = [...shown.matchAll(/ 10\.\S+/g)].length
    const rows = await statusOf(this.node.folder)
    const found = {
      links: links.toSorted(byName),
      addresses,
      allocations: (await this.#held()).length,
      files: (await this.#files()).length,
      unfinished: rows.filter(({ state }) => state !== 'attached').length,
    }
    const { links: wanted, held } = this.scenario
    const must = { links: [...wanted].toSorted(byName), ...held, unfinished: 0 }
    const [is, be] = [JSON.stringify(found), JSON.stringify(must)]
    return is === be ? [] : [`after a repeated ADD there is ${is}, not ${be}`]
  }

  async #held(): Promise<string[]> {
    const { items } = await this.node.records.list(allocationsOf('all'))
    return items.map(({ metadata }) => metadata.name)
  }

  /** Addresses that host-local holds, ours or another's. */
  async #files(): Promise<string[]> {
    const folder = join(this.node.folder, 'networks')
    if (!existsSync(folder)) return []
    const all = await readdir(folder, { recursive: true })
    return all.filter((name) => /\/(\d+\.){3}\d+$/.test(name))
  }

  async #demand(verb: Verb): Promise<void> {
    const [fault] = refused(verb, await this.node.plugin(verb, this.call))
    if (fault !== undefined) throw new Error(fault)
  }
}

const byName = (a = '', b = ''): number => a.localeCompare(b)

function refused(what: string, { status, stdout, stderr }: Exit): string[] {
  return status === 0 ? [] : [`${what} is refused: ${status} ${stdout}${stderr}`]
}

/** Lines that are in one of two texts only. */
function difference(before: string, after: string): string {
  const [old, now] = [before.split('\n'), after.split('\n')]
  const gone = old.filter((line) => !now.includes(line)).map((line) => `- ${line.trim()}`)
  const more = now.filter((line) => !old.includes(line)).map((line) => `+ ${line.trim()}`)
  return [...gone, ...more].join(' | ')
}
