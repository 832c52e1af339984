/**
 * Settings of SR-IOV VFs, made and read at their PF: IFLA_VFINFO_LIST.
 *
 * Spec: Linux include/uapi/linux/if_link.h, enum for IFLA_VF and the structs
 * ifla_vf_*. Integers are host-endian, a VLAN protocol big-endian; a GUID is a
 * u64 whose most significant byte is the GUID's first. Rates are in Mbit/s.
 * @module
 */
import { type Guid, guidFromBits, guidToBits } from '#values/guid.ts'
import {
  type HardwareAddress,
  hardwareAddressFromBytes,
  hardwareAddressToBytes,
} from '#values/hardware-address.ts'
import { fail } from '#wire/failures.ts'
import {
  type Attribute,
  type Bytes,
  readAttributes,
  writeAttributes,
} from '#wire/netlink/attribute.ts'
import { FLAG, type Request, joinPayload } from '#wire/netlink/message.ts'
import { innerOf, nest, raw } from '#wire/netlink/payload.ts'
import { IFLA, LINK_MESSAGE, linkHeader } from './link.ts'

/** IFLA_VF_LINK_STATE: 0 follows the PF, 1 always on, 2 always off. */
export type VfLinkState = keyof typeof LINK_STATES
/** VLAN id 0 takes the VLAN away. `protocol` is an EtherType: 0x8100, 0x88a8. */
export type VfVlan = { readonly vlan: number; readonly qos: number; readonly protocol: number }

/** Settings to change; what is absent stays as it is. */
export type VfChange = {
  readonly address?: HardwareAddress
  readonly vlan?: VfVlan
  readonly rate?: { readonly minMbps: number; readonly maxMbps: number }
  readonly spoofCheck?: boolean
  readonly linkState?: VfLinkState
  readonly trust?: boolean
  readonly nodeGuid?: Guid
  readonly portGuid?: Guid
}

/** A VF as its PF reports it; undefined is what the driver does not tell. */
export type VfState = {
  /** Counts from 0. */
  readonly vf: number
  /** Of an InfiniBand PF this is the PF's own address and tells nothing of the VF. */
  readonly address: HardwareAddress | undefined
  readonly vlan: VfVlan | undefined
  readonly rate: { readonly minMbps: number; readonly maxMbps: number } | undefined
  readonly spoofCheck: boolean | undefined
  readonly linkState: VfLinkState | undefined
  readonly trust: boolean | undefined
  readonly nodeGuid: Guid | undefined
  readonly portGuid: Guid | undefined
  readonly rest: readonly Attribute[]
}

const VF_INFO = 1 // IFLA_VF_INFO
const VF = {
  address: 1,
  vlan: 2,
  spoofCheck: 4,
  linkState: 5,
  rate: 6,
  trust: 9,
  nodeGuid: 10,
  portGuid: 11,
  vlanList: 12,
} as const
const KNOWN: ReadonlySet<number> = new Set(Object.values(VF))
const LINK_STATES = { auto: 0, enable: 1, disable: 2 } as const
const LINK_STATE_NAMES: ReadonlyMap<number, VfLinkState> = new Map([
  [0, 'auto'],
  [1, 'enable'],
  [2, 'disable'],
])
const ETHERTYPE_VLAN = 0x8100
const ADDRESS_ROOM = 32

/** Changes settings of one VF of the PF with this index, in one message. */
export function encodeChangeVf(pf: number, vf: number, change: VfChange): Request {
  const { portGuid, ...others } = change
  // The kernel (7.2 still) leaves a VF_INFO at its node GUID: a port GUID behind it, as iproute2
  // sends it, is lost without an error. A second VF_INFO is read.
  const infos =
    portGuid === undefined || change.nodeGuid === undefined
      ? [changeAttributes(vf, change)]
      : [changeAttributes(vf, others), changeAttributes(vf, { portGuid })]
  const list = nest(
    IFLA.vfInfoList,
    infos.map((info) => nest(VF_INFO, info)),
  )
  const payload = joinPayload(linkHeader(pf), writeAttributes([list]))
  return { type: LINK_MESSAGE.new, flags: FLAG.request | FLAG.ack, payload }
}

/**
 * VFs in the payload of the RTM_NEWLINK of a PF, in their order.
 * @param addressBytes length of the PF's own address
 * @throws {Failure} `netlink-truncated`
 */
export function decodeVfs(payload: Bytes, addressBytes: number): VfState[] {
  const list = readAttributes(payload.subarray(linkHeader(0).length)).find(
    (attribute) => attribute.type === IFLA.vfInfoList,
  )
  if (list === undefined) return []
  return readAttributes(list.data)
    .filter((info) => info.type === VF_INFO)
    .map((info) => decodeVf(info, addressBytes))
}

function changeAttributes(vf: number, change: VfChange): Attribute[] {
  const { address, vlan, rate, linkState } = change
  const attributes: Attribute[] = []
  const flag = (type: number, on: boolean | undefined): void => {
    if (on !== undefined) attributes.push(raw(type, words(vf, Number(on))))
  }
  const guid = (type: number, value: Guid | undefined): void => {
    if (value === undefined) return
    const bytes = new Uint8Array(16)
    bytes.set(words(vf))
    new DataView(bytes.buffer).setBigUint64(8, guidToBits(value), true)
    attributes.push(raw(type, bytes))
  }
  if (address !== undefined) {
    const bytes = new Uint8Array(4 + ADDRESS_ROOM)
    bytes.set(words(vf))
    bytes.set(hardwareAddressToBytes(address), 4)
    attributes.push(raw(VF.address, bytes))
  }
  if (vlan !== undefined) attributes.push(vlanAttribute(vf, vlan))
  if (rate !== undefined) attributes.push(raw(VF.rate, words(vf, rate.minMbps, rate.maxMbps)))
  flag(VF.spoofCheck, change.spoofCheck)
  if (linkState !== undefined) {
    attributes.push(raw(VF.linkState, words(vf, LINK_STATES[linkState])))
  }
  flag(VF.trust, change.trust)
  guid(VF.nodeGuid, change.nodeGuid)
  guid(VF.portGuid, change.portGuid)
  return attributes
}

/** 802.1Q goes the old way, which every driver takes. */
function vlanAttribute(vf: number, { vlan, qos, protocol }: VfVlan): Attribute {
  const data = words(vf, vlan, qos)
  if (protocol === ETHERTYPE_VLAN) return raw(VF.vlan, data)
  const bytes = Uint8Array.of(...data, protocol >>> 8, protocol & 0xff, 0, 0)
  return nest(VF.vlanList, [raw(1, bytes)]) // IFLA_VF_VLAN_INFO
}

function decodeVf(info: Attribute, addressBytes: number): VfState {
  const by = innerOf(info)
  const address = by.get(VF.address)
  if (address === undefined) {
    throw fail('netlink-attribute-missing', { of: 'VF', type: VF.address })
  }
  const word = (type: number, at: number): number | undefined => {
    const found = by.get(type)
    return found === undefined ? undefined : wordAt(found, at)
  }
  const flag = (type: number): boolean | undefined => {
    // Drivers without the setting answer all ones.
    const value = word(type, 1)
    return value === undefined || value === 0xffff_ffff ? undefined : value !== 0
  }
  const guid = (type: number): Guid | undefined => {
    const [low, high] = [word(type, 2), word(type, 3)]
    if (low === undefined || high === undefined) return undefined
    return guidFromBits((BigInt(high) << 32n) | BigInt(low))
  }
  const [min, max] = [word(VF.rate, 1), word(VF.rate, 2)]
  return {
    vf: wordAt(address, 0),
    address: hardwareAddressFromBytes(address.data.subarray(4, 4 + addressBytes)),
    vlan: decodeVlan(by),
    rate: min === undefined || max === undefined ? undefined : { minMbps: min, maxMbps: max },
    spoofCheck: flag(VF.spoofCheck),
    linkState: LINK_STATE_NAMES.get(word(VF.linkState, 1) ?? -1),
    trust: flag(VF.trust),
    nodeGuid: guid(VF.nodeGuid),
    portGuid: guid(VF.portGuid),
    rest: [...by.values()].filter((attribute) => !KNOWN.has(attribute.type)),
  }
}

function decodeVlan(by: ReadonlyMap<number, Attribute>): VfVlan | undefined {
  const list = by.get(VF.vlanList)
  const first = list === undefined ? undefined : readAttributes(list.data)[0]
  if (first !== undefined) {
    const [high = 0, low = 0] = first.data.subarray(12)
    return { vlan: wordAt(first, 1), qos: wordAt(first, 2), protocol: (high << 8) | low }
  }
  const old = by.get(VF.vlan)
  if (old === undefined) return undefined
  return { vlan: wordAt(old, 1), qos: wordAt(old, 2), protocol: ETHERTYPE_VLAN }
}

function words(...values: readonly number[]): Bytes {
  const view = new DataView(new ArrayBuffer(values.length * 4))
  values.forEach((value, at) => view.setUint32(at * 4, value, true))
  return new Uint8Array(view.buffer)
}

function wordAt({ type, data }: Attribute, at: number): number {
  const need = at * 4 + 4
  if (data.length < need) {
    throw fail('netlink-truncated', { of: `attribute ${type}`, need, have: data.length })
  }
  return new DataView(data.buffer, data.byteOffset, data.length).getUint32(at * 4, true)
}
