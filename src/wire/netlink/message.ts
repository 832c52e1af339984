/**
 * Netlink messages: u32 length (header included), u16 type, u16 flags, u32
 * sequence, u32 port, payload, padding to 4 bytes; and what the kernel answers
 * to one: an acknowledgement, an error with its words, the end of a dump.
 *
 * Spec: Linux include/uapi/linux/netlink.h; RFC 3549 section 2.2. Integers are
 * host-endian (little-endian).
 * @module
 */
import { fail } from '#wire/failures.ts'
import { type Bytes, readAttributes, textOf } from './attribute.ts'
import { putU32 } from './integer.ts'

/** Bits of `nlmsg_flags`. `exclusive`, `replace`: of NEW requests; `dump`: of GET requests. */
export const FLAG = {
  request: 1,
  multi: 2,
  ack: 4,
  dumpInterrupted: 0x10,
  replace: 0x100,
  exclusive: 0x200,
  dump: 0x300,
  create: 0x400,
  append: 0x800,
} as const

/** A message to send: everything but its sequence number. */
export type Request = { readonly type: number; readonly flags: number; readonly payload: Bytes }

/** A message as received. Its payload is a view into the bytes that it was read from. */
export type Message = Request & { readonly sequence: number }

/** What the kernel says at the end of a request: `errno` 0 when it was done. */
export type Answer = {
  /** Positive, as in errno(3). */
  readonly errno: number
  /** The kernel's own words (extended acknowledgement), if it had any. */
  readonly text: string | undefined
}

const HEAD = 16
const TYPE = { error: 2, done: 3 } as const
/** Of an error message: the request is cut to its header; attributes follow it. */
const ERROR_FLAG = { capped: 0x100, attributes: 0x200 } as const
const ERROR_TEXT = 1 // NLMSGERR_ATTR_MSG

const aligned = (size: number): number => (size + 3) & ~3

/** Bytes of one message. */
export function encodeMessage({ type, flags, payload }: Request, sequence: number): Bytes {
  const length = HEAD + payload.length
  const bytes = new Uint8Array(aligned(length))
  putU32(bytes, 0, length)
  putU32(bytes, 4, type | (flags << 16))
  putU32(bytes, 8, sequence)
  bytes.set(payload, HEAD)
  return bytes
}

/** A payload: the family's own header, then attributes already written. */
export function joinPayload(header: Bytes, attributes: Bytes): Bytes {
  const payload = new Uint8Array(header.length + attributes.length)
  payload.set(header)
  payload.set(attributes, header.length)
  return payload
}

/** Messages in `bytes`, in their order. @throws {Failure} `netlink-truncated` */
export function readMessages(bytes: Bytes): Message[] {
  const messages: Message[] = []
  for (let at = 0; at < bytes.length;) {
    const left = bytes.length - at
    const length = left < HEAD ? HEAD : u32At(bytes, at)
    if (length < HEAD || length > left) {
      throw fail('netlink-truncated', { of: 'message', need: Math.max(length, HEAD), have: left })
    }
    const word = u32At(bytes, at + 4)
    messages.push({
      type: word & 0xffff,
      flags: word >>> 16,
      sequence: u32At(bytes, at + 8),
      payload: bytes.subarray(at + HEAD, at + length),
    })
    at += aligned(length)
  }
  return messages
}

/**
 * The kernel's last word on a request; undefined for a message that is none.
 * @throws {Failure} `netlink-truncated`
 */
export function decodeAnswer({ type, flags, payload }: Message): Answer | undefined {
  if (type !== TYPE.error && type !== TYPE.done) return undefined
  // The end of a dump may come without a code: then all went well.
  if (type === TYPE.done && payload.length < 4) return { errno: 0, text: undefined }
  if (payload.length < 4) {
    throw fail('netlink-truncated', { of: 'error message', need: 4, have: payload.length })
  }
  const errno = -(u32At(payload, 0) | 0)
  if ((flags & ERROR_FLAG.attributes) === 0) return { errno: errno || 0, text: undefined }
  const before = type === TYPE.done ? 4 : requestEnd(flags, payload)
  const words = readAttributes(payload.subarray(before)).find((a) => a.type === ERROR_TEXT)
  return { errno: errno || 0, text: words === undefined ? undefined : textOf(words) }
}

/** Offset behind the copy of the request in an error message. */
function requestEnd(flags: number, payload: Bytes): number {
  if (payload.length < 4 + HEAD) {
    throw fail('netlink-truncated', { of: 'error', need: 4 + HEAD, have: payload.length })
  }
  return 4 + ((flags & ERROR_FLAG.capped) === 0 ? aligned(u32At(payload, 4)) : HEAD)
}

function u32At(bytes: Bytes, at: number): number {
  const low = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)
  return (low | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)) >>> 0
}
