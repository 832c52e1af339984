/**
 * A real node whose store and journal are on disks of the test's own: small
 * ones, read-only ones, and files that fail, are damaged or locked.
 * @module
 */
import { DatabaseSync } from 'node:sqlite'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { allocationsOf } from '#ipam/index.ts'
import { COORDINATOR, nad, networks, pool } from './documents.ts'
import { addPod } from './ground.ts'
import { Mortal } from './mortal.ts'
import { run, start } from './program-run.ts'
import { type AgentStart, RealNode, type RealCall } from './real-node.ts'
import { type Refusal, refusalOf } from './real-pods.ts'
import { wholeState } from './real-state.ts'

const POOL = { type: 'spiderpool', default_ipv4_ippool: ['v4'] } as const
const MACVLAN = { type: 'macvlan', master: 'up0', ipam: POOL } as const

/** One of the two files an agent writes: where it is, and what it is called. */
export const FILES = { store: 'store.db', journal: 'journal.db' } as const
export type FileOf = keyof typeof FILES

export class FaultBench implements AsyncDisposable {
  readonly node: RealNode
  readonly mortal: Mortal
  readonly #mounts: string[] = []

  private constructor(node: RealNode, mortal: Mortal) {
    this.node = node
    this.mortal = mortal
  }

  /** With an agent that runs, its files where they always are. */
  static async open(): Promise<FaultBench> {
    const node = await RealNode.open([
      pool('v4', '10.7.0.0/16', '10.7.0.100-10.7.0.199'),
      nad('over-host', [MACVLAN, COORDINATOR]),
    ])
    try {
      const bench = new FaultBench(node, await Mortal.make(node.folder))
      await bench.boot()
      return bench
    } catch (cause) {
      await node[Symbol.asyncDispose]()
      throw cause
    }
  }

  /** Another agent in place of the one before; its changes can be made to fail. */
  async boot(how: AgentStart = {}): Promise<void> {
    await this.node.kill()
    await this.node.boot({ ...how, env: { ...this.mortal.env, ...how.env } })
  }

  /** Ends the agent as an operator would. */
  async stop(): Promise<void> {
    const { agent } = this.node
    if (agent === undefined) return
    const ended = once(agent, 'exit')
    agent.kill('SIGTERM')
    await ended
  }

  /** What an agent says that must not start. */
  async words(how: AgentStart = {}): Promise<string> {
    await this.node.kill()
    const started = await this.boot(how).then(
      () => 'it started',
      () => undefined,
    )
    const { exitCode } = this.node.agent ?? {}
    return started ?? `exit ${exitCode}: ${this.node.log.join(' ')}`
  }

  async pod(name: string): Promise<RealCall> {
    await this.node.addPods([name])
    return { pod: name, ref: await addPod(this.node, name, networks('over-host')) }
  }

  /** Path of a file; the agent has been started with it there. */
  path(of: FileOf): string {
    const { folder } = this.node
    return of === 'store' ? join(folder, 'store.db') : join(folder, 'state/journal.db')
  }

  /** An agent whose file is on a disk of so many KiB. @returns the folder of the disk */
  async onDisk(of: FileOf, kib: number): Promise<string> {
    const folder = join(this.node.folder, `disk-${of}`)
    await mkdir(folder)
    await run(['mount', '-t', 'tmpfs', '-o', `size=${kib}k`, 'vbs', folder])
    this.#mounts.push(folder)
    await this.node.kill()
    if (of === 'store') {
      // whole: what is in its -wal too
      const source = new DatabaseSync(this.path('store'))
      source.exec(`VACUUM INTO '${join(folder, 'store.db')}'`)
      source.close()
    }
    return folder
  }

  /** Options with which an agent uses that disk. */
  on(of: FileOf): AgentStart {
    const folder = join(this.node.folder, `disk-${of}`)
    return { more: of === 'store' ? ['--store', join(folder, 'store.db')] : ['--state', folder] }
  }

  async refused(verb: string, call: RealCall): Promise<Refusal> {
    return refusalOf(await this.node.plugin(verb, call))
  }

  whole(): Promise<string> {
    return wholeState(this.node)
  }

  async allocations(): Promise<number> {
    return (await this.node.records.list(allocationsOf('all'))).items.length
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.node.kill()
    for (const folder of this.#mounts) await start(['umount', '-l', folder]).ended
    await this.node[Symbol.asyncDispose]()
    this.mortal[Symbol.dispose]()
  }
}

/** Another process's write lock on a file, until it is disposed. */
export class Lock implements Disposable {
  readonly #db: DatabaseSync

  constructor(path: string) {
    // the agent may just be writing
    this.#db = new DatabaseSync(path, { timeout: 2_000 })
    this.#db.exec('BEGIN IMMEDIATE')
  }

  [Symbol.dispose](): void {
    if (!this.#db.isOpen) return
    this.#db.exec('ROLLBACK')
    this.#db.close()
  }
}
