/**
 * The shim's socket: one connection a request. Frames in, frames out; a client
 * that never sends, never reads or breaks the protocol costs a connection and
 * nothing else.
 *
 * Frame layout: head comment of native/shim.c and `wire/cni/frame.ts`.
 * @module
 */
import { chmod, mkdir, rm } from 'node:fs/promises'
import { type Server, type Socket, connect, createServer } from 'node:net'
import { dirname } from 'node:path'
import type { Foreign, Ran } from '#attach/index.ts'
import { fail as attachFail } from '#attach/index.ts'
import { fail } from '#apps/failures.ts'
import { textOfThrown } from '#values/failure.ts'
import { type Frame, encodeFrame, frameReader } from '#wire/cni/frame.ts'

/** What the shim sends first. */
export type ShimRequest = Extract<Frame, { frame: 'request' }>
/** What is printed for a request: exit status and standard output. */
export type Answer = { readonly status: number; readonly stdout: string }

export type ServerNeeds = {
  answer(request: ShimRequest, foreign: Foreign): Promise<Answer>
  /** A client that broke the protocol or was too slow. */
  dropped(reason: string): void
}

/** A client must have sent its whole request, and read its answer, within this. */
const CLIENT_MS = 10_000
/** Connections at once; one more is closed as it comes, and its shim tries again. */
const MAX_CONNECTIONS = 1_024

/** Serves until it is disposed; then open requests are waited for, up to `graceMs`. */
export class ShimServer {
  readonly #server: Server
  readonly #path: string
  readonly #open = new Set<Promise<void>>()

  constructor(path: string, needs: ServerNeeds) {
    this.#path = path
    this.#server = createServer({ pauseOnConnect: false }, (socket) => {
      const served = serve(socket, needs)
      this.#open.add(served)
      void served.finally(() => this.#open.delete(served))
    })
    this.#server.maxConnections = MAX_CONNECTIONS
  }

  /** @throws {Failure} `socket-taken`: another agent answers on the path */
  async listen(): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 })
    if (await answers(this.#path)) throw fail('socket-taken', { path: this.#path })
    await rm(this.#path, { force: true })
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ path: this.#path, backlog: 511 }, resolve)
    })
    await chmod(this.#path, 0o600)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    await Promise.race([Promise.allSettled(this.#open), closed])
    await rm(this.#path, { force: true })
  }
}

/** True when something accepts connections there: a socket file alone may be a dead agent's. */
async function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path)
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', () => resolve(false))
  })
}

async function serve(socket: Socket, needs: ServerNeeds): Promise<void> {
  const client = new Client(socket)
  try {
    const request = await client.request()
    if (request === undefined) {
      socket.destroySoon()
      return
    }
    const answer = await needs.answer(request, client)
    await client.send(encodeFrame({ frame: 'result', ...answer }))
    socket.destroySoon()
  } catch (cause) {
    needs.dropped(textOfThrown(cause))
    // at once: what a client does not read would keep its connection for ever
    socket.destroy()
  }
}

/** One connection: hands out frames in order. */
class Client implements Foreign {
  readonly #socket: Socket
  readonly #reader = frameReader()
  readonly #frames: Frame[] = []
  #wake: () => void = () => undefined
  #ended: string | undefined
  #turn: Promise<unknown> = Promise.resolve()

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (bytes) => this.#take(Buffer.from(bytes)))
    socket.on('end', () => this.#end('the client closed the connection'))
    socket.on('close', () => this.#end('the client closed the connection'))
    socket.on('error', (error) => this.#end(error.message))
  }

  /** The request, or undefined when the client left without one. */
  async request(): Promise<ShimRequest | undefined> {
    const frame = await this.#next(CLIENT_MS)
    if (frame === undefined) return undefined
    if (frame.frame !== 'request') throw new Error(`first frame is ${frame.frame}, not request`)
    return frame
  }

  /** One plugin at a time: the shim runs them in order. */
  async run(plugin: Parameters<Foreign['run']>[0]): Promise<Ran> {
    const before = this.#turn
    const mine = before.then(async () => {
      if (this.#ended !== undefined) throw attachFail('foreign-unreachable', { type: plugin.type })
      await this.send(encodeFrame({ frame: 'run', ...plugin }))
      const frame = await this.#next(undefined)
      if (frame === undefined) throw attachFail('foreign-unreachable', { type: plugin.type })
      if (frame.frame !== 'ran') throw new Error(`frame after run is ${frame.frame}, not ran`)
      return { status: frame.status, stdout: frame.stdout, stderr: frame.stderr }
    })
    this.#turn = mine.catch(() => undefined)
    return mine
  }

  async send(bytes: Uint8Array): Promise<void> {
    if (this.#socket.destroyed) return
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('the client does not read')), CLIENT_MS)
      this.#socket.write(bytes, () => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  #take(bytes: Uint8Array): void {
    try {
      this.#frames.push(...this.#reader.push(bytes))
    } catch (cause) {
      this.#end(textOfThrown(cause))
      this.#socket.destroy()
    }
    this.#wake()
  }

  #end(reason: string): void {
    this.#ended ??= reason
    this.#wake()
  }

  async #next(timeoutMs: number | undefined): Promise<Frame | undefined> {
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => this.#end('the client sends nothing'), timeoutMs)
    while (this.#frames.length === 0 && this.#ended === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    clearTimeout(timer)
    const frame = this.#frames.shift()
    if (frame === undefined && this.#reader.waiting() > 0) throw new Error(this.#ended)
    return frame
  }
}
