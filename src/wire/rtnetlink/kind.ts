/**
 * Kinds of links: IFLA_LINKINFO both ways, for ipoib, macvlan, veth and bridge.
 *
 * Spec: Linux include/uapi/linux/if_link.h, enums for IFLA_INFO, IFLA_IPOIB,
 * IFLA_MACVLAN; include/uapi/linux/veth.h. Integers are host-endian.
 * @module
 */
import type { IpoibMode, LinkKind, MacvlanMode } from '#values/link.ts'
import { type Pkey, pkeyFromBits } from '#values/pkey.ts'
import { type Attribute, type Bytes, textOf, u32, u32Of } from '#wire/netlink/attribute.ts'
import { innerOf, nest, raw, text, u16, u16Of } from '#wire/netlink/payload.ts'

/** What a link is made as, with what goes into IFLA_INFO_DATA. */
export type KindSpec =
  | {
      readonly kind: 'ipoib'
      /** The parent's when undefined. */
      readonly pkey: Pkey | undefined
      readonly mode: IpoibMode | undefined
      readonly umcast?: boolean
    }
  | { readonly kind: 'macvlan'; readonly mode: MacvlanMode }
  /** The payload that would make the other end as a link of its own. */
  | { readonly kind: 'veth'; readonly peer: Bytes }
  | { readonly kind: 'bridge' }

const INFO = { kind: 1, data: 2 } as const
const IPOIB = { pkey: 1, mode: 2, umcast: 3 } as const
const MACVLAN_MODE = 1 // IFLA_MACVLAN_MODE
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
  if (kind === 'ipoib') return decodeIpoib(data)
  if (kind === 'veth' || kind === 'bridge') return { kind }
  if (kind !== 'macvlan') return { kind: 'other', name: kind }
  const mode = data.get(MACVLAN_MODE)
  return { kind, mode: mode === undefined ? undefined : MACVLAN_NAMES.get(u32Of(mode)) }
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
    case 'macvlan':
      return [u32(MACVLAN_MODE, MACVLAN_MODES[spec.mode])]
    case 'veth':
      return [raw(VETH_PEER, spec.peer)]
    case 'bridge':
      return []
  }
}
