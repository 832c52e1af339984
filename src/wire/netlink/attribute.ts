/**
 * Netlink attributes: u16 length (header included), u16 type, payload, padding
 * to 4 bytes. Two bits of the type are flags. More payloads: `payload.ts`.
 *
 * Spec: Linux include/uapi/linux/netlink.h, struct nlattr; RFC 3549 section 2.3.
 * Integers are host-endian, which on every platform we run on is little-endian.
 * @module
 */
import { fail } from '#wire/failures.ts'
import { putU32 } from './integer.ts'

export type Bytes = Uint8Array

/** One attribute. Its payload is a view into the bytes that it was read from. */
export type Attribute = {
  /** Without the flag bits. */
  readonly type: number
  /** NLA_F_NESTED (0x8000) and NLA_F_NET_BYTEORDER (0x4000), as they stood there. */
  readonly flags: number
  readonly data: Bytes
}

const HEAD = 4
const TYPE_MASK = 0x3fff
const utf8 = new TextDecoder()

const aligned = (size: number): number => (size + 3) & ~3

/**
 * Attributes in `bytes`, in their order. Padding may lack after the last.
 * @throws {Failure} `netlink-truncated`, an attribute runs past the end
 */
export function readAttributes(bytes: Bytes): Attribute[] {
  const attributes: Attribute[] = []
  for (let at = 0; at < bytes.length;) {
    const left = bytes.length - at
    if (left < HEAD) throw fail('netlink-truncated', { of: 'attribute', need: HEAD, have: left })
    const size = u16At(bytes, at)
    const raw = u16At(bytes, at + 2)
    if (size < HEAD || size > left) {
      throw fail('netlink-truncated', { of: 'attribute', need: Math.max(size, HEAD), have: left })
    }
    const data = bytes.subarray(at + HEAD, at + size)
    attributes.push({ type: raw & TYPE_MASK, flags: raw & ~TYPE_MASK, data })
    at += aligned(size)
  }
  return attributes
}

/** Attributes one after the other, each padded to 4 bytes. */
export function writeAttributes(attributes: readonly Attribute[]): Bytes {
  let size = 0
  for (const { data } of attributes) size += HEAD + aligned(data.length)
  const bytes = new Uint8Array(size)
  let at = 0
  for (const { type, flags, data } of attributes) {
    const length = HEAD + data.length
    const raw = type | flags
    bytes[at] = length
    bytes[at + 1] = length >>> 8
    bytes[at + 2] = raw
    bytes[at + 3] = raw >>> 8
    bytes.set(data, at + HEAD)
    at += aligned(length)
  }
  return bytes
}

/** An attribute of 32 bits. */
export function u32(type: number, value: number): Attribute {
  const data = new Uint8Array(4)
  putU32(data, 0, value)
  return { type, flags: 0, data }
}

/** Its 32 bits, unsigned. @throws {Failure} `netlink-truncated` */
export function u32Of({ type, data }: Attribute): number {
  if (data.length < 4) {
    throw fail('netlink-truncated', { of: `attribute ${type}`, need: 4, have: data.length })
  }
  return (u16At(data, 0) | (u16At(data, 2) << 16)) >>> 0
}

/** Its 64 bits, unsigned. @throws {Failure} `netlink-truncated` */
export function u64Of({ type, data }: Attribute): bigint {
  if (data.length < 8) {
    throw fail('netlink-truncated', { of: `attribute ${type}`, need: 8, have: data.length })
  }
  return new DataView(data.buffer, data.byteOffset, 8).getBigUint64(0, true)
}

/** Its text up to the first zero byte. Bytes that are no UTF-8 become U+FFFD. */
export function textOf({ data }: Attribute): string {
  const end = data.indexOf(0)
  return utf8.decode(end < 0 ? data : data.subarray(0, end))
}

function u16At(bytes: Bytes, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)
}
