/**
 * Primitives of the socket frames: little-endian integers, and texts (UTF-8)
 * and lists of texts with their u32 length or count before them. Bytes that are
 * no UTF-8 are read as U+FFFD, as JSON readers of the field do.
 * @module
 */
import { fail } from '#wire/failures.ts'

/** Reads a payload from its beginning; `of` names what is read in a failure. */
export type ByteReader = {
  u8(of: string): number
  u32(of: string): number
  u64(of: string): bigint
  text(of: string): string
  texts(of: string): string[]
  /** Bytes not read yet. */
  left(): number
}

/** Writes a payload. */
export type ByteWriter = {
  u8(value: number): void
  u32(value: number): void
  u64(value: bigint): void
  text(value: string): void
  texts(values: readonly string[]): void
  done(): Uint8Array
}

const LENGTH_BYTES = 4
const decoder = new TextDecoder()
const encoder = new TextEncoder()

/** Every read past the end throws `frame-invalid`, naming what was to be read. */
export function byteReader(bytes: Uint8Array): ByteReader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let at = 0
  const take = (size: number, of: string): number => {
    if (size > bytes.length - at) {
      const reason = `${of} needs ${size} bytes and ${bytes.length - at} are there`
      throw fail('frame-invalid', { reason })
    }
    at += size
    return at - size
  }
  const u32 = (of: string): number => view.getUint32(take(4, of), true)
  const text = (of: string): string => {
    const size = u32(of)
    const from = take(size, of)
    return decoder.decode(bytes.subarray(from, from + size))
  }
  return {
    u8: (of) => view.getUint8(take(1, of)),
    u32,
    u64: (of) => view.getBigUint64(take(8, of), true),
    text,
    texts(of) {
      const count = u32(of)
      // Each has a length of four bytes at least: a count beyond is refused before room is made.
      if (count * LENGTH_BYTES > bytes.length - at) take(count * LENGTH_BYTES, of)
      return Array.from({ length: count }, () => text(of))
    },
    left: () => bytes.length - at,
  }
}

/** A writer that grows as needed. */
export function byteWriter(): ByteWriter {
  let bytes = new Uint8Array(1024)
  let view = new DataView(bytes.buffer)
  let at = 0
  const room = (size: number): number => {
    if (at + size > bytes.length) {
      const grown = new Uint8Array(Math.max(bytes.length * 2, at + size))
      grown.set(bytes.subarray(0, at))
      bytes = grown
      view = new DataView(bytes.buffer)
    }
    at += size
    return at - size
  }
  // `view` changes in room(): it must be read after it.
  const u32 = (value: number): void => {
    const to = room(4)
    view.setUint32(to, value, true)
  }
  const text = (value: string): void => {
    const encoded = encoder.encode(value)
    u32(encoded.length)
    const to = room(encoded.length)
    bytes.set(encoded, to)
  }
  return {
    u8(value) {
      const to = room(1)
      view.setUint8(to, value)
    },
    u32,
    u64(value) {
      const to = room(8)
      view.setBigUint64(to, value, true)
    },
    text,
    texts(values) {
      u32(values.length)
      for (const value of values) text(value)
    },
    done: () => bytes.subarray(0, at),
  }
}
