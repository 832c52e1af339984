/**
 * Integers in netlink bytes, host-endian (little-endian), without a view: many
 * small arrays are filled, and a DataView each would cost more than the bytes.
 * @module
 */

/** Writes 32 bits, signed or not. */
export function putU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value
  bytes[at + 1] = value >>> 8
  bytes[at + 2] = value >>> 16
  bytes[at + 3] = value >>> 24
}
