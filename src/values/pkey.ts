/**
 * P_Key: the 16-bit partition key of an InfiniBand port. Bit 15 says full
 * member; the lower 15 bits name the partition and are never zero.
 *
 * Spec: InfiniBand Architecture Specification, volume 1, section 10.9. The
 * kernel always sets bit 15 of an IPoIB child's P_Key.
 * @module
 */
import { fail } from './failures.ts'

/** A P_Key with its membership bit, 1..0xffff, partition part not zero. */
export type Pkey = number & { readonly brand: 'Pkey' }

const FULL = 0x8000

/** @throws {Failure} `pkey-invalid`: not 16 bits, or the partition part (15 bits) is zero */
export function pkeyFromBits(bits: number): Pkey {
  const bad = (reason: string): never => {
    throw fail('pkey-invalid', { text: bits, reason })
  }
  if (!Number.isInteger(bits) || bits < 0 || bits > 0xffff) bad('it is not a 16-bit number')
  if ((bits & ~FULL) === 0) bad('partition 0 does not exist')
  return bits as Pkey
}

/** Reads `0x8001`, `0x1`, `32769`; decimal without `0x`. @throws {Failure} `pkey-invalid` */
export function parsePkey(text: string): Pkey {
  if (!/^(0x[0-9a-f]{1,8}|[0-9]{1,8})$/i.test(text)) {
    const reason = text === '' ? 'value is empty' : 'it is neither a decimal nor a 0x number'
    throw fail('pkey-invalid', { text, reason })
  }
  return pkeyFromBits(Number(text))
}

/** `0x8001`: four hex digits, as the kernel and `ip` print it. */
export function formatPkey(pkey: Pkey): string {
  return `0x${pkey.toString(16).padStart(4, '0')}`
}

/** The same partition with the membership bit set. */
export function asFullMember(pkey: Pkey): Pkey {
  return pkeyFromBits(pkey | FULL)
}

/** True when both name the same partition, whatever their membership. */
export function samePartition(a: Pkey, b: Pkey): boolean {
  return (a | FULL) === (b | FULL)
}
