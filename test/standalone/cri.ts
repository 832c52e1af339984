/**
 * As much of a client of containerd's CRI as starts and ends a pod's sandbox:
 * what a kubelet would send, over HTTP/2 on a unix socket.
 *
 * Spec: CRI v1 (runtime.v1.RuntimeService), messages in protocol buffers; gRPC
 * frames: u8 compressed, u32 length (big-endian), message.
 * @module
 */
import { once } from 'node:events'
import { type ClientHttp2Session, connect } from 'node:http2'
import { connect as connectSocket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'

const CALL_MS = 60_000
const SERVICE = '/runtime.v1.RuntimeService'

/** The pod of a sandbox. */
export type CriPod = {
  readonly namespace: string
  readonly name: string
  readonly uid: string
}

/** A field whose wire type is 2: a text, or a message of fields. Numbers below 16. */
function field(number: number, content: string | readonly Buffer[]): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content) : Buffer.concat(content)
  const size = [bytes.length & 127]
  for (let rest = bytes.length >> 7; rest > 0; rest >>= 7) {
    size[size.length - 1] = (size.at(-1) ?? 0) | 128
    size.push(rest & 127)
  }
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...size]), bytes])
}

/** Content of the first field of this number, all of whose neighbours are texts or messages. */
function contentOf(message: Buffer, number: number): Buffer {
  for (let at = 0; at < message.length;) {
    const tag = message.readUInt8(at++)
    let size = 0
    for (let shift = 0; ; shift += 7) {
      const byte = message.readUInt8(at++)
      size += (byte & 127) << shift
      if (byte < 128) break
    }
    // a varint: state and times, of which none is asked for
    if ((tag & 7) !== 2) continue
    if (tag >> 3 === number) return message.subarray(at, at + size)
    at += size
  }
  return Buffer.alloc(0)
}

/** A connection to a containerd; closed when disposed. */
export class Cri implements AsyncDisposable {
  readonly #session: ClientHttp2Session

  constructor(socket: string) {
    this.#session = connect('http://localhost', { createConnection: () => connectSocket(socket) })
    this.#session.on('error', () => undefined)
  }

  /** Waits until containerd serves: it opens its socket before. */
  async ready(): Promise<void> {
    const untilMs = performance.now() + CALL_MS
    for (;;) {
      try {
        await this.#call('ListPodSandbox', [])
        return
      } catch (cause) {
        if (performance.now() > untilMs || !/not initialized/.test(String(cause))) throw cause
        await delay(50)
      }
    }
  }

  /** @returns the sandbox's id. @throws {Error} with containerd's text */
  async run({ namespace, name, uid }: CriPod): Promise<string> {
    const metadata = field(1, [field(1, name), field(2, uid), field(3, namespace)])
    const config = [metadata, field(2, name), field(3, '/run/pods'), field(8, [])]
    const answer = await this.#call('RunPodSandbox', [field(1, config)])
    return contentOf(answer, 1).toString()
  }

  /** Address that containerd holds for the pod's. */
  async addressOf(sandbox: string): Promise<string> {
    const answer = await this.#call('PodSandboxStatus', [field(1, sandbox)])
    return contentOf(contentOf(contentOf(answer, 1), 5), 1).toString()
  }

  async stop(sandbox: string): Promise<void> {
    await this.#call('StopPodSandbox', [field(1, sandbox)])
  }

  async remove(sandbox: string): Promise<void> {
    await this.#call('RemovePodSandbox', [field(1, sandbox)])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#session.destroy()
    if (!this.#session.closed) await once(this.#session, 'close')
  }

  async #call(method: string, message: readonly Buffer[]): Promise<Buffer> {
    const body = Buffer.concat(message)
    const head = Buffer.alloc(5)
    head.writeUInt32BE(body.length, 1)
    const stream = this.#session.request({
      ':method': 'POST',
      ':path': `${SERVICE}/${method}`,
      'content-type': 'application/grpc',
      te: 'trailers',
    })
    stream.setTimeout(CALL_MS, () => stream.destroy(new Error(`${method}: no answer`)))
    let told: NodeJS.Dict<string | string[]> = {}
    // an error without an answer comes with the headers
    for (const event of ['response', 'trailers'] as const) {
      stream.on(event, (headers) => (told = { ...told, ...headers }))
    }
    stream.end(Buffer.concat([head, body]))
    const answer = await buffer(stream)
    if (told['grpc-status'] === '0') return answer.subarray(5)
    throw new Error(`${method}: ${decodeURIComponent(String(told['grpc-message']))}`)
  }
}
