/**
 * FNV-1a, 64 bits: short stable names from long texts (link names, labels).
 * Not for secrets.
 *
 * Spec: RFC 9923.
 * @module
 */

/** 13 characters of 0-9 and a-z: enough for all 64 bits. */
export function shortHash(text: string): string {
  let high = 0xcbf29ce4
  let low = 0x84222325
  for (let i = 0; i < text.length; i++) {
    low = (low ^ text.charCodeAt(i)) >>> 0
    // times 0x100000001b3 = 2^40 + 0x1b3, modulo 2^64, in two halves
    const product = low * 0x1b3
    const carry = Math.floor(product / 2 ** 32)
    high = (Math.imul(high, 0x1b3) + carry + (low << 8)) >>> 0
    low = product >>> 0
  }
  return ((BigInt(high) << 32n) | BigInt(low)).toString(36).padStart(13, '0')
}
