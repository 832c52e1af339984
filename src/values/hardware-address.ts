/**
 * Hardware (link-layer) address: 6 bytes on Ethernet, 20 on IPoIB (flags and
 * QPN 4, GID prefix 8, port GUID 8), as colon-separated lower-case hex.
 *
 * Spec: RFC 4391 section 9.1.1 for IPoIB.
 * @module
 */
import { fail } from './failures.ts'
import { type Guid, parseGuid } from './guid.ts'

/** `02:00:00:00:00:01`, or 20 bytes on IPoIB. */
export type HardwareAddress = string & { readonly brand: 'HardwareAddress' }

/** Bytes of an IPoIB hardware address. */
export const IPOIB_ADDRESS_BYTES = 20

/** Text of the address in `bytes`. */
export function hardwareAddressFromBytes(bytes: Uint8Array): HardwareAddress {
  let text = ''
  for (const byte of bytes) text += `${text === '' ? '' : ':'}${HEX[byte >>> 4]}${HEX[byte & 15]}`
  return text as HardwareAddress
}

/** The bytes of an address. */
export function hardwareAddressToBytes(address: HardwareAddress): Uint8Array {
  const bytes = new Uint8Array((address.length + 1) / 3)
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = (digitAt(address, i * 3) << 4) | digitAt(address, i * 3 + 1)
  }
  return bytes
}

const HEX = '0123456789abcdef'

/** Of lower-case hex. */
function digitAt(text: string, at: number): number {
  const code = text.charCodeAt(at)
  return code < 58 ? code - 48 : code - 87
}

/** Reads 6, 8 or 20 bytes joined by `:` or `-`. @throws {Failure} `mac-invalid` */
export function parseHardwareAddress(text: string): HardwareAddress {
  const parts = text.toLowerCase().split(/[:-]/)
  const legal = parts.every((part) => /^[0-9a-f]{2}$/.test(part))
  if (!legal || ![6, 8, IPOIB_ADDRESS_BYTES].includes(parts.length)) {
    throw fail('mac-invalid', { text, reason: 'it is not 6, 8 or 20 bytes in hex' })
  }
  return parts.join(':') as HardwareAddress
}

/** Port GUID in a 20-byte IPoIB address, or undefined for any other address. */
export function guidOfAddress(address: HardwareAddress): Guid | undefined {
  const parts = address.split(':')
  if (parts.length !== IPOIB_ADDRESS_BYTES) return undefined
  const bytes = parts.slice(12).join(':')
  return bytes === '00:00:00:00:00:00:00:00' ? undefined : parseGuid(bytes)
}
