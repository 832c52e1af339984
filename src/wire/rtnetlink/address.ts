/**
 * IP addresses of links: RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR.
 *
 * Spec: rtnetlink(7); Linux include/uapi/linux/if_addr.h. Integers are
 * host-endian, addresses big-endian. A link is named by its index.
 * @module
 */
import { type Cidr, cidrOf, cidrParts } from '#values/cidr.ts'
import { type Family, ipFromBits, ipToBits } from '#values/ip.ts'
import type { LinkAddress } from '#values/route.ts'
import { fail } from '#wire/failures.ts'
import {
  type Attribute,
  type Bytes,
  readAttributes,
  u32Of,
  writeAttributes,
} from '#wire/netlink/attribute.ts'
import { FLAG, type Request, joinPayload } from '#wire/netlink/message.ts'
import { raw } from '#wire/netlink/payload.ts'
import { FAMILY, familyFromNumber, ipBytes, ipOf } from './ip-bytes.ts'

/** `nlmsg_type` of each address message. */
export const ADDRESS_MESSAGE = { new: 20, delete: 21, get: 22 } as const

/** An address as the kernel reports it, with the attributes not known here. */
export type KernelAddress = Omit<LinkAddress, 'link'> & {
  readonly index: number
  readonly rest: readonly Attribute[]
}

/** An address to be added or taken away. */
export type AddressSpec = {
  readonly index: number
  readonly cidr: Cidr
  readonly scope: 'global' | 'link' | 'host'
  /** IPv4: the last address of the network. */
  readonly broadcast: boolean
  /** IFA_F_NODAD: IPv6 without duplicate detection. */
  readonly nodad: boolean
}

const IFA = { address: 1, local: 2, broadcast: 4, flags: 8 } as const
const KNOWN: ReadonlySet<number> = new Set([IFA.address, IFA.local, IFA.flags])
const SCOPES = { global: 0, link: 253, host: 254 } as const
const SCOPE_NAMES: ReadonlyMap<number, LinkAddress['scope']> = new Map([
  [0, 'global'],
  [253, 'link'],
  [254, 'host'],
])
const NODAD = 2 // IFA_F_NODAD
const DAD_FAILED = 8 // IFA_F_DADFAILED
const TENTATIVE = 0x40 // IFA_F_TENTATIVE
const HEAD = 8
const ACK = FLAG.request | FLAG.ack

/** Adds an address; EEXIST when it is there. */
export function encodeAddAddress(spec: AddressSpec): Request {
  const { ip, prefix, family } = cidrParts(spec.cidr)
  const own = ipBytes(ip)
  const attributes = [raw(IFA.local, own), raw(IFA.address, own)]
  if (spec.broadcast && family === 4) {
    const last = ipToBits(ip) | ((1n << BigInt(32 - prefix)) - 1n)
    attributes.push(raw(IFA.broadcast, ipBytes(ipFromBits(4, last))))
  }
  return {
    type: ADDRESS_MESSAGE.new,
    flags: ACK | FLAG.create | FLAG.exclusive,
    payload: joinPayload(header(spec), writeAttributes(attributes)),
  }
}

/** Takes an address away; EADDRNOTAVAIL when it is not there. */
export function encodeRemoveAddress(of: { index: number; cidr: Cidr }): Request {
  const own = ipBytes(cidrParts(of.cidr).ip)
  const head = header({ ...of, scope: 'global', broadcast: false, nodad: false })
  const attributes = writeAttributes([raw(IFA.local, own), raw(IFA.address, own)])
  return { type: ADDRESS_MESSAGE.delete, flags: ACK, payload: joinPayload(head, attributes) }
}

/** All addresses of a namespace, or those of one family. */
export function encodeDumpAddresses(family?: Family): Request {
  const payload = new Uint8Array(HEAD)
  if (family !== undefined) payload[0] = FAMILY[family]
  return { type: ADDRESS_MESSAGE.get, flags: FLAG.request | FLAG.dump, payload }
}

/**
 * Decodes the payload of RTM_NEWADDR; undefined for a family that is not IP.
 * @throws {Failure} `netlink-truncated`
 * @throws {Failure} `netlink-attribute-missing`: the address
 */
export function decodeAddress(payload: Bytes): KernelAddress | undefined {
  if (payload.length < HEAD) {
    throw fail('netlink-truncated', { of: 'address', need: HEAD, have: payload.length })
  }
  const head = new DataView(payload.buffer, payload.byteOffset, HEAD)
  if (familyFromNumber(head.getUint8(0)) === undefined) return undefined
  const all = readAttributes(payload.subarray(HEAD))
  const find = (type: number): Attribute | undefined => all.find((a) => a.type === type)
  // IFA_ADDRESS is the other end where there is one; then IFA_LOCAL is ours.
  const own = find(IFA.local) ?? find(IFA.address)
  if (own === undefined) {
    throw fail('netlink-attribute-missing', { of: 'address', type: IFA.address })
  }
  const wide = find(IFA.flags)
  const flags = wide === undefined ? head.getUint8(2) : u32Of(wide)
  return {
    index: head.getUint32(4, true),
    cidr: cidrOf(ipOf(own), head.getUint8(1)),
    scope: SCOPE_NAMES.get(head.getUint8(3)) ?? 'other',
    duplicate: (flags & DAD_FAILED) !== 0,
    tentative: (flags & TENTATIVE) !== 0,
    rest: all.filter((attribute) => !KNOWN.has(attribute.type)),
  }
}

function header({ index, cidr, scope, nodad }: AddressSpec): Bytes {
  const { prefix, family } = cidrParts(cidr)
  const bytes = new Uint8Array(HEAD)
  bytes.set([FAMILY[family], prefix, nodad ? NODAD : 0, SCOPES[scope]])
  new DataView(bytes.buffer).setUint32(4, index, true)
  return bytes
}
