/**
 * LID: the 16-bit local identifier that the subnet manager gives a port.
 * Unicast LIDs are 1..0xbfff; 0 means none yet.
 *
 * Spec: InfiniBand Architecture Specification, volume 1, section 4.1.3.
 * @module
 */
import { fail } from './failures.ts'

/** A unicast LID, 1..0xbfff. */
export type Lid = number & { readonly brand: 'Lid' }

const LAST_UNICAST = 0xbfff

/** @throws {Failure} `lid-invalid`: outside 1..0xbfff */
export function lidFromBits(bits: number): Lid {
  if (!Number.isInteger(bits) || bits < 1 || bits > LAST_UNICAST) {
    throw fail('lid-invalid', { text: bits, reason: 'a unicast LID is 1 to 0xbfff' })
  }
  return bits as Lid
}

/** Reads `0x2` (sysfs) and `2`. @throws {Failure} `lid-invalid` */
export function parseLid(text: string): Lid {
  if (!/^(0x[0-9a-f]{1,4}|[0-9]{1,5})$/i.test(text)) {
    throw fail('lid-invalid', { text, reason: 'it is neither a decimal nor a 0x number' })
  }
  return lidFromBits(Number(text))
}
