/**
 * Kills the agent of a node while several calls are under way, each at another
 * point of its work, starts it again, and compares the whole state.
 *
 * Times are milliseconds. What each call had reached is read from a copy of the
 * journal as the killed agent left it.
 * @module
 */
import { deepEqual, equal } from 'node:assert/strict'
import { setTimeout } from 'node:timers/promises'
import { hostKernel } from '#host/kernel.ts'
import { parseNetnsPath } from '#values/netns.ts'
import { confOf } from './child.ts'
import type { Ran } from './program.ts'
import type { Call, Node } from './node.ts'
import { Pod } from './pod.ts'

/** Calls under way at each kill. */
const CALLS = 4
/** The last kills come when the call has been answered already. */
const BEYOND = 1.1

type Round = {
  readonly verb: 'ADD' | 'DEL'
  /** Between 0 and 1: where between two points of the other calls the kill falls. */
  readonly phase: number
  /** The shims live on and ask the next agent; else they go with the agent. */
  readonly runtimeWaits: boolean
}

export class KillSuite implements AsyncDisposable {
  readonly #node: Node
  readonly #pods: readonly Pod[]
  readonly #kernel = hostKernel()
  readonly #reached: string[] = []
  #spanMs: Readonly<Record<Round['verb'], number>> = { ADD: 0, DEL: 0 }
  #was: unknown

  private constructor(node: Node, pods: readonly Pod[]) {
    this.#node = node
    this.#pods = pods
  }

  /** Makes the pods, and measures how long the calls take when nobody kills. */
  static async open(node: Node): Promise<KillSuite> {
    const pods = await Pod.makeAll(Array.from({ length: CALLS }, (_, i) => `kill-${i}`))
    const suite = new KillSuite(node, pods)
    suite.#was = await suite.#state()
    // the first are slower: nothing of them is compiled
    for (const verb of ['ADD', 'DEL'] as const) await suite.#all(verb)
    suite.#spanMs = { ADD: await suite.#measure('ADD'), DEL: await suite.#measure('DEL') }
    return suite
  }

  async round({ verb, phase, runtimeWaits }: Round): Promise<void> {
    if (verb === 'DEL') await this.#all('ADD')
    const runtime = new AbortController()
    const stepMs = (this.#spanMs[verb] * BEYOND) / CALLS
    const calls: Promise<Ran>[] = []
    for (const call of this.#calls()) {
      if (calls.length > 0) await setTimeout(stepMs)
      calls.push(this.#node.cni(verb, call, runtimeWaits ? {} : { signal: runtime.signal }))
    }
    await setTimeout(stepMs * phase)
    await this.#node.stopAgent('SIGKILL')
    runtime.abort()
    await this.#note(verb)
    await this.#node.startAgent()
    const ended = await Promise.all(calls)
    if (runtimeWaits) {
      deepEqual(
        ended.map(({ status, stdout }) => (status === 0 ? '' : stdout)),
        calls.map(() => ''),
        'the next agent answers',
      )
    }
    await this.#compareWithRows()
    if (verb === 'ADD') await this.#all('ADD')
    await this.#all('DEL')
    deepEqual(await this.#state(), this.#was)
    deepEqual(await this.#node.status(), [])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#pods.map((pod) => pod.remove()))
  }

  /** Calls that the kill found between their first write and their last. */
  unfinished(): number {
    return this.#reached.filter((state) => /intent|reserved|open|detaching/.test(state)).length
  }

  /** How many kill points there were, and what the journal held at each. */
  summary(): string {
    const counts = Map.groupBy(this.#reached, (state) => state)
    const parts = [...counts].map(([state, all]) => `${state} ${all.length}`)
    return `${this.#reached.length} kill points, at rows: ${parts.toSorted().join(', ')}`
  }

  #calls(): Call[] {
    return this.#pods.map((pod, i) => ({ conf: confOf(i + 1), pod, container: `k${i}` }))
  }

  async #measure(verb: Round['verb']): Promise<number> {
    const startedMs = performance.now()
    await this.#all(verb)
    return (performance.now() - startedMs) / CALLS
  }

  async #all(verb: Round['verb']): Promise<void> {
    await Promise.all(this.#calls().map((call) => this.#node.demand(verb, call)))
  }

  async #note(verb: Round['verb']): Promise<void> {
    const rows = await this.#node.rows()
    for (const { container } of this.#calls()) {
      const row = rows.find(({ owner }) => owner.containerId === container)
      this.#reached.push(`${verb} ${row?.state ?? 'none'}`)
    }
  }

  /** What the journal says is there wholly, and nothing else is. */
  async #compareWithRows(): Promise<void> {
    const told = await this.#node.status()
    for (const { owner, state } of told) equal(state, 'attached', `row of ${owner.containerId}`)
    const links = await Promise.all(
      this.#pods.map(async ({ path }) => {
        const all = await this.#kernel.links(parseNetnsPath(path))
        return all.map(({ name }) => name).filter((name) => name !== 'lo')
      }),
    )
    const wanted = this.#calls().map(({ container }) =>
      told.some(({ owner }) => owner.containerId === container) ? ['eth0'] : [],
    )
    deepEqual(links, wanted, 'links are there as rows say')
  }

  /** All that the questions tell of the pods, the node and the initial namespace. */
  #state(): Promise<unknown> {
    const paths = [`/run/netns/${this.#node.name}`, ...this.#pods.map(({ path }) => path)]
    return Promise.all(
      (['host', ...paths.map(parseNetnsPath)] as const).map(async (where) => ({
        where,
        links: (await this.#kernel.links(where)).map(({ carrier: _, ...link }) => link),
        addresses: await this.#kernel.addresses(where),
        routes: await this.#kernel.routes(where),
        rules: await this.#kernel.rules(where),
      })),
    )
  }
}
