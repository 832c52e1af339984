/**
 * Requests that make, change and delete links (RTM_NEWLINK, RTM_DELLINK,
 * RTM_NEWLINKPROP, RTM_DELLINKPROP), as iproute2 sends them.
 *
 * Spec: rtnetlink(7); Linux include/uapi/linux/if_link.h. Host-endian. All need
 * CAP_NET_ADMIN in every namespace they touch.
 * @module
 */
import { type HardwareAddress, hardwareAddressToBytes } from '#values/hardware-address.ts'
import type { IfName } from '#values/if-name.ts'
import type { IpoibMode } from '#values/link.ts'
import { type Attribute, type Bytes, u32, writeAttributes } from '#wire/netlink/attribute.ts'
import { FLAG, type Request, joinPayload } from '#wire/netlink/message.ts'
import { nest, raw, text, u8 } from '#wire/netlink/payload.ts'
import { type KindSpec, bondPrimaryAttribute, ipoibModeAttribute, kindAttribute } from './kind.ts'
import { IFLA, LINK_MESSAGE, linkHeader } from './link.ts'

/** A link to be made. Undefined leaves the choice to the kernel. */
export type NewLink = {
  /** Wanted index: positive, free in the namespace of the socket and of the link; 0 for any. */
  readonly index: number
  readonly name: IfName
  readonly address: HardwareAddress | undefined
  /** Bytes. IPoIB ignores it here: change it afterwards. */
  readonly mtu: number | undefined
  /** Descriptor of the namespace that it is made in; the socket's when undefined. */
  readonly netnsFd: number | undefined
  /** Index of the link below, in the namespace of the socket. */
  readonly parent: number | undefined
  readonly group: number | undefined
}

/** Settings to change; what is absent stays as it is. */
export type LinkChange = {
  readonly up?: boolean
  readonly promiscuous?: boolean
  readonly allMulticast?: boolean
  readonly name?: IfName
  readonly address?: HardwareAddress
  readonly mtu?: number
  readonly txQueueLength?: number
  /** An empty text takes the alias away. At most 255 bytes. */
  readonly alias?: string
  readonly group?: number
  readonly addrGenMode?: keyof typeof ADDR_GEN_MODES
  /** Settings that are files below net/ipv4/conf/NAME too. */
  readonly ipv4Conf?: Ipv4Conf
  readonly ipoibMode?: IpoibMode
  /** Index of the bond that it becomes a port of. */
  readonly master?: number
  /** Index of the port that a bond uses while it can. */
  readonly bondPrimary?: number
  /** Descriptor of the namespace that the link moves to. */
  readonly netnsFd?: number
  /** Index that it takes there (Linux 5.13; ignored before, where it keeps its own if it can). */
  readonly newIndex?: number
}

/** IPv4 settings of a link by the names of their files. */
type Ipv4Conf = { readonly [Name in keyof typeof IPV4_CONF]?: number }

/** IPV4_DEVCONF_* of include/uapi/linux/ip.h; they count from 1. */
export const IPV4_CONF = { proxy_arp: 3, rp_filter: 8, arp_notify: 22 } as const
const IPV4_NUMBERS: ReadonlyMap<string, number> = new Map(Object.entries(IPV4_CONF))
const INET = 2 // AF_INET
const INET_CONF = 1 // IFLA_INET_CONF
/** IN6_ADDR_GEN_MODE_* */
const ADDR_GEN_MODES = { eui64: 0, none: 1, stable: 2, random: 3 } as const
const INET6 = 10 // AF_INET6
const INET6_ADDR_GEN_MODE = 8 // IFLA_INET6_ADDR_GEN_MODE
/** IFF_UP, IFF_PROMISC, IFF_ALLMULTI */
const FLAGS = [
  { name: 'up', bit: 1 },
  { name: 'promiscuous', bit: 0x100 },
  { name: 'allMulticast', bit: 0x200 },
] as const
const ACK = FLAG.request | FLAG.ack

/** Makes a link; EEXIST when the name is taken there. */
export function encodeNewLink(link: NewLink, kind: KindSpec): Request {
  const attributes = [...newAttributes(link), kindAttribute(IFLA.linkInfo, kind)]
  return {
    type: LINK_MESSAGE.new,
    flags: ACK | FLAG.create | FLAG.exclusive,
    payload: joinPayload(linkHeader(link.index), writeAttributes(attributes)),
  }
}

/** Payload of the other end of a veth, for {@link encodeNewLink}. */
export function encodeVethPeer(link: NewLink): Bytes {
  return joinPayload(linkHeader(link.index), writeAttributes(newAttributes(link)))
}

/** Changes settings of the link with this index, in one message. */
export function encodeChangeLink(index: number, change: LinkChange): Request {
  let [flags, mask] = [0, 0]
  for (const { name, bit } of FLAGS) {
    const wanted = change[name]
    if (wanted !== undefined) mask |= bit
    if (wanted === true) flags |= bit
  }
  const header = linkHeader(index, flags, mask)
  const payload = joinPayload(header, writeAttributes(changeAttributes(change)))
  return { type: LINK_MESSAGE.new, flags: ACK, payload }
}

/** Deletes the link with this index; ENODEV when there is none. */
export function encodeDeleteLink(index: number): Request {
  return { type: LINK_MESSAGE.delete, flags: ACK, payload: linkHeader(index) }
}

/** Adds or takes away alternative names, up to 127 bytes each. */
export function encodeAltNames(
  to: 'add' | 'remove',
  index: number,
  names: readonly string[],
): Request {
  const list = nest(
    IFLA.propertyList,
    names.map((name) => text(IFLA.altName, name)),
    true,
  )
  return {
    type: to === 'add' ? LINK_MESSAGE.newProperty : LINK_MESSAGE.deleteProperty,
    flags: to === 'add' ? ACK | FLAG.create | FLAG.exclusive | FLAG.append : ACK,
    payload: joinPayload(linkHeader(index), writeAttributes([list])),
  }
}

function newAttributes(link: NewLink): Attribute[] {
  const attributes: Attribute[] = []
  if (link.address !== undefined) {
    attributes.push(raw(IFLA.address, hardwareAddressToBytes(link.address)))
  }
  if (link.mtu !== undefined) attributes.push(u32(IFLA.mtu, link.mtu))
  if (link.netnsFd !== undefined) attributes.push(u32(IFLA.netnsFd, link.netnsFd))
  if (link.group !== undefined) attributes.push(u32(IFLA.group, link.group))
  if (link.parent !== undefined) attributes.push(u32(IFLA.link, link.parent))
  attributes.push(text(IFLA.name, link.name))
  return attributes
}

function changeAttributes(change: LinkChange): Attribute[] {
  const { address, mtu, txQueueLength, alias, group, netnsFd, newIndex, name, master } = change
  const attributes: Attribute[] = []
  if (address !== undefined) attributes.push(raw(IFLA.address, hardwareAddressToBytes(address)))
  if (mtu !== undefined) attributes.push(u32(IFLA.mtu, mtu))
  if (txQueueLength !== undefined) attributes.push(u32(IFLA.txQueueLength, txQueueLength))
  // Without a zero byte: the kernel takes the length, and 0 for none.
  if (alias !== undefined) attributes.push(raw(IFLA.alias, new TextEncoder().encode(alias)))
  if (group !== undefined) attributes.push(u32(IFLA.group, group))
  if (netnsFd !== undefined) attributes.push(u32(IFLA.netnsFd, netnsFd))
  if (newIndex !== undefined) attributes.push(u32(IFLA.newIndex, newIndex))
  if (name !== undefined) attributes.push(text(IFLA.name, name))
  if (master !== undefined) attributes.push(u32(IFLA.master, master))
  if (change.bondPrimary !== undefined) {
    attributes.push(bondPrimaryAttribute(IFLA.linkInfo, change.bondPrimary))
  }
  if (change.ipoibMode !== undefined) {
    attributes.push(ipoibModeAttribute(IFLA.linkInfo, change.ipoibMode))
  }
  const families = familyAttributes(change)
  if (families.length > 0) attributes.push(nest(IFLA.afSpec, families))
  return attributes
}

function familyAttributes({ addrGenMode, ipv4Conf }: LinkChange): Attribute[] {
  const families: Attribute[] = []
  if (ipv4Conf !== undefined) {
    const settings = Object.entries(ipv4Conf).map(([name, value]) => {
      return u32(IPV4_NUMBERS.get(name) ?? 0, value)
    })
    families.push(nest(INET, [nest(INET_CONF, settings)]))
  }
  if (addrGenMode !== undefined) {
    families.push(nest(INET6, [u8(INET6_ADDR_GEN_MODE, ADDR_GEN_MODES[addrGenMode])]))
  }
  return families
}
