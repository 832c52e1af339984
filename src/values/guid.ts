/**
 * InfiniBand GUID: 64 bits that name a node or a port (EUI-64).
 *
 * Spec: InfiniBand Architecture Specification, volume 1, section 4.1. The
 * canonical text is eight lower-case hex bytes joined by colons, as `ip link`
 * and CNI's `infinibandGUID` print it; the first byte is the most significant.
 * @module
 */
import { fail } from './failures.ts'

/** A GUID in canonical text: `02:00:00:00:00:00:00:01`. */
export type Guid = string & { readonly brand: 'Guid' }

const MAX_BITS = 2n ** 64n - 1n

/** The GUID with these 64 bits. @throws {Failure} `guid-invalid`, not in 0..2^64-1 */
export function guidFromBits(bits: bigint): Guid {
  if (bits < 0n || bits > MAX_BITS) {
    throw fail('guid-invalid', { text: bits, reason: 'value is not a 64-bit number' })
  }
  const hex = bits.toString(16).padStart(16, '0')
  return (hex.match(/../g) ?? []).join(':') as Guid
}

/** The 64 bits of a GUID. */
export function guidToBits(guid: Guid): bigint {
  return BigInt(`0x${guid.replaceAll(':', '')}`)
}

/**
 * Reads `02:00:…:01`, `0200:0000:0000:0001` (sysfs), `0x0200000000000001` and plain hex.
 * @throws {Failure} `guid-invalid`
 */
export function parseGuid(text: string): Guid {
  const bad = (reason: string): never => {
    throw fail('guid-invalid', { text, reason })
  }
  const byColon = /^([0-9a-f]{2}:){7}[0-9a-f]{2}$/i.test(text)
  const bySysfs = /^([0-9a-f]{4}:){3}[0-9a-f]{4}$/i.test(text)
  const plain = /^(0x)?[0-9a-f]{16}$/i.test(text)
  if (text === '') bad('value is empty')
  if (!byColon && !bySysfs && !plain) bad('it is not 8 bytes in hex')
  const guid = guidFromBits(BigInt(`0x${text.replace(/^0x/i, '').replaceAll(':', '')}`))
  if (guidToBits(guid) === 0n) bad('it is zero')
  return guid
}
