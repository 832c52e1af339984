/**
 * Next hops of a route that has several. IPv6 makes one of routes that differ
 * in nothing else; each can be taken away by itself.
 *
 * Spec: rtnetlink(7), RTA_MULTIPATH: a list of struct rtnexthop (u16 length, u8
 * flags, u8 hops, i32 index), each with attributes. Host-endian.
 * @module
 */
import type { Ip } from '#values/ip.ts'
import { type Attribute, type Bytes, readAttributes } from '#wire/netlink/attribute.ts'
import { ipOf } from './ip-bytes.ts'

/** One way of several. */
export type NextHop = { readonly index: number; readonly via: Ip | undefined }

const MULTIPATH = 9 // RTA_MULTIPATH
const GATEWAY = 5 // RTA_GATEWAY
const HEAD = 8
const ALIGN = 3

/**
 * The next hops among the attributes that `decodeRoute()` did not know; none for
 * a route with one way only. What is cut at its end is left out.
 * @throws {Failure} `netlink-attribute-invalid`: a gateway of another size
 */
export function nextHopsOf(rest: readonly Attribute[]): NextHop[] {
  const data = rest.find(({ type }) => type === MULTIPATH)?.data
  return data === undefined ? [] : readHops(data)
}

function readHops(data: Bytes): NextHop[] {
  const view = new DataView(data.buffer, data.byteOffset, data.length)
  const hops: NextHop[] = []
  for (let at = 0; at + HEAD <= data.length;) {
    const length = view.getUint16(at, true)
    if (length < HEAD || at + length > data.length) return hops
    const inner = readAttributes(data.subarray(at + HEAD, at + length))
    const gateway = inner.find(({ type }) => type === GATEWAY)
    hops.push({
      index: view.getInt32(at + 4, true),
      via: gateway === undefined ? undefined : ipOf(gateway),
    })
    at += (length + ALIGN) & ~ALIGN
  }
  return hops
}
