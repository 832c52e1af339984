/**
 * Link-layer frames as a packet socket takes and gives them, on Ethernet and on
 * IPoIB. IPoIB puts the receiver's 20 bytes before its header of 4, and on what
 * came in nothing tells the sender.
 *
 * Spec: IEEE 802.3; RFC 4391 sections 4 and 6; Linux drivers/infiniband/ulp/ipoib
 * (struct ipoib_pseudo_header). Integers are big-endian.
 * @module
 */
import { type HardwareAddress, hardwareAddressToBytes } from '#values/hardware-address.ts'
import { type Ip, familyOf } from '#values/ip.ts'
import type { Bytes } from '#wire/netlink/attribute.ts'
import { ipBytes } from '#wire/rtnetlink/ip-bytes.ts'

/** A link that frames are sent on. */
export type FrameLink = {
  /** ARPHRD number. */
  readonly arpType: number
  readonly address: HardwareAddress
  readonly broadcast: HardwareAddress
}

/** ARPHRD numbers of the links that we know frames of. */
export const ARP_TYPE = { ethernet: 1, infiniband: 32 } as const
/** EtherTypes. */
export const ETHER_TYPE = { arp: 0x0806, ipv6: 0x86dd } as const

const ETHERNET_HEAD = 14
const IPOIB_HEAD = 24

/** A frame to `to` with its payload. */
export function encodeFrame(
  { arpType, address }: FrameLink,
  { to, type, payload }: { to: HardwareAddress | Bytes; type: number; payload: Bytes },
): Bytes {
  const receiver = typeof to === 'string' ? hardwareAddressToBytes(to) : to
  const middle =
    arpType === ARP_TYPE.infiniband
      ? [type >>> 8, type & 0xff, 0, 0]
      : [...hardwareAddressToBytes(address), type >>> 8, type & 0xff]
  return Uint8Array.from([...receiver, ...middle, ...payload])
}

/** The payload of a frame; undefined when it is cut. */
export function payloadOf(frame: Bytes, arpType: number): Bytes | undefined {
  const head = arpType === ARP_TYPE.infiniband ? IPOIB_HEAD : ETHERNET_HEAD
  return frame.length < head ? undefined : frame.subarray(head)
}

/**
 * Where a packet to an IPv6 multicast group is sent to: `33:33` and the last 4
 * bytes on Ethernet (RFC 2464); on IPoIB the group's MGID, with scope and P_Key
 * of the link's broadcast group (RFC 4391 section 4).
 */
export function multicastBytes({ arpType, broadcast }: FrameLink, group: Ip): Bytes {
  const ip = ipBytes(group)
  if (familyOf(group) === 4 || arpType !== ARP_TYPE.infiniband) {
    return Uint8Array.from([0x33, 0x33, ...ip.subarray(12)])
  }
  const bytes = hardwareAddressToBytes(broadcast)
  bytes.set([0x60, 0x1b], 6)
  bytes.set(ip.subarray(6), 10)
  return bytes
}
