/**
 * RDMA device messages of NETLINK_RDMA (client NLDEV): decodes what
 * `rdma dev show` prints, encodes what `rdma dev set NAME netns` sends.
 *
 * Spec: Linux include/uapi/rdma/rdma_netlink.h, enums rdma_nldev_command and
 * rdma_nldev_attr. Integers are host-endian, the GUID included (the kernel
 * swaps it before it is sent); lengths are in bytes.
 * @module
 */
import { type Guid, guidFromBits } from '#values/guid.ts'
import { fail } from '#wire/failures.ts'
import * as nla from '#wire/netlink/attribute.ts'

const NLDEV = 5 << 10 // RDMA_NL_NLDEV in the client bits of nlmsg_type
/** Value of `nlmsg_type` for each command this module speaks. */
export const RDMA_COMMAND = { get: NLDEV | 1, set: NLDEV | 2 } as const
const ATTR = { index: 1, name: 2, lastPort: 3, nodeGuid: 6, netnsFd: 68 } as const
const KNOWN: ReadonlySet<number> = new Set(Object.values(ATTR))

/** An RDMA device (`mlx5_0`) as the kernel reports it. */
export type RdmaDevice = {
  /** Kernel index: unique on the host while the device lives. */
  readonly index: number
  readonly name: string
  readonly nodeGuid: Guid
  /** Highest port number; ports count from 1. */
  readonly lastPort: number
  /** Attributes not known here, in kernel order: kept, so that nothing is lost. */
  readonly rest: readonly nla.Attribute[]
}

/**
 * Decodes the payload (the bytes after `nlmsghdr`) of an NLDEV get reply.
 * @throws {Failure} `netlink-truncated`, an attribute runs past the payload
 * @throws {Failure} `netlink-attribute-missing`, with the kernel's number for it
 */
export function decodeRdmaDevice(payload: nla.Bytes): RdmaDevice {
  const all = nla.readAttributes(payload)
  const need = (type: number): nla.Attribute => {
    const found = all.find((a) => a.type === type)
    if (found === undefined) throw fail('netlink-attribute-missing', { of: 'rdma device', type })
    return found
  }
  return {
    index: nla.u32Of(need(ATTR.index)),
    name: nla.textOf(need(ATTR.name)),
    nodeGuid: guidFromBits(nla.u64Of(need(ATTR.nodeGuid))),
    lastPort: nla.u32Of(need(ATTR.lastPort)),
    rest: all.filter((a) => !KNOWN.has(a.type)),
  }
}

/** Payload of a get request for one device; a dump of all has an empty one. */
export function encodeOneDevice(index: number): nla.Bytes {
  return nla.writeAttributes([nla.u32(ATTR.index, index)])
}

/** Payload of a set request that moves a device into the netns open at `netnsFd`. */
export function encodeMoveToNetns(to: { index: number; netnsFd: number }): nla.Bytes {
  return nla.writeAttributes([nla.u32(ATTR.index, to.index), nla.u32(ATTR.netnsFd, to.netnsFd)])
}
