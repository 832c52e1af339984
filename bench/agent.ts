/**
 * An agent of the bundle on the bench's node: started, asked for its memory, ended.
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Ground, ROOT, onNode } from './ground.ts'

const START_LIMIT_MS = 10_000
const STOP_LIMIT_MS = 5_000
const POLL_MS = 2
/** As `bin/verbena` starts it. */
const NODE_FLAGS = ['--max-semi-space-size=4', '--no-concurrent-recompilation']

/** What of an agent differs between benches. */
export type AgentPlace = {
  /** Bundle to start; the checkout's own by default. */
  readonly bundle?: string
  /** Name of its folder for store and journal: the same name, the same state. */
  readonly state: string
}

/** Ended by disposing of it. */
export class Agent implements AsyncDisposable {
  readonly socket: string
  /** From its exec to the first connection that it accepts, in milliseconds. */
  readonly startMs: number
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, socket: string, startMs: number) {
    this.#child = child
    this.socket = socket
    this.startMs = startMs
  }

  static async start(ground: Ground, place: AgentPlace): Promise<Agent> {
    const folder = join(ground.folder, place.state)
    const socket = join(folder, 'agent.sock')
    const options = ['--node', 'bench', '--store', join(folder, 'store.db')]
    options.push('--state', folder, '--socket', socket, '--conf-dir', join(folder, 'net.d'))
    const log = openSync(join(ground.folder, `${place.state}.log`), 'a')
    const [program = '', ...words] = onNode(ground)
    const agent =
      place.bundle === undefined
        ? [join(ROOT, 'bin/verbena'), 'agent']
        : [process.execPath, ...NODE_FLAGS, place.bundle]
    const startedMs = performance.now()
    const child = spawn(program, [...words, ...agent, ...options], {
      stdio: ['ignore', log, log],
      env: { ...process.env, VERBENA_NATIVE: join(ROOT, 'build/netns.node') },
    })
    closeSync(log)
    const killAtExit = (): void => void child.kill('SIGKILL')
    process.once('exit', killAtExit)
    child.once('exit', () => process.off('exit', killAtExit))
    while (!(await answers(socket))) {
      if (child.exitCode !== null || performance.now() - startedMs > START_LIMIT_MS) {
        child.kill('SIGKILL')
        const said = readFileSync(join(ground.folder, `${place.state}.log`), 'utf8')
        throw new Error(`Cannot start the agent: ${said.slice(-500)}`)
      }
      await sleep(POLL_MS)
    }
    return new Agent(child, socket, performance.now() - startedMs)
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Resident memory in MiB. */
  rssMib(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8')
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024
  }

  /** As a crash ends it. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end('SIGTERM')
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()))
    this.#child.kill(signal)
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_LIMIT_MS)
    await ended
    clearTimeout(timer)
  }
}

function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(socket)
    probe.once('connect', () => resolve(true)).once('error', () => resolve(false))
    probe.once('connect', () => probe.destroy())
  })
}
