/**
 * Links as the kernel reports them: decodes RTM_NEWLINK, and asks for them.
 *
 * Spec: rtnetlink(7); Linux include/uapi/linux/if_link.h, enum for IFLA, and
 * include/uapi/linux/rtnetlink.h, struct ifinfomsg. Host-endian.
 * @module
 */
import { hardwareAddressFromBytes } from '#values/hardware-address.ts'
import { type IfName, parseIfName } from '#values/if-name.ts'
import type { Link } from '#values/link.ts'
import { type PciAddress, parsePciAddress } from '#values/pci-address.ts'
import { fail } from '#wire/failures.ts'
import {
  type Attribute,
  type Bytes,
  readAttributes,
  textOf,
  u32,
  u32Of,
  writeAttributes,
} from '#wire/netlink/attribute.ts'
import { putU32 } from '#wire/netlink/integer.ts'
import { FLAG, type Request, joinPayload } from '#wire/netlink/message.ts'
import { text } from '#wire/netlink/payload.ts'
import { decodeKind, kindFilter } from './kind.ts'

/** `nlmsg_type` of each link message. */
export const LINK_MESSAGE = {
  new: 16,
  delete: 17,
  get: 18,
  newProperty: 108,
  deleteProperty: 109,
} as const
/** Attribute numbers, IFLA_*. */
export const IFLA = {
  address: 1,
  name: 3,
  mtu: 4,
  link: 5,
  master: 10,
  txQueueLength: 13,
  linkInfo: 18,
  alias: 20,
  vfInfoList: 22,
  afSpec: 26,
  group: 27,
  netnsFd: 28,
  extMask: 29,
  newIndex: 49,
  propertyList: 52,
  altName: 53,
  parentDevice: 56,
  parentBus: 57,
} as const
/** Attributes that {@link decodeLink} turns into fields. */
const KNOWN: ReadonlySet<number> = new Set([
  IFLA.address,
  IFLA.name,
  IFLA.mtu,
  IFLA.link,
  IFLA.master,
  IFLA.txQueueLength,
  IFLA.linkInfo,
  IFLA.alias,
  IFLA.group,
  IFLA.propertyList,
  IFLA.parentDevice,
  IFLA.parentBus,
])
const UP = 1 // IFF_UP
const PROMISCUOUS = 0x100 // IFF_PROMISC
const ALL_MULTICAST = 0x200 // IFF_ALLMULTI
const LOWER_UP = 0x10000 // IFF_LOWER_UP
/** RTEXT_FILTER_VF, RTEXT_FILTER_SKIP_STATS: what is left in and out of an answer. */
const FILTER = { vfs: 1, skipStatistics: 8 } as const
const HEAD = 16
const fatalUtf8 = new TextDecoder('utf-8', { fatal: true })

/** A link with the attributes not known here, in kernel order. */
export type KernelLink = Link & { readonly rest: readonly Attribute[] }

/** Bytes of a struct ifinfomsg. `change` says which bits of `flags` count. */
export function linkHeader(index: number, flags = 0, change = 0): Bytes {
  const bytes = new Uint8Array(HEAD)
  putU32(bytes, 4, index)
  putU32(bytes, 8, flags)
  putU32(bytes, 12, change)
  return bytes
}

/**
 * Decodes the payload of RTM_NEWLINK.
 * @throws {Failure} `netlink-truncated`
 * @throws {Failure} `netlink-attribute-missing`: the name
 */
export function decodeLink(payload: Bytes): KernelLink {
  if (payload.length < HEAD) {
    throw fail('netlink-truncated', { of: 'link', need: HEAD, have: payload.length })
  }
  const head = new DataView(payload.buffer, payload.byteOffset, HEAD)
  const all = readAttributes(payload.subarray(HEAD))
  const by = new Map(all.map((attribute) => [attribute.type, attribute]))
  const name = by.get(IFLA.name)
  if (name === undefined) {
    throw fail('netlink-attribute-missing', { of: 'link', type: IFLA.name })
  }
  const address = by.get(IFLA.address)
  const flags = head.getUint32(8, true)
  const number = (type: number): number | undefined => {
    const found = by.get(type)
    return found === undefined ? undefined : u32Of(found)
  }
  const alias = by.get(IFLA.alias)
  return {
    index: head.getInt32(4, true),
    name: nameOf(name),
    kind: decodeKind(by.get(IFLA.linkInfo)),
    arpType: head.getUint16(2, true),
    up: (flags & UP) !== 0,
    carrier: (flags & LOWER_UP) !== 0,
    mtu: number(IFLA.mtu) ?? 0,
    address: address?.data.length ? hardwareAddressFromBytes(address.data) : undefined,
    parent: number(IFLA.link),
    master: number(IFLA.master),
    promiscuous: (flags & PROMISCUOUS) !== 0,
    allMulticast: (flags & ALL_MULTICAST) !== 0,
    txQueueLength: number(IFLA.txQueueLength) ?? 0,
    altNames: altNamesOf(by.get(IFLA.propertyList)),
    group: number(IFLA.group) ?? 0,
    alias: alias === undefined ? undefined : textOf(alias),
    pci: pciOf(by.get(IFLA.parentBus), by.get(IFLA.parentDevice)),
    rest: all.filter((attribute) => !KNOWN.has(attribute.type)),
  }
}

/** One link, without its statistics; `vfs` asks for the settings of its VFs too. */
export function encodeGetLink(of: { name: IfName; vfs?: boolean }): Request {
  const mask = u32(IFLA.extMask, of.vfs === true ? FILTER.vfs : FILTER.skipStatistics)
  const payload = joinPayload(linkHeader(0), writeAttributes([mask, text(IFLA.name, of.name)]))
  return { type: LINK_MESSAGE.get, flags: FLAG.request, payload }
}

/** All links of a namespace without their statistics, or those of one kind. */
export function encodeDumpLinks(kind?: string): Request {
  const mask = u32(IFLA.extMask, FILTER.skipStatistics)
  const attributes = kind === undefined ? [mask] : [mask, kindFilter(IFLA.linkInfo, kind)]
  const payload = joinPayload(linkHeader(0), writeAttributes(attributes))
  return { type: LINK_MESSAGE.get, flags: FLAG.request | FLAG.dump, payload }
}

/** A namespace may have a link whose name is no UTF-8: such a name is shown by `?`. */
function nameOf({ data }: Attribute): IfName {
  const end = data.indexOf(0)
  const bytes = end < 0 ? data : data.subarray(0, end)
  try {
    return parseIfName(fatalUtf8.decode(bytes))
  } catch {
    const legal = (byte: number): boolean => byte > 0x20 && byte < 0x7f && byte !== 0x3a
    const shown = Array.from(bytes, (byte) => (legal(byte) ? String.fromCharCode(byte) : '?'))
    return parseIfName(shown.join('').replaceAll('/', '?').slice(0, 15) || '?')
  }
}

function altNamesOf(list: Attribute | undefined): string[] {
  if (list === undefined) return []
  return readAttributes(list.data)
    .filter(({ type }) => type === IFLA.altName)
    .map((each) => textOf(each))
}

function pciOf(bus: Attribute | undefined, name: Attribute | undefined): PciAddress | undefined {
  if (bus === undefined || name === undefined || textOf(bus) !== 'pci') return undefined
  return parsePciAddress(textOf(name))
}
