/**
 * Neighbours (ARP and NDP entries): RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH.
 *
 * Spec: rtnetlink(7); Linux include/uapi/linux/neighbour.h. Integers are
 * host-endian, addresses big-endian. A link is named by its index.
 * @module
 */
import { hardwareAddressFromBytes, hardwareAddressToBytes } from '#values/hardware-address.ts'
import { type Ip, familyOf } from '#values/ip.ts'
import type { Neighbour } from '#values/route.ts'
import { fail } from '#wire/failures.ts'
import {
  type Attribute,
  type Bytes,
  readAttributes,
  writeAttributes,
} from '#wire/netlink/attribute.ts'
import { FLAG, type Request, joinPayload } from '#wire/netlink/message.ts'
import { raw } from '#wire/netlink/payload.ts'
import { FAMILY, familyFromNumber, ipBytes, ipOf } from './ip-bytes.ts'

/** `nlmsg_type` of each neighbour message. */
export const NEIGHBOUR_MESSAGE = { new: 28, delete: 29, get: 30 } as const

/** A neighbour to be added. */
export type NeighbourSpec = Omit<Neighbour, 'link'> & { readonly index: number }

/** A neighbour as the kernel reports it, with the attributes not known here. */
export type KernelNeighbour = NeighbourSpec & { readonly rest: readonly Attribute[] }

const NDA = { ip: 1, address: 2 } as const
const KNOWN: ReadonlySet<number> = new Set(Object.values(NDA))
/** NUD_STALE: usable, and checked when it is used; NUD_PERMANENT. */
const STATE = { stale: 4, permanent: 0x80 } as const
const HEAD = 12
const ACK = FLAG.request | FLAG.ack

/** Adds a neighbour, or replaces what the kernel knows of this address. */
export function encodeSetNeighbour(spec: NeighbourSpec): Request {
  const attributes = [raw(NDA.ip, ipBytes(spec.ip))]
  if (spec.address !== undefined) {
    attributes.push(raw(NDA.address, hardwareAddressToBytes(spec.address)))
  }
  const head = header(spec, spec.permanent ? STATE.permanent : STATE.stale)
  return {
    type: NEIGHBOUR_MESSAGE.new,
    flags: ACK | FLAG.create | FLAG.replace,
    payload: joinPayload(head, writeAttributes(attributes)),
  }
}

/** Takes a neighbour away; ENOENT when there is none. */
export function encodeRemoveNeighbour(of: { index: number; ip: Ip }): Request {
  const payload = joinPayload(
    header(of, STATE.permanent),
    writeAttributes([raw(NDA.ip, ipBytes(of.ip))]),
  )
  return { type: NEIGHBOUR_MESSAGE.delete, flags: ACK, payload }
}

/**
 * Decodes the payload of RTM_NEWNEIGH; undefined for a family that is not IP.
 * @throws {Failure} `netlink-truncated`
 * @throws {Failure} `netlink-attribute-missing`: the IP address
 */
export function decodeNeighbour(payload: Bytes): KernelNeighbour | undefined {
  if (payload.length < HEAD) {
    throw fail('netlink-truncated', { of: 'neighbour', need: HEAD, have: payload.length })
  }
  const head = new DataView(payload.buffer, payload.byteOffset, HEAD)
  if (familyFromNumber(head.getUint8(0)) === undefined) return undefined
  const all = readAttributes(payload.subarray(HEAD))
  const ip = all.find((attribute) => attribute.type === NDA.ip)
  if (ip === undefined) {
    throw fail('netlink-attribute-missing', { of: 'neighbour', type: NDA.ip })
  }
  const address = all.find((attribute) => attribute.type === NDA.address)
  return {
    index: head.getInt32(4, true),
    ip: ipOf(ip),
    address: address?.data.length ? hardwareAddressFromBytes(address.data) : undefined,
    permanent: (head.getUint16(8, true) & STATE.permanent) !== 0,
    rest: all.filter((attribute) => !KNOWN.has(attribute.type)),
  }
}

function header({ index, ip }: { index: number; ip: Ip }, state: number): Bytes {
  const bytes = new Uint8Array(HEAD)
  bytes[0] = FAMILY[familyOf(ip)]
  const view = new DataView(bytes.buffer)
  view.setInt32(4, index, true)
  view.setUint16(8, state, true)
  return bytes
}
