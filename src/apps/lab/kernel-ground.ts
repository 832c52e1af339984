/**
 * A ground with a real kernel: nodes and pods are network namespaces, agents
 * and containers are processes. What it makes it writes into a file of the run
 * first, so that another process can end it.
 * @module
 */
import { copyFile, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fail } from '#apps/failures.ts'
import { demand, execute } from './command.ts'
import type { Added, Bound, Ground, Place, PodInterface, Printed, Started } from './ground.ts'
import type { NodePlan } from './node-plan.ts'
import { type Observed, compareWith, marked, observe } from './observed.ts'
import { podInterfaces, withoutCarrier } from './pod-links.ts'
import { endContainer, startProcess, stopProcess, waitUntil } from './processes.ts'
import { type RunRecord, removeNamespaces, writeRecord } from './record.ts'
import { type Run, installed, netnsName, netnsPath, storeOf } from './run.ts'
import { POD_INTERFACE, addPod, delPod } from './runtime.ts'
import { agentReady, firstOutput, lastLines, readyLine } from './process-log.ts'
import { type Wire, parentsOf } from './wire.ts'

export type KernelGroundOptions = {
  readonly run: Run
  readonly env: Readonly<Record<string, string | undefined>>
  readonly wire: Wire
  /** How many times slower than a plain machine this one may be. */
  readonly slowness: number
  /** Ends what is under way when the run is given up; clean-up goes on without it. */
  readonly signal: AbortSignal
  /** Leaves one namespace behind, to show that it is noticed. */
  readonly leave: boolean
  /** What the machine was before the run, and what the run has made by now. */
  readonly record: RunRecord
}

const READY_MS = 10_000
const CARRIER_MS = 10_000
const START_MS = 5_000
const CNI_MS = 15_000

export class KernelGround implements Ground {
  readonly #options: KernelGroundOptions
  readonly #record: RunRecord
  #nodesBefore: Readonly<Record<string, Observed>> = {}

  constructor(options: KernelGroundOptions) {
    this.#options = options
    this.#record = options.record
  }

  async makeNodes(nodes: readonly NodePlan[]): Promise<void> {
    const { run, wire } = this.#options
    await mkdir(join(run.folder, 'cni'), { recursive: true, mode: 0o700 })
    await copyFile(installed('build/verbena-cni'), join(run.folder, 'cni', 'verbena'))
    for (const { name } of nodes) {
      this.#record.nodes.push({ name, pid: undefined })
      await writeRecord(run, this.#record)
      await this.#ip('netns', 'add', netnsName(run, name))
      await this.#ip('-n', netnsName(run, name), 'link', 'set', 'lo', 'up')
    }
    const parents = parentsOf(nodes)
    await wire.lay(parents)
    for (const { node, name, addresses } of parents) {
      const netns = netnsName(run, node)
      for (const address of addresses) {
        const broadcast = address.includes(':') ? [] : ['broadcast', '+']
        await this.#ip('-n', netns, 'address', 'add', address, ...broadcast, 'dev', name)
      }
      await this.#ip('-n', netns, 'link', 'set', name, 'up')
    }
    await this.#wait('the carrier of all parents', CARRIER_MS, async () => {
      return (await this.withoutCarrier()).length === 0
    })
  }

  rdmaDevices(): Promise<readonly string[]> {
    return this.#options.wire.rdmaDevices()
  }

  async startAgents(): Promise<readonly string[]> {
    const { run, env } = this.#options
    for (const node of this.#record.nodes) {
      const folder = join(run.folder, node.name)
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const options = {
        node: node.name,
        store: storeOf(run),
        state: join(folder, 'state'),
        socket: this.#socket(node.name),
        'status-socket': join(folder, 'status.sock'),
        'conf-dir': join(folder, 'net.d'),
      }
      const words = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value])
      node.pid = await startProcess({
        words: [...this.#inside(node.name), process.execPath, installed('dist/agent.js'), ...words],
        env,
        log: join(folder, 'agent.log'),
      })
      await writeRecord(run, this.#record)
    }
    for (const { name, pid = 0 } of this.#record.nodes) await this.#awaitAgent(name, pid)
    this.#nodesBefore = await this.#observeNodes()
    return this.#record.nodes.map(({ name, pid }) => {
      return `${name}  agent, process ${pid}, ${readyLine(join(run.folder, name, 'agent.log'))}`
    })
  }

  async run(place: Place, words: readonly string[]): Promise<Printed> {
    const { env, signal } = this.#options
    const inside = place.at === 'machine' ? [] : this.#inside(place.name)
    const timeoutMs = this.#ms(30_000)
    const ran = await execute({ words: [...inside, ...words], env, timeoutMs, signal })
    return { status: ran.status, text: ran.all }
  }

  async attach(bound: Bound): Promise<Added> {
    const { run, signal } = this.#options
    const { pod, node, containerId } = bound
    this.#record.pods.push({ pod, node, containerId, pid: undefined })
    await writeRecord(run, this.#record)
    const netns = netnsName(run, pod.metadata.name)
    await this.#ip('netns', 'add', netns)
    await this.#ip('-n', netns, 'link', 'set', 'lo', 'up')
    return addPod(bound, { ...this.#runtime(bound), signal })
  }

  async start({ pod }: Bound, words: readonly string[]): Promise<Started> {
    const { run, env } = this.#options
    const { name } = pod.metadata
    const log = join(run.folder, `${name}.log`)
    const unshare = ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc']
    const pid = await startProcess({
      words: [...this.#inside(name), ...unshare, ...words],
      env,
      log,
    })
    const record = this.#record.pods.find((one) => one.pod.metadata.name === name)
    if (record !== undefined) record.pid = pid
    await writeRecord(run, this.#record)
    await this.#wait(`${POD_INTERFACE} of pod ${name} to be up`, START_MS, async () => {
      const shown = ['link', 'show', 'dev', POD_INTERFACE, 'up']
      const { stdout } = await execute({ words: [...this.#inside(name), 'ip', ...shown], env })
      return stdout.includes('LOWER_UP')
    })
    if (!processAlive(pid)) {
      throw fail('lab-process-ended', { program: `container of pod ${name}`, said: lastLines(log) })
    }
    await firstOutput(log)
    return { log, startedAt: new Date().toISOString() }
  }

  interfaces(pod: string): Promise<readonly PodInterface[]> {
    const { run, env } = this.#options
    return podInterfaces(netnsName(run, pod), env)
  }

  withoutCarrier(): Promise<readonly string[]> {
    const { run, env } = this.#options
    const nodes = this.#record.nodes.map(({ name }) => ({ name, netns: netnsName(run, name) }))
    return withoutCarrier(nodes, env)
  }

  async cut(): Promise<void> {
    await this.#options.wire.cut(this.#record.nodes.at(-1)?.name ?? '')
  }

  async stopPods(): Promise<readonly string[]> {
    const { run } = this.#options
    const problems: string[] = []
    for (const { pid, pod, node, containerId } of this.#record.pods.splice(0)) {
      const { name } = pod.metadata
      if (pid !== undefined && !(await endContainer(pid, run))) {
        problems.push(`the container of pod ${name} (process ${pid}) does not end`)
      }
      const bound = { pod, node, containerId }
      const reason = await delPod(bound, this.#runtime(bound)).catch(String)
      if (reason !== undefined) problems.push(`DEL of pod ${name}: ${reason}`)
    }
    for (const [node, before] of Object.entries(this.#nodesBefore)) {
      const netns = netnsName(run, node)
      const found = await compareWith(before, () => observe(netns, this.#options.env))
      problems.push(...found.map((text) => `in the namespace of ${node}: ${text}`))
    }
    return problems
  }

  async remove(): Promise<readonly string[]> {
    const { run, env, leave, wire } = this.#options
    const problems: string[] = []
    for (const { name, pid } of this.#record.nodes.splice(0)) {
      if (pid !== undefined && !(await stopProcess(pid, run))) {
        problems.push(`the agent of ${name} (process ${pid}) does not end`)
      }
    }
    problems.push(...(await removeNamespaces(run, { env, leave })))
    await wire.remove().catch((cause: unknown) => problems.push(String(cause)))
    await rm(run.folder, { recursive: true, force: true })
    return problems
  }

  async remains(): Promise<readonly string[]> {
    const { run, env } = this.#options
    const differing = await compareWith(this.#record.before, () => observe(undefined, env))
    return [...(await marked(run)), ...differing]
  }

  async #observeNodes(): Promise<Record<string, Observed>> {
    const { run, env } = this.#options
    const all: Record<string, Observed> = {}
    for (const { name } of this.#record.nodes) all[name] = await observe(netnsName(run, name), env)
    return all
  }

  async #awaitAgent(node: string, pid: number): Promise<void> {
    const log = join(this.#options.run.folder, node, 'agent.log')
    await this.#wait(`the agent of ${node} to be ready`, READY_MS, async () => {
      if (agentReady(log)) return true
      if (processAlive(pid)) return false
      throw fail('lab-process-ended', { program: `agent of ${node}`, said: lastLines(log) })
    })
  }

  #runtime({ pod, node }: Bound) {
    const { run, env } = this.#options
    return {
      env,
      nodeNetns: netnsPath(run, node),
      podNetns: netnsPath(run, pod.metadata.name),
      cniPath: join(run.folder, 'cni'),
      socket: this.#socket(node),
      timeoutMs: this.#ms(CNI_MS),
    }
  }

  #socket(node: string): string {
    return join(this.#options.run.folder, node, 'agent.sock')
  }

  #inside(name: string): string[] {
    return ['ip', 'netns', 'exec', netnsName(this.#options.run, name)]
  }

  #ip(...words: readonly string[]): Promise<unknown> {
    const { env, signal } = this.#options
    return demand({ words: ['ip', ...words], env, signal, timeoutMs: this.#ms(10_000) })
  }

  #wait(what: string, withinMs: number, holds: () => Promise<boolean>): Promise<void> {
    const { signal } = this.#options
    return waitUntil(what, holds, { withinMs: this.#ms(withinMs), signal })
  }

  #ms(plainMs: number): number {
    return plainMs * this.#options.slowness
  }
}

function processAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
