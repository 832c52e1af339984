/**
 * Changes of bytes: bits, cuts, splices, and what lengths and counts hate.
 * @module
 */
import type { Rng } from './random.ts'

/** Bytes of an input at most. */
const MOST_BYTES = 1 << 16
/** What stands in fields of 8, 16 and 32 bits when something is wrong. */
const EDGES = [0, 1, 3, 4, 5, 8, 0x7f, 0x80, 0xff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]

type Change = (bytes: Uint8Array, rng: Rng, other: Uint8Array) => Uint8Array

const CHANGES: readonly Change[] = [
  (bytes, rng) => changed(bytes, (copy) => (copy[rng.below(copy.length)] = rng.below(256))),
  (bytes, rng) =>
    changed(bytes, (copy) => {
      const at = rng.below(copy.length)
      copy[at] = (copy[at] ?? 0) ^ (1 << rng.below(8))
    }),
  (bytes, rng) => bytes.subarray(0, rng.below(bytes.length + 1)),
  (bytes, rng) => bytes.subarray(rng.below(bytes.length)),
  (bytes, rng) => withNumber(bytes, rng, 2),
  (bytes, rng) => withNumber(bytes, rng, 4),
  (bytes, rng, other) => {
    const [at, from] = [rng.below(bytes.length + 1), rng.below(other.length)]
    return joined(bytes.subarray(0, at), other.subarray(from))
  },
  (bytes, rng, other) => {
    const at = rng.below(bytes.length + 1) & ~3
    return joined(bytes.subarray(0, at), other, bytes.subarray(at))
  },
  (bytes, rng) => {
    const [from, size] = [rng.below(bytes.length), rng.below(64)]
    const part = bytes.subarray(from, from + size)
    return joined(bytes.subarray(0, from), part, part, bytes.subarray(from))
  },
  (bytes, rng) => {
    const [from, size] = [rng.below(bytes.length), rng.below(32)]
    return joined(bytes.subarray(0, from), bytes.subarray(from + size))
  },
  (bytes, rng) =>
    changed(bytes, (copy) => copy.fill(rng.pick([0, 255]), rng.below(copy.length)).length),
]

/** A few changes at once; `other` is a second input to take from. */
export function mutateBytes(bytes: Uint8Array, rng: Rng, other: Uint8Array): Uint8Array {
  let now = bytes
  for (let left = 1 + rng.below(4); left > 0; left--) now = rng.pick(CHANGES)(now, rng, other)
  return now.slice(0, MOST_BYTES)
}

function withNumber(bytes: Uint8Array, rng: Rng, size: 2 | 4): Uint8Array {
  if (bytes.length < size) return bytes
  return changed(bytes, (copy) => {
    const at = rng.below(copy.length - size + 1) & ~(size - 1)
    const view = new DataView(copy.buffer)
    const value = rng.pick(EDGES) + (rng.oneIn(3) ? rng.below(16) : 0)
    const little = !rng.oneIn(4)
    if (size === 2) view.setUint16(at, value & 0xffff, little)
    else view.setUint32(at, value >>> 0, little)
  })
}

function changed(bytes: Uint8Array, change: (copy: Uint8Array<ArrayBuffer>) => unknown) {
  const copy = new Uint8Array(bytes)
  if (copy.length > 0) change(copy)
  return copy
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}
