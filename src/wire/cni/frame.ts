/**
 * Frames of the socket between the CNI shim and the agent.
 *
 *   frame    = u32 length of what follows, u8 kind, payload
 *   str      = u32 length, bytes (UTF-8)
 *   pairs    = u32 n, n × str `K=V`
 *   1 request  shim → agent: u32 pid, u64 dev, u64 ino (the shim's own network
 *              namespace), str base name of argv[0], pairs CNI_*, str standard input
 *   2 ran      shim → agent: i32 status (128 + signal; -1: could not be run), str
 *              standard output, str standard error (for -1: the reason)
 *   3 result   agent → shim: i32 exit status, str standard output
 *   4 run      agent → shim: str type, pairs (environment to override), str standard input
 *
 * Integers are little-endian. A frame has at most 16 MiB after its length.
 * @module
 */
import { fail } from '#wire/failures.ts'
import { type ByteReader, byteReader, byteWriter } from './frame-bytes.ts'

/** Environment variables by name. */
export type Env = Readonly<Record<string, string>>

/** What goes over the socket. */
export type Frame =
  | {
      readonly frame: 'request'
      readonly pid: number
      /** dev:ino of the caller's own network namespace. */
      readonly netnsId: string
      readonly argv0: string
      readonly env: Env
      readonly stdin: string
    }
  | {
      readonly frame: 'ran'
      readonly status: number
      readonly stdout: string
      readonly stderr: string
    }
  | { readonly frame: 'result'; readonly status: number; readonly stdout: string }
  | { readonly frame: 'run'; readonly type: string; readonly env: Env; readonly stdin: string }

/** Bytes of the longest frame, without its length. */
export const MAX_FRAME_BYTES = 16 * 1024 * 1024

const KIND = { request: 1, ran: 2, result: 3, run: 4 } as const
const LENGTH_BYTES = 4

/** @throws {Failure} `frame-invalid`, the frame would be over 16 MiB */
export function encodeFrame(frame: Frame): Uint8Array {
  const write = byteWriter()
  write.u32(0)
  write.u8(KIND[frame.frame])
  if (frame.frame === 'request') {
    const [dev = '', ino = ''] = frame.netnsId.split(':')
    write.u32(frame.pid)
    write.u64(BigInt(dev))
    write.u64(BigInt(ino))
    write.text(frame.argv0)
    write.texts(pairsOf(frame.env))
    write.text(frame.stdin)
  } else if (frame.frame === 'run') {
    write.text(frame.type)
    write.texts(pairsOf(frame.env))
    write.text(frame.stdin)
  } else {
    write.u32(frame.status >>> 0)
    write.text(frame.stdout)
    if (frame.frame === 'ran') write.text(frame.stderr)
  }
  const bytes = write.done()
  const length = bytes.length - LENGTH_BYTES
  if (length > MAX_FRAME_BYTES) throw tooLong(length)
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(0, length, true)
  return bytes
}

/** Cuts a stream into frames. After it threw, the stream is lost: close it. */
export type FrameReader = {
  /**
   * Takes bytes as they come and gives the frames that they complete.
   * @throws {Failure} `frame-invalid`
   */
  push(bytes: Uint8Array): Frame[]
  /** Bytes of a frame that is not whole yet. */
  waiting(): number
}

/** A reader at the beginning of a stream. */
export function frameReader(): FrameReader {
  let parts: Uint8Array[] = []
  let size = 0
  const joined = (): Uint8Array => {
    const [first] = parts
    const all = parts.length === 1 && first !== undefined ? first : join(parts, size)
    parts = [all]
    return all
  }
  return {
    push(bytes) {
      parts.push(bytes)
      size += bytes.length
      const frames: Frame[] = []
      while (size >= LENGTH_BYTES) {
        // Joined only when a frame is whole: many small parts cost one copy, not one each.
        const length = lengthOf(parts.length === 1 || headIsSplit(parts) ? [joined()] : parts)
        if (length > MAX_FRAME_BYTES) throw tooLong(length)
        if (size < LENGTH_BYTES + length) break
        const all = joined()
        frames.push(decode(all.subarray(LENGTH_BYTES, LENGTH_BYTES + length)))
        size -= LENGTH_BYTES + length
        parts = size === 0 ? [] : [all.subarray(LENGTH_BYTES + length)]
      }
      return frames
    },
    waiting: () => size,
  }
}

function decode(body: Uint8Array): Frame {
  const read = byteReader(body)
  const frame = payload(read.u8('kind'), read)
  if (read.left() > 0) {
    throw fail('frame-invalid', { reason: `${read.left()} bytes follow the ${frame.frame}` })
  }
  return frame
}

function payload(kind: number, read: ByteReader): Frame {
  switch (kind) {
    case KIND.request: {
      const pid = read.u32('pid')
      const netnsId = `${read.u64('dev')}:${read.u64('ino')}`
      const argv0 = read.text('argv0')
      const env = envOf(read.texts('environment'))
      return { frame: 'request', pid, netnsId, argv0, env, stdin: read.text('stdin') }
    }
    case KIND.ran: {
      const status = read.u32('status') | 0
      return { frame: 'ran', status, stdout: read.text('stdout'), stderr: read.text('stderr') }
    }
    case KIND.result: {
      const status = read.u32('status') | 0
      return { frame: 'result', status, stdout: read.text('stdout') }
    }
    case KIND.run: {
      const type = read.text('type')
      const env = envOf(read.texts('environment'))
      return { frame: 'run', type, env, stdin: read.text('stdin') }
    }
    default:
      throw fail('frame-invalid', { reason: `kind ${kind} does not exist` })
  }
}

function envOf(pairs: readonly string[]): Env {
  const env = pairs.map((pair): [string, string] => {
    const equals = pair.indexOf('=')
    if (equals < 1) throw fail('frame-invalid', { reason: 'environment has a part without name' })
    return [pair.slice(0, equals), pair.slice(equals + 1)]
  })
  return Object.fromEntries(env)
}

function pairsOf(env: Env): string[] {
  return Object.entries(env).map(([key, value]) => `${key}=${value}`)
}

function lengthOf([head = new Uint8Array()]: readonly Uint8Array[]): number {
  return new DataView(head.buffer, head.byteOffset, LENGTH_BYTES).getUint32(0, true)
}

function headIsSplit([head]: readonly Uint8Array[]): boolean {
  return (head?.length ?? 0) < LENGTH_BYTES
}

function join(parts: readonly Uint8Array[], size: number): Uint8Array {
  const all = new Uint8Array(size)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

function tooLong(length: number): Error {
  return fail('frame-invalid', { reason: `${length} bytes are over ${MAX_FRAME_BYTES}` })
}
