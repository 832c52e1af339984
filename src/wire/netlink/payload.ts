/**
 * Payloads of netlink attributes beyond those in `attribute.ts`: small and
 * large integers, texts, raw bytes and nested attributes.
 *
 * Spec: Linux include/net/netlink.h. Integers are host-endian (little-endian).
 * @module
 */
import { fail } from '#wire/failures.ts'
import { type Attribute, type Bytes, readAttributes, writeAttributes } from './attribute.ts'

/** NLA_F_NESTED: newer families want it on nests, older ones never set it. */
const NESTED = 0x8000
const encoder = new TextEncoder()

/** An attribute of 8 bits. */
export function u8(type: number, value: number): Attribute {
  return raw(type, Uint8Array.of(value))
}

/** An attribute of 16 bits. */
export function u16(type: number, value: number): Attribute {
  return raw(type, Uint8Array.of(value, value >>> 8))
}

/** Text with the zero byte at its end. */
export function text(type: number, value: string): Attribute {
  return raw(type, encoder.encode(`${value}\0`))
}

/** Bytes as they are. */
export function raw(type: number, data: Bytes): Attribute {
  return { type, flags: 0, data }
}

/** Attributes inside an attribute; `flagged` sets NLA_F_NESTED. */
export function nest(type: number, inner: readonly Attribute[], flagged = false): Attribute {
  return { type, flags: flagged ? NESTED : 0, data: writeAttributes(inner) }
}

/** Its 16 bits. @throws {Failure} `netlink-truncated` */
export function u16Of({ type, data }: Attribute): number {
  const [low, high] = data
  if (low === undefined || high === undefined) {
    throw fail('netlink-truncated', { of: `attribute ${type}`, need: 2, have: data.length })
  }
  return low | (high << 8)
}

/** Its 8 bits. @throws {Failure} `netlink-truncated` */
export function u8Of({ type, data }: Attribute): number {
  const [value] = data
  if (value === undefined) {
    throw fail('netlink-truncated', { of: `attribute ${type}`, need: 1, have: 0 })
  }
  return value
}

/** Attributes inside `outer`, by type; of two with one type the last counts, as in the kernel. */
export function innerOf(outer: Pick<Attribute, 'data'>): ReadonlyMap<number, Attribute> {
  return new Map(readAttributes(outer.data).map((inner) => [inner.type, inner]))
}
