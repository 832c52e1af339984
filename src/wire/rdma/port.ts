/**
 * Ports of RDMA devices (NLDEV port get): what `rdma link show` prints.
 *
 * Spec: Linux include/uapi/rdma/rdma_netlink.h, RDMA_NLDEV_CMD_PORT_GET;
 * states are those of the InfiniBand Architecture Specification, volume 1,
 * PortInfo.PortState and PortPhysicalState. Host-endian.
 * @module
 */
import { fail } from '#wire/failures.ts'
import * as nla from '#wire/netlink/attribute.ts'
import { u8Of } from '#wire/netlink/payload.ts'

/** Value of `nlmsg_type`. */
export const RDMA_PORT_GET = (5 << 10) | 5
const ATTR = {
  deviceIndex: 1,
  deviceName: 2,
  port: 3,
  lid: 9,
  state: 12,
  physicalState: 13,
  netdevIndex: 50,
  netdevName: 51,
} as const
const KNOWN: ReadonlySet<number> = new Set(Object.values(ATTR))

/** A port as the kernel reports it. */
export type RdmaPort = {
  readonly deviceIndex: number
  readonly device: string
  /** Counts from 1. */
  readonly port: number
  /** 0 until a subnet manager gave one; undefined on Ethernet. */
  readonly lid: number | undefined
  /** 1 down, 2 init, 3 armed, 4 active. */
  readonly state: number
  /** 2 polling, 3 disabled, 5 link up. */
  readonly physicalState: number
  /** RoCE: the link it belongs to, if that is in the asker's namespace. */
  readonly netdev: { readonly index: number; readonly name: string } | undefined
  readonly rest: readonly nla.Attribute[]
}

/**
 * Decodes the payload of an NLDEV port get reply.
 * @throws {Failure} `netlink-truncated`
 * @throws {Failure} `netlink-attribute-missing`, with the kernel's number for it
 */
export function decodeRdmaPort(payload: nla.Bytes): RdmaPort {
  const all = nla.readAttributes(payload)
  const find = (type: number): nla.Attribute | undefined => all.find((a) => a.type === type)
  const need = (type: number): nla.Attribute => {
    const found = find(type)
    if (found === undefined) throw fail('netlink-attribute-missing', { of: 'rdma port', type })
    return found
  }
  const lid = find(ATTR.lid)
  const index = find(ATTR.netdevIndex)
  const name = find(ATTR.netdevName)
  return {
    deviceIndex: nla.u32Of(need(ATTR.deviceIndex)),
    device: nla.textOf(need(ATTR.deviceName)),
    port: nla.u32Of(need(ATTR.port)),
    lid: lid === undefined ? undefined : nla.u32Of(lid),
    state: u8Of(need(ATTR.state)),
    physicalState: u8Of(need(ATTR.physicalState)),
    netdev:
      index === undefined || name === undefined
        ? undefined
        : { index: nla.u32Of(index), name: nla.textOf(name) },
    rest: all.filter((a) => !KNOWN.has(a.type)),
  }
}

/** Payload of a get request: one port, or with a dump all ports of the device. */
export function encodePort(of: { deviceIndex: number; port?: number }): nla.Bytes {
  const port = of.port === undefined ? [] : [nla.u32(ATTR.port, of.port)]
  return nla.writeAttributes([nla.u32(ATTR.deviceIndex, of.deviceIndex), ...port])
}
