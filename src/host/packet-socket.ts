/**
 * A packet socket on one link of a namespace: whole frames of one EtherType,
 * out and in. It never blocks: what is there is read, and no more waited for.
 *
 * Spec: packet(7), SOCK_RAW. Needs CAP_NET_RAW in that namespace.
 * @module
 */
import { close, read, write } from 'node:fs'
import { promisify } from 'node:util'
import type { IfName } from '#values/if-name.ts'
import type { Bytes } from '#wire/netlink/attribute.ts'
import { runProgram } from './netns-call.ts'
import { refusal } from './refusal.ts'

const readFd = promisify(read)
const writeFd = promisify(write)
const closeFd = promisify(close)
const FRAME_MOST = 2_048
/** Frames taken at a time: a link that is flooded must not hold its reader. */
const FRAMES_MOST = 256

/** Owns its descriptor. */
export class PacketSocket implements AsyncDisposable {
  readonly #fd: number

  private constructor(fd: number) {
    this.#fd = fd
  }

  /** @throws {Failure} `kernel-refused`: the link is gone, or the right to it is missing */
  static async open(of: {
    /** Descriptor of the namespace. */
    readonly netns: number
    readonly link: IfName
    readonly index: number
    readonly etherType: number
  }): Promise<PacketSocket> {
    const { netns, link, index, etherType } = of
    const [result] = await runProgram([{ op: 'open-packet', netns, index, etherType }])
    if (result === undefined || result.status < 0) {
      const failed = result ?? { status: -1, data: new Uint8Array(0) }
      throw refusal(failed, { step: 'open a packet socket on', of: link })
    }
    return new PacketSocket(
      new DataView(result.data.buffer, result.data.byteOffset).getInt32(0, true),
    )
  }

  /** False when the link does not take it now: down, without carrier, or its queue is full. */
  async send(frame: Bytes): Promise<boolean> {
    try {
      return (await writeFd(this.#fd, frame)).bytesWritten === frame.length
    } catch {
      return false
    }
  }

  /** What has come since. */
  async receive(): Promise<Bytes[]> {
    const frames: Bytes[] = []
    while (frames.length < FRAMES_MOST) {
      const buffer = new Uint8Array(FRAME_MOST)
      const size = await readFd(this.#fd, buffer, 0, FRAME_MOST, null).then(
        ({ bytesRead }) => bytesRead,
        () => 0,
      )
      if (size === 0) return frames
      frames.push(buffer.subarray(0, size))
    }
    return frames
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await closeFd(this.#fd)
  }
}
