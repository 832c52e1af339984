/**
 * ARP packets: who has an address, and that we have one.
 *
 * Spec: RFC 826; RFC 5227 (probe: the sender's address is zero; announcement:
 * sender and target are the same); RFC 4391 section 9.2 (hardware type 32, 20
 * bytes). Integers are big-endian.
 * @module
 */
import {
  type HardwareAddress,
  hardwareAddressFromBytes,
  hardwareAddressToBytes,
} from '#values/hardware-address.ts'
import { type Ip, parseIp } from '#values/ip.ts'
import type { Bytes } from '#wire/netlink/attribute.ts'
import { ipBytes } from '#wire/rtnetlink/ip-bytes.ts'
import { ETHER_TYPE, type FrameLink, encodeFrame } from './frame.ts'

/** An ARP packet, request or reply. */
export type Arp = {
  readonly sender: HardwareAddress
  /** `0.0.0.0` in a probe. */
  readonly senderIp: Ip
  readonly targetIp: Ip
}

const IPV4 = 0x0800
const REQUEST = 1
const FIXED = 8
const IP_BYTES = 4
/** Sender address of a probe. */
export const NO_IP: Ip = parseIp('0.0.0.0')

/** A request to everybody on the link. */
export function encodeArpRequest(
  link: FrameLink,
  { senderIp, targetIp }: { senderIp: Ip; targetIp: Ip },
): Bytes {
  const own = hardwareAddressToBytes(link.address)
  const unknown = new Uint8Array(own.length)
  const head = [0, link.arpType, IPV4 >>> 8, IPV4 & 0xff, own.length, IP_BYTES, 0, REQUEST]
  const payload = Uint8Array.from([
    ...head,
    ...own,
    ...ipBytes(senderIp),
    ...unknown,
    ...ipBytes(targetIp),
  ])
  return encodeFrame(link, { to: link.broadcast, type: ETHER_TYPE.arp, payload })
}

/** Undefined for what is cut, and for other hardware than the link's. */
export function decodeArp(payload: Bytes, { arpType, address }: FrameLink): Arp | undefined {
  const size = hardwareAddressToBytes(address).length
  if (payload.length < FIXED + 2 * (size + IP_BYTES)) return undefined
  const [high, low, ip0, ip1, bytes, ipSize] = payload
  if (high !== 0 || low !== arpType || bytes !== size || ipSize !== IP_BYTES) return undefined
  if (ip0 !== IPV4 >>> 8 || ip1 !== (IPV4 & 0xff)) return undefined
  const ipAt = (at: number): Ip => parseIp(payload.subarray(at, at + IP_BYTES).join('.'))
  return {
    sender: hardwareAddressFromBytes(payload.subarray(FIXED, FIXED + size)),
    senderIp: ipAt(FIXED + size),
    targetIp: ipAt(FIXED + 2 * size + IP_BYTES),
  }
}
