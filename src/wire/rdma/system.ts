/**
 * Namespace mode of the RDMA subsystem (NLDEV sys get and set): what
 * `rdma system show` prints and `rdma system set netns` sends.
 *
 * Spec: Linux include/uapi/rdma/rdma_netlink.h, RDMA_NLDEV_SYS_ATTR_NETNS_MODE;
 * rdma-system(8). The kernel changes the mode only while there is no other
 * network namespace (EBUSY).
 * @module
 */
import { fail } from '#wire/failures.ts'
import * as nla from '#wire/netlink/attribute.ts'
import { u8, u8Of } from '#wire/netlink/payload.ts'

/** Value of `nlmsg_type` for each command. A get has an empty payload. */
export const RDMA_SYSTEM = { get: (5 << 10) | 6, set: (5 << 10) | 7 } as const
const NETNS_MODE = 66
const MODES = { exclusive: 0, shared: 1 } as const

/** `shared`: devices are seen in every namespace; `exclusive`: each is in one. */
export type RdmaNetnsMode = keyof typeof MODES

/**
 * The mode in the payload of a sys get reply.
 * @throws {Failure} `netlink-truncated`
 * @throws {Failure} `netlink-attribute-missing`: a kernel before 5.3
 */
export function decodeNetnsMode(payload: nla.Bytes): RdmaNetnsMode {
  const found = nla.readAttributes(payload).find((a) => a.type === NETNS_MODE)
  if (found === undefined) {
    throw fail('netlink-attribute-missing', { of: 'rdma system', type: NETNS_MODE })
  }
  return u8Of(found) === MODES.exclusive ? 'exclusive' : 'shared'
}

/** Payload of a set request. */
export function encodeNetnsMode(mode: RdmaNetnsMode): nla.Bytes {
  return nla.writeAttributes([u8(NETNS_MODE, MODES[mode])])
}
