/**
 * IP addresses as branded canonical strings, with the number behind them
 * where arithmetic is needed. IPv6 text is RFC 5952's.
 *
 * Spec: RFC 4291 section 2.2, RFC 5952.
 * @module
 */
import { fail } from './failures.ts'

/** IP version. */
export type Family = 4 | 6
/** An address in canonical text: `172.91.0.112`, `fd00::1`. */
export type Ip = string & { readonly brand: 'Ip' }

/** Bits of an address of `family`: 32 or 128. */
export function bitsOf(family: Family): number {
  return family === 4 ? 32 : 128
}

/** Family of an address, or of a CIDR, in canonical text. */
export function familyOf(text: Ip | (string & { readonly brand: 'Cidr' })): Family {
  return text.includes(':') ? 6 : 4
}

/** The number behind an address. */
export function ipToBits(ip: Ip): bigint {
  return ip.includes(':') ? v6Bits(ip) : v4Bits(ip)
}

/** The address of `family` with this number; the number must be in its range. */
export function ipFromBits(family: Family, bits: bigint): Ip {
  return (family === 4 ? formatV4(bits) : formatV6(bits)) as Ip
}

/** @throws {Failure} `ip-invalid`: leading zeros, zone and mapped IPv4 forms included */
export function parseIp(text: string): Ip {
  // without leading zeros an IPv4 address has one form only
  if (v4Number(text) !== undefined) return text as Ip
  const reason = text.includes(':') ? v6Fault(text) : v4Fault(text)
  if (reason !== undefined) throw fail('ip-invalid', { text, reason })
  return ipFromBits(text.includes(':') ? 6 : 4, text.includes(':') ? v6Bits(text) : v4Bits(text))
}

const V4_PART = /^(0|[1-9][0-9]{0,2})$/

function v4Fault(text: string): string | undefined {
  if (text === '') return 'value is empty'
  const parts = text.split('.')
  if (parts.length !== 4) return 'it has not four parts'
  return parts.every((p) => V4_PART.test(p) && Number(p) <= 255)
    ? undefined
    : 'a part is not a number from 0 to 255 without leading zeros'
}

function v4Bits(text: string): bigint {
  return BigInt(v4Number(text) ?? 0)
}

const ZERO = 48
const DOT = 46

/** Undefined for anything but four numbers as {@link v4Fault} wants them. */
function v4Number(text: string): number | undefined {
  let [bits, part, digits, dots] = [0, 0, 0, 0]
  for (let at = 0; at <= text.length; at++) {
    const code = at === text.length ? DOT : text.charCodeAt(at)
    if (code === DOT) {
      if (digits === 0 || part > 255) return undefined
      bits = bits * 256 + part
      ;[part, digits, dots] = [0, 0, dots + 1]
    } else {
      const leads = digits > 0 && part === 0
      if (leads || digits === 3 || code < ZERO || code > ZERO + 9) return undefined
      part = part * 10 + code - ZERO
      digits++
    }
  }
  return dots === 4 ? bits : undefined
}

function formatV4(bits: bigint): string {
  const n = Number(bits)
  return `${Math.floor(n / 2 ** 24)}.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}`
}

function v6Groups(text: string): string[] | undefined {
  const tail = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text)
  const v4 = tail?.[2]
  if (v4 !== undefined && v4Fault(v4) !== undefined) return undefined
  const low = v4 === undefined ? '' : v4Bits(v4).toString(16).padStart(8, '0')
  const whole = v4 === undefined ? text : `${tail?.[1]}${low.slice(0, 4)}:${low.slice(4)}`
  const halves = whole.split('::')
  if (halves.length > 2) return undefined
  const [left = [], right = []] = halves.map((half) => (half === '' ? [] : half.split(':')))
  if (halves.length === 1) return left.length === 8 ? left : undefined
  const gap = 8 - left.length - right.length
  return gap < 1 ? undefined : [...left, ...new Array<string>(gap).fill('0'), ...right]
}

function v6Fault(text: string): string | undefined {
  const groups = v6Groups(text)
  if (groups === undefined) return 'it has not eight groups'
  return groups.every((g) => /^[0-9a-f]{1,4}$/i.test(g))
    ? undefined
    : 'a group is not 16 bits in hex'
}

function v6Bits(text: string): bigint {
  const groups = v6Groups(text) ?? []
  return groups.reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n)
}

function formatV6(bits: bigint): string {
  const hex = bits.toString(16).padStart(32, '0')
  const groups = (hex.match(/.{4}/g) ?? []).map((g) => Number.parseInt(g, 16).toString(16))
  let best = { at: -1, length: 1 }
  for (let i = 0; i < 8; i++) {
    let length = 0
    while (groups[i + length] === '0') length++
    if (length > best.length) best = { at: i, length }
  }
  if (best.at < 0) return groups.join(':')
  return `${groups.slice(0, best.at).join(':')}::${groups.slice(best.at + best.length).join(':')}`
}
