/**
 * Hardware addresses that we choose: locally administered, unicast, the rest
 * by chance; or made of a prefix and an IP address.
 *
 * Spec: IEEE 802, section 8 (bit 0 of the first byte: group; bit 1: local).
 * @module
 */
import { failureIn } from '#values/failure.ts'
import {
  type HardwareAddress,
  hardwareAddressFromBytes,
  parseHardwareAddress,
} from '#values/hardware-address.ts'
import { type Ip, bitsOf, familyOf, ipToBits } from '#values/ip.ts'
import type { Random } from '#needs/clock.ts'
import { fail } from './failures.ts'

const ETHERNET_BYTES = 6

/** Six bytes, of which 46 bits are chance. */
export function randomMac(random: Pick<Random, 'below'>): HardwareAddress {
  const bytes = Uint8Array.from({ length: 6 }, () => random.below(256))
  bytes[0] = ((bytes[0] ?? 0) & 0xfc) | 0x02
  return hardwareAddressFromBytes(bytes)
}

/**
 * Two bytes as `0a:1b`, in lower case.
 * @throws {Failure} `plugin-conf-invalid`: another form, or bit 0 of the first byte is set
 */
export function parseMacPrefix(text: string): string {
  const field = 'podMACPrefix'
  const first = /^([0-9a-f]{2}):[0-9a-f]{2}$/i.exec(text)?.[1]
  const reason =
    first === undefined
      ? `${text} is not two bytes of two hexadecimal digits each, joined by a colon`
      : `${text} begins no unicast address: bit 0 of its first byte is set`
  if (first === undefined || (Number.parseInt(first, 16) & 1) === 1) {
    throw fail('plugin-conf-invalid', { field, reason })
  }
  return text.toLowerCase()
}

/** The prefix, and behind it the 4 bytes of an IPv4 address or the last 4 of an IPv6 address. */
export function macOfIp(prefix: string, ip: Ip): HardwareAddress {
  const bits = ipToBits(ip)
  const hex = bits
    .toString(16)
    .padStart(bitsOf(familyOf(ip)) / 4, '0')
    .slice(-8)
  return parseHardwareAddress(`${prefix}:${hex.replaceAll(/..(?=.)/g, '$&:')}`)
}

/** An Ethernet address that a configuration asks for. @throws {Failure} `mac-argument-invalid` */
export function parseMac(text: string): HardwareAddress {
  try {
    const mac = parseHardwareAddress(text)
    if (mac.split(':').length === ETHERNET_BYTES) return mac
  } catch (cause) {
    const reason = failureIn(cause)?.details['reason']
    throw fail('mac-argument-invalid', { value: text, reason })
  }
  throw fail('mac-argument-invalid', { value: text, reason: 'it is not 6 bytes' })
}
