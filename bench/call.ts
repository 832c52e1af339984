/**
 * CNI calls of a bench: one description for a plugin that is executed and for
 * the same request as a bare frame on the agent's socket.
 *
 * Spec: CNI 1.1.0, section 2.
 * @module
 */
import { statSync } from 'node:fs'
import { connect } from 'node:net'
import { basename, join } from 'node:path'
import { encodeFrame, frameReader } from '#wire/cni/frame.ts'

const LIMIT_MS = 20_000
/** Until the next try where too many wait to be accepted. */
const FULL_MS = 1

/** One call of one plugin. */
export type Call = {
  /** The program. */
  readonly file: string
  readonly env: Readonly<Record<string, string>>
  readonly stdin: string
}

/** The interface of one container that a call is about. */
export type Target = {
  readonly containerId: string
  readonly netns: string
  readonly ifName?: string
  /** CNI_ARGS; empty for none. */
  readonly args?: string
}

/** What is called, and where; `socket` is for the shim alone. */
export type Plugin = {
  readonly folder: string
  readonly conf: { readonly type: string } & Readonly<Record<string, unknown>>
  readonly socket?: string
}

export function callOf(verb: 'ADD' | 'DEL', plugin: Plugin, target: Target): Call {
  const { folder, conf, socket } = plugin
  return {
    file: join(folder, conf.type),
    env: {
      CNI_COMMAND: verb,
      CNI_CONTAINERID: target.containerId,
      CNI_NETNS: target.netns,
      CNI_IFNAME: target.ifName ?? 'eth0',
      CNI_PATH: folder,
      ...(target.args === undefined ? {} : { CNI_ARGS: target.args }),
      ...(socket === undefined ? {} : { VERBENA_SOCKET: socket }),
    },
    stdin: JSON.stringify(conf),
  }
}

/** Sends the request that the shim would send, without a process. @throws {Error} when refused */
export function callBare(call: Call, callerNetns: string): Promise<string> {
  const { VERBENA_SOCKET: path = '', ...env } = call.env
  const { dev, ino } = statSync(callerNetns)
  const frame = encodeFrame({
    frame: 'request',
    pid: process.pid,
    netnsId: `${dev}:${ino}`,
    argv0: basename(call.file),
    env,
    stdin: call.stdin,
  })
  return new Promise((resolve, reject) => {
    const reader = frameReader()
    const socket = connect(path, () => socket.write(frame))
    socket.setTimeout(LIMIT_MS, () => socket.destroy(new Error('the agent does not answer')))
    let isFull = false
    const again = (): void => void callBare(call, callerNetns).then(resolve, reject)
    socket.once('error', (error: NodeJS.ErrnoException) => {
      // too many wait to be accepted: the shim's connect would wait as well
      isFull = error.code === 'EAGAIN'
      if (isFull) setTimeout(again, FULL_MS)
      else reject(error)
    })
    socket.once('close', () => {
      if (!isFull) reject(new Error('the agent closed the connection'))
    })
    socket.on('data', (bytes) => {
      for (const answer of reader.push(Buffer.from(bytes))) {
        if (answer.frame !== 'result') continue
        socket.end()
        if (answer.status === 0) resolve(answer.stdout)
        else reject(new Error(`${env['CNI_COMMAND']} was refused: ${answer.stdout}`))
      }
    })
  })
}

/** Runs `works`, at most `most` at a time; the seconds that it took. */
export async function inTurns(works: readonly (() => Promise<unknown>)[], most: number) {
  let next = 0
  const startedMs = performance.now()
  const worker = async (): Promise<void> => {
    for (let work = works[next++]; work !== undefined; work = works[next++]) await work()
  }
  await Promise.all(Array.from({ length: most }, worker))
  return (performance.now() - startedMs) / 1000
}
