/**
 * Runs the built shim as a container runtime would, against an agent that a test scripts.
 * @module
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { decodeFrame, type Frame, splitFrames } from './frames.ts'

/** The built file. */
export const SHIM: string = fileURLToPath(new URL('../../build/verbena-cni', import.meta.url))

/** Options of a test that needs the shim: skipped, and why, where it is not built. */
export const NEEDS_SHIM: { readonly skip: string | false; readonly timeout: number } = {
  skip: existsSync(SHIM) ? false : 'build/verbena-cni is absent: run make native',
  timeout: 30_000,
}

export type Exit = {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}
export type Call = {
  /** The environment of the shim, all of it. */
  readonly env: Readonly<Record<string, string>>
  readonly stdin?: string | undefined
  /** The name it is called by; a path keeps the file, only argv[0] changes. */
  readonly argv0?: string | undefined
  /** Standard input is left open and never written. */
  readonly silent?: boolean
}

/** Executes the shim and waits for its end; killed after 20 s. */
export async function execShim(call: Call, file: string = SHIM): Promise<Exit> {
  const argv0 = call.argv0 === undefined ? {} : { argv0: call.argv0 }
  const child = spawn(file, [], { env: { ...call.env }, timeout: 20_000, ...argv0 })
  child.stdin.on('error', () => undefined) // a shim that does not read its input closes it
  if (call.silent !== true) child.stdin.end(call.stdin ?? '')
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const outputs = Promise.all([text(child.stdout), text(child.stderr)])
  const status = await ended
  child.stdin.destroy()
  const [stdout, stderr] = await outputs
  return { status, stdout, stderr }
}

/** What the agent of a test does with a frame: `reply` bytes, or close the connection. */
export type Script = (frame: Frame, connection: Socket, nth: number) => unknown

/** An agent on a socket of its own; owns the socket and its directory until disposed. */
export class ScriptedAgent implements AsyncDisposable {
  readonly socket: string
  readonly frames: Frame[] = []
  /** Milliseconds during which a new connection is not read. */
  pauseMs = 0
  readonly #directory: string
  readonly #script: Script
  readonly #connections = new Set<Socket>()
  readonly #server = createServer((connection) => this.#serve(connection))
  #accepted = 0

  private constructor(directory: string, script: Script) {
    this.#directory = directory
    this.#script = script
    this.socket = join(directory, 'agent.sock')
  }

  /** Made, but not listening: `listen` starts it. */
  static async create(script: Script): Promise<ScriptedAgent> {
    return new ScriptedAgent(await mkdtemp(join(tmpdir(), 'vbn-shim-')), script)
  }

  static async start(script: Script): Promise<ScriptedAgent> {
    const agent = await ScriptedAgent.create(script)
    await agent.listen()
    return agent
  }

  /** How many connections were accepted. */
  get accepted(): number {
    return this.#accepted
  }

  /** The directory that goes when the agent is disposed: a place for the plugins of a test. */
  get directory(): string {
    return this.#directory
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject).listen(this.socket, resolve)
    })
  }

  #serve(connection: Socket): void {
    const nth = (this.#accepted += 1)
    let rest: Buffer = Buffer.alloc(0)
    this.#connections.add(connection)
    if (this.pauseMs > 0) {
      connection.pause()
      setTimeout(() => connection.resume(), this.pauseMs)
    }
    connection
      .on('error', () => undefined)
      .on('data', (chunk: Buffer) => {
        const split = splitFrames(Buffer.concat([rest, chunk]))
        rest = split.rest
        for (const body of split.bodies) {
          const frame = decodeFrame(body)
          this.frames.push(frame)
          this.#script(frame, connection, nth)
        }
      })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections) connection.destroy()
    if (this.#server.listening) await new Promise((done) => this.#server.close(done))
    await rm(this.#directory, { recursive: true, force: true })
  }
}
