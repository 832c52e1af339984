/**
 * CIDR texts: an address with a prefix length, as branded canonical strings.
 *
 * Spec: RFC 4632, RFC 4291 section 2.3.
 * @module
 */
import { failureIn } from './failure.ts'
import { fail } from './failures.ts'
import { type Family, type Ip, bitsOf, familyOf, ipFromBits, ipToBits, parseIp } from './ip.ts'

/** Address and prefix length: `172.91.0.112/16`. Host bits may be set. */
export type Cidr = string & { readonly brand: 'Cidr' }
/** A CIDR taken apart. */
export type CidrParts = { readonly ip: Ip; readonly prefix: number; readonly family: Family }

/** Reads `address/prefix`; host bits are kept. @throws {Failure} `cidr-invalid` */
export function parseCidr(text: string): Cidr {
  const bad = (reason: unknown): never => {
    throw fail('cidr-invalid', { text, reason })
  }
  const [address = '', prefix, ...more] = text.split('/')
  if (prefix === undefined || more.length > 0) return bad('it is not ADDRESS/PREFIX')
  let ip: Ip
  try {
    ip = parseIp(address)
  } catch (cause) {
    return bad(failureIn(cause)?.details['reason'])
  }
  const length = /^(0|[1-9][0-9]{0,2})$/.test(prefix) ? Number(prefix) : Infinity
  if (length > bitsOf(familyOf(ip))) bad('prefix length is out of range')
  return cidrOf(ip, length)
}

/** Address, prefix length and family of a CIDR. */
export function cidrParts(cidr: Cidr): CidrParts {
  const slash = cidr.indexOf('/')
  const ip = cidr.slice(0, slash) as Ip
  return { ip, prefix: Number(cidr.slice(slash + 1)), family: familyOf(ip) }
}

/** The CIDR of an address and a prefix length in its family's range. */
export function cidrOf(ip: Ip, prefix: number): Cidr {
  return `${ip}/${prefix}` as Cidr
}

/** The CIDR without host bits: `172.91.0.0/16` for `172.91.0.112/16`. */
export function networkOf(cidr: Cidr): Cidr {
  const { ip, prefix, family } = cidrParts(cidr)
  const size = 1n << BigInt(bitsOf(family) - prefix)
  return cidrOf(ipFromBits(family, (ipToBits(ip) / size) * size), prefix)
}
