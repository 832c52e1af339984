/**
 * IP addresses as attribute payloads: 4 or 16 bytes, most significant first;
 * and the family numbers of the kernel.
 *
 * Spec: Linux include/linux/socket.h, AF_INET and AF_INET6; RFC 791, RFC 4291.
 * @module
 */
import { type Cidr, cidrOf } from '#values/cidr.ts'
import { type Family, type Ip, familyOf, ipFromBits, ipToBits } from '#values/ip.ts'
import { fail } from '#wire/failures.ts'
import type { Attribute, Bytes } from '#wire/netlink/attribute.ts'

/** AF_INET, AF_INET6. */
export const FAMILY = { 4: 2, 6: 10 } as const

/** Family of a kernel number; undefined for the families of other protocols. */
export function familyFromNumber(number: number): Family | undefined {
  return number === FAMILY[4] ? 4 : number === FAMILY[6] ? 6 : undefined
}

/** The 4 or 16 bytes of an address. */
export function ipBytes(ip: Ip): Bytes {
  const bits = ipToBits(ip)
  if (familyOf(ip) === 4) {
    const n = Number(bits)
    return Uint8Array.of(n >>> 24, n >>> 16, n >>> 8, n)
  }
  const bytes = new Uint8Array(16)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(0, bits >> 64n)
  view.setBigUint64(8, bits)
  return bytes
}

/** The address in an attribute. @throws {Failure} `netlink-attribute-invalid`, not 4 or 16 bytes */
export function ipOf({ type, data }: Attribute): Ip {
  const view = new DataView(data.buffer, data.byteOffset, data.length)
  if (data.length === 4) return ipFromBits(4, BigInt(view.getUint32(0)))
  if (data.length === 16) {
    return ipFromBits(6, (view.getBigUint64(0) << 64n) | view.getBigUint64(8))
  }
  throw fail('netlink-attribute-invalid', { of: 'address', type, have: data.length })
}

/** Address and length as a CIDR; without an attribute the zero address: `0.0.0.0/0`, `::/0`. */
export function cidrOfAttribute(from: {
  attribute: Attribute | undefined
  prefix: number
  family: Family
}): Cidr {
  const ip = from.attribute === undefined ? ipFromBits(from.family, 0n) : ipOf(from.attribute)
  return cidrOf(ip, from.prefix)
}
