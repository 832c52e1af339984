/**
 * Kinds of links: IFLA_LINKINFO both ways, for ipoib, macvlan, ipvlan, vlan, bond,
 * veth and bridge.
 *
 * Spec: Linux include/uapi/linux/if_link.h, enums for IFLA_INFO, IFLA_IPOIB,
 * IFLA_MACVLAN, IFLA_IPVLAN, IFLA_VLAN; include/uapi/linux/veth.h. Integers are
 * host-endian.
 * @module
 */
import type { BondSettings } from '#values/bond.ts'
import type { IpoibMode, IpvlanMode, LinkKind, MacvlanMode } from '#values/link.ts'
import { type Pkey, pkeyFromBits } from '#values/pkey.ts'
import { type Attribute, type Bytes, textOf, u32, u32Of } from '#wire/netlink/attribute.ts'
import { innerOf, nest, raw, text, u16, u16Of } from '#wire/netlink/payload.ts'
import { bondAttributes, bondPrimary, decodeBondMode } from './bond.ts'

/** What a link is made as, with what goes into IFLA_INFO_DATA. */
export type KindSpec =
  | {
      readonly kind: 'ipoib'
      /** The parent's when undefined. */
      readonly pkey: Pkey | undefined
      readonly mode: IpoibMode | undefined
      readonly umcast?: boolean
    }
  | { readonly kind: 'macvlan'; readonly mode: MacvlanMode; readonly bcQueueLength?: number }
  | { readonly kind: 'ipvlan'; readonly mode: IpvlanMode }
  | { readonly kind: 'vlan'; readonly id: number }
  | ({ readonly kind: 'bond' } & BondSettings)
  /** The payload that would make the other end as a link of its own. */
  | { readonly kind: 'veth'; readonly peer: Bytes }
  | { readonly kind: 'bridge' }

const INFO = { kind: 1, data: 2 } as const
const IPOIB = { pkey: 1, mode: 2, umcast: 3 } as const
const MACVLAN = { mode: 1, bcQueueLength: 7 } as const
const IPVLAN = { mode: 1, flags: 2 } as const
/** Links of one parent reach each other (neither IPVLAN_F_PRIVATE nor IPVLAN_F_VEPA). */
const IPVLAN_BRIDGE = 0
const VLAN_ID = 1 // IFLA_VLAN_ID
const VETH_PEER = 1 // VETH_INFO_PEER
const IPOIB_MODES = { datagram: 0, connected: 1 } as const satisfies Record<IpoibMode, number>
const MACVLAN_MODES = {
  private: 1,
  vepa: 2,
  bridge: 4,
  passthru: 8,
} as const satisfies Record<MacvlanMode, number>
const MACVLAN_NAMES: ReadonlyMap<number, MacvlanMode> = new Map([
  [1, 'private'],
  [2, 'vepa'],
  [4, 'bridge'],
  [8, 'passthru'],
])

const IPVLAN_MODES: readonly IpvlanMode[] = ['l2', 'l3', 'l3s']

/** IFLA_LINKINFO as attribute `type`, of a link to be made. */
export function kindAttribute(type: number, spec: KindSpec): Attribute {
  const data = dataOf(spec)
  const kind = text(INFO.kind, spec.kind)
  return nest(type, data.length === 0 ? [kind] : [kind, nest(INFO.data, data)])
}

/** IFLA_LINKINFO as attribute `type`, of an IPoIB link whose mode is to change. */
export function ipoibModeAttribute(type: number, mode: IpoibMode): Attribute {
  const data = [u16(IPOIB.mode, IPOIB_MODES[mode])]
  return nest(type, [text(INFO.kind, 'ipoib'), nest(INFO.data, data)])
}

/** IFLA_LINKINFO as attribute `type`, of a bond whose primary port is to be the link `index`. */
export function bondPrimaryAttribute(type: number, index: number): Attribute {
  return nest(type, [text(INFO.kind, 'bond'), nest(INFO.data, bondPrimary(index))])
}

/** IFLA_LINKINFO as attribute `type`, as a filter of a dump. */
export function kindFilter(type: number, kind: string): Attribute {
  const name = text(INFO.kind, kind)
  // The kernel compares the whole payload as a string; iproute2 leaves the zero byte out.
  return nest(type, [{ ...name, data: name.data.subarray(0, -1) }])
}

/** The kind in IFLA_LINKINFO; without the attribute the link is a physical one. */
export function decodeKind(info: Attribute | undefined): LinkKind {
  if (info === undefined) return { kind: 'physical' }
  const inner = innerOf(info)
  const name = inner.get(INFO.kind)
  if (name === undefined) return { kind: 'physical' }
  const found = inner.get(INFO.data)
  const data = found === undefined ? new Map<number, Attribute>() : innerOf(found)
  const kind = textOf(name)
  switch (kind) {
    case 'ipoib':
      return decodeIpoib(data)
    case 'veth':
    case 'bridge':
      return { kind }
    case 'macvlan': {
      const mode = data.get(MACVLAN.mode)
      return { kind, mode: mode === undefined ? undefined : MACVLAN_NAMES.get(u32Of(mode)) }
    }
    case 'ipvlan': {
      const mode = data.get(IPVLAN.mode)
      return { kind, mode: mode === undefined ? undefined : IPVLAN_MODES[u16Of(mode)] }
    }
    case 'vlan': {
      const id = data.get(VLAN_ID)
      return id === undefined ? { kind: 'other', name: kind } : { kind, id: u16Of(id) }
    }
    case 'bond':
      return { kind, mode: decodeBondMode(data) }
    default:
      return { kind: 'other', name: kind }
  }
}

/** A driver of an old kernel tells no data: then it is no child that we could have made. */
function decodeIpoib(data: ReadonlyMap<number, Attribute>): LinkKind {
  const pkey = data.get(IPOIB.pkey)
  if (pkey === undefined || (u16Of(pkey) & 0x7fff) === 0) return { kind: 'other', name: 'ipoib' }
  const mode = data.get(IPOIB.mode)
  const umcast = data.get(IPOIB.umcast)
  return {
    kind: 'ipoib',
    pkey: pkeyFromBits(u16Of(pkey)),
    mode: mode !== undefined && u16Of(mode) === IPOIB_MODES.connected ? 'connected' : 'datagram',
    umcast: umcast !== undefined && u16Of(umcast) !== 0,
  }
}

function dataOf(spec: KindSpec): Attribute[] {
  switch (spec.kind) {
    case 'ipoib': {
      const pkey = spec.pkey === undefined ? [] : [u16(IPOIB.pkey, spec.pkey)]
      const mode = spec.mode === undefined ? [] : [u16(IPOIB.mode, IPOIB_MODES[spec.mode])]
      const umcast = spec.umcast === undefined ? [] : [u16(IPOIB.umcast, spec.umcast ? 1 : 0)]
      return [...pkey, ...mode, ...umcast]
    }
    case 'macvlan': {
      const { mode, bcQueueLength: length } = spec
      const queue = length === undefined ? [] : [u32(MACVLAN.bcQueueLength, length)]
      return [u32(MACVLAN.mode, MACVLAN_MODES[mode]), ...queue]
    }
    case 'ipvlan':
      return [u16(IPVLAN.mode, IPVLAN_MODES.indexOf(spec.mode)), u16(IPVLAN.flags, IPVLAN_BRIDGE)]
    case 'vlan':
      return [u16(VLAN_ID, spec.id)]
    case 'bond':
      return bondAttributes(spec)
    case 'veth':
      return [raw(VETH_PEER, spec.peer)]
    case 'bridge':
      return []
  }
}
