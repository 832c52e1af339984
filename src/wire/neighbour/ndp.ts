/**
 * Neighbour discovery: who has an IPv6 address, and that we have one.
 *
 * Spec: RFC 4861 sections 4.3, 4.4 and 7.2.6; RFC 4862 section 5.4.2 (whoever
 * has no address yet asks from `::`, and is answered to all nodes); RFC 4443
 * section 2.3 (checksum); RFC 4391 section 9.3 (option of 20 bytes on IPoIB,
 * behind 2 of zeros). Integers are big-endian.
 * @module
 */
import {
  type HardwareAddress,
  hardwareAddressFromBytes,
  hardwareAddressToBytes,
} from '#values/hardware-address.ts'
import { type Ip, parseIp } from '#values/ip.ts'
import type { Bytes } from '#wire/netlink/attribute.ts'
import { ipBytes, ipOf } from '#wire/rtnetlink/ip-bytes.ts'
import { ARP_TYPE, ETHER_TYPE, type FrameLink, encodeFrame, multicastBytes } from './frame.ts'

/** A solicitation or an advertisement. */
export type Ndp = {
  readonly kind: 'solicitation' | 'advertisement'
  /** `::` of one that asks whether its own address is free. */
  readonly source: Ip
  readonly target: Ip
  /** Link-layer address of the option that the kind has; undefined without it. */
  readonly address: HardwareAddress | undefined
}

const ICMPV6 = 58
const HOP_LIMIT = 255
const TYPE = { solicitation: 135, advertisement: 136 } as const
/** Source and target link-layer address. */
const OPTION = { solicitation: 1, advertisement: 2 } as const
const OVERRIDE = 0x20
const LOCAL_BIT = 2
const IP_HEAD = 40
const MESSAGE = 24
const UNIT = 8
const IPOIB_PADDING = 2
const NOBODY = parseIp('::')
const ALL_NODES = parseIp('ff02::1')
const SOLICITED = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff)

/**
 * Asks everybody who may have `target`: from `::`, and who has it answers to all
 * nodes; or from `source`, and is answered alone.
 */
export function encodeSolicitation(
  link: FrameLink,
  { target, source = NOBODY }: { readonly target: Ip; readonly source?: Ip },
): Bytes {
  const group = Uint8Array.from([...SOLICITED, ...ipBytes(target).subarray(SOLICITED.length)])
  const option = source === NOBODY ? [] : optionBytes(link, OPTION.solicitation)
  const head = [TYPE.solicitation, 0, 0, 0, 0, 0, 0, 0]
  const message = Uint8Array.from([...head, ...ipBytes(target), ...option])
  const to = ipOf({ type: 0, flags: 0, data: group })
  return encodePacket(link, { source, to, message })
}

/** Tells all nodes that `target` is here now. */
export function encodeUnsolicited(link: FrameLink, target: Ip): Bytes {
  const head = [TYPE.advertisement, 0, 0, 0, OVERRIDE, 0, 0, 0]
  const option = optionBytes(link, OPTION.advertisement)
  const message = Uint8Array.from([...head, ...ipBytes(target), ...option])
  return encodePacket(link, { source: target, to: ALL_NODES, message })
}

/**
 * A link-local address that is the link's alone: of its hardware address, and on
 * IPoIB, where the children of a port share its GUID, of its queue pair too.
 */
export function linkLocalOf({ arpType, address }: FrameLink): Ip {
  const bytes = hardwareAddressToBytes(address)
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = bytes
  const identifier =
    arpType === ARP_TYPE.infiniband
      ? [
          ...bytes.subarray(12, 17),
          ...bytes.subarray(17).map((byte, i) => byte ^ (bytes[i + 1] ?? 0)),
        ]
      : [a ^ LOCAL_BIT, b, c, 0xff, 0xfe, d, e, f]
  const data = Uint8Array.from([0xfe, 0x80, 0, 0, 0, 0, 0, 0, ...identifier])
  return ipOf({ type: 0, flags: 0, data })
}

function optionBytes({ arpType, address }: FrameLink, type: number): Bytes {
  const own = hardwareAddressToBytes(address)
  const padding = arpType === ARP_TYPE.infiniband ? IPOIB_PADDING : 0
  const option = new Uint8Array(Math.ceil((2 + padding + own.length) / UNIT) * UNIT)
  option.set([type, option.length / UNIT])
  option.set(own, 2 + padding)
  return option
}

/** Undefined for what is cut, and for anything else. */
export function decodeNdp(packet: Bytes, { arpType }: FrameLink): Ndp | undefined {
  if (packet.length < IP_HEAD + MESSAGE) return undefined
  if ((packet[0] ?? 0) >>> 4 !== 6 || packet[6] !== ICMPV6 || packet[7] !== HOP_LIMIT) {
    return undefined
  }
  const message = packet.subarray(IP_HEAD)
  const kind = message[0] === TYPE.solicitation ? 'solicitation' : 'advertisement'
  if (message[0] !== TYPE[kind]) return undefined
  const ipAt = (from: Bytes, at: number): Ip =>
    ipOf({ type: 0, flags: 0, data: from.subarray(at, at + 16) })
  return {
    kind,
    source: ipAt(packet, 8),
    target: ipAt(message, 8),
    address: optionOf(message.subarray(MESSAGE), OPTION[kind], arpType),
  }
}

function optionOf(options: Bytes, wanted: number, arpType: number): HardwareAddress | undefined {
  const isInfiniband = arpType === ARP_TYPE.infiniband
  const [from, size] = isInfiniband ? [2 + IPOIB_PADDING, 20] : [2, 6]
  for (let at = 0; at + 1 < options.length;) {
    const length = (options[at + 1] ?? 0) * UNIT
    if (length === 0) return undefined
    const bytes = options.subarray(at + from, at + from + size)
    if (options[at] === wanted && bytes.length === size) return hardwareAddressFromBytes(bytes)
    at += length
  }
  return undefined
}

function encodePacket(
  link: FrameLink,
  { source, to, message }: { source: Ip; to: Ip; message: Bytes },
): Bytes {
  const addresses = [...ipBytes(source), ...ipBytes(to)]
  const { length } = message
  const sum = checksum(
    Uint8Array.from([...addresses, 0, 0, 0, length, 0, 0, 0, ICMPV6, ...message]),
  )
  message.set([sum >>> 8, sum & 0xff], 2)
  const head = [0x60, 0, 0, 0, length >>> 8, length & 0xff, ICMPV6, HOP_LIMIT, ...addresses]
  const payload = Uint8Array.from([...head, ...message])
  return encodeFrame(link, { to: multicastBytes(link, to), type: ETHER_TYPE.ipv6, payload })
}

/** Ones' complement of the ones' complement sum of 16-bit words. */
function checksum(bytes: Bytes): number {
  let sum = 0
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}
