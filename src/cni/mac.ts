/**
 * Hardware addresses that we choose: locally administered, unicast, the rest
 * by chance.
 *
 * Spec: IEEE 802, section 8 (bit 0 of the first byte: group; bit 1: local).
 * @module
 */
import { type HardwareAddress, hardwareAddressFromBytes } from '#values/hardware-address.ts'
import type { Random } from '#needs/clock.ts'

/** Six bytes, of which 46 bits are chance. */
export function randomMac(random: Pick<Random, 'below'>): HardwareAddress {
  const bytes = Uint8Array.from({ length: 6 }, () => random.below(256))
  bytes[0] = ((bytes[0] ?? 0) & 0xfc) | 0x02
  return hardwareAddressFromBytes(bytes)
}
