/**
 * Routes: RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE.
 *
 * Spec: rtnetlink(7); Linux include/uapi/linux/rtnetlink.h, struct rtmsg and
 * enum rtattr_type_t. Integers are host-endian, addresses big-endian. A link is
 * named by its index.
 * @module
 */
import { type Family, type Ip, familyOf } from '#values/ip.ts'
import { cidrParts } from '#values/cidr.ts'
import type { Route, RouteScope } from '#values/route.ts'
import { fail } from '#wire/failures.ts'
import {
  type Attribute,
  type Bytes,
  readAttributes,
  u32,
  u32Of,
  writeAttributes,
} from '#wire/netlink/attribute.ts'
import { FLAG, type Request, joinPayload } from '#wire/netlink/message.ts'
import { raw } from '#wire/netlink/payload.ts'
import { FAMILY, cidrOfAttribute, familyFromNumber, ipBytes, ipOf } from './ip-bytes.ts'

/** `nlmsg_type` of each route message. */
export const ROUTE_MESSAGE = { new: 24, delete: 25, get: 26 } as const

/** A route as the kernel reports it. */
export type KernelRoute = Omit<Route, 'dev'> & {
  /** RTA_OIF; undefined where there are several ways (in `rest`) or none. */
  readonly index: number | undefined
  /** RTN_UNICAST: not a blackhole, local, broadcast or multicast route. */
  readonly unicast: boolean
  /** RTM_F_CLONED: an entry of a cache, not of a table. */
  readonly cloned: boolean
  /** Attributes not known here, in kernel order. */
  readonly rest: readonly Attribute[]
}

/** A route to be added or taken away: by index, where it has a link. */
export type RouteSpec = Omit<Route, 'dev'> & { readonly index: number | undefined }

const RTA = {
  dst: 1,
  oif: 4,
  gateway: 5,
  priority: 6,
  source: 7,
  table: 15,
  via: 18,
} as const
const KNOWN: ReadonlySet<number> = new Set(Object.values(RTA))
const SCOPES = { global: 0, link: 253, host: 254 } as const satisfies Record<RouteScope, number>
const SCOPE_NAMES: ReadonlyMap<number, RouteScope> = new Map([
  [253, 'link'],
  [254, 'host'],
])
const NOWHERE = 255 // RT_SCOPE_NOWHERE: in a delete, any scope
const UNICAST = 1 // RTN_UNICAST
const ONLINK = 4 // RTNH_F_ONLINK
const CLONED = 0x200 // RTM_F_CLONED
const HEAD = 12
const ACK = FLAG.request | FLAG.ack

/**
 * Adds a route; EEXIST when the table has one with this destination and priority.
 * `behind` lets it stand behind such a one (another interface's default route, say),
 * as the replaced plugins do: EEXIST only for the very same. IPv6 has no order among
 * them, they become next hops of one route.
 */
export function encodeAddRoute(route: RouteSpec, place?: 'behind'): Request {
  const { family } = cidrParts(route.dst)
  // IPv6 knows no scopes: iproute2 sends 0 for all.
  const scope = family === 4 ? SCOPES[route.scope] : 0
  const head = header(route, { scope, type: UNICAST, flags: route.onlink ? ONLINK : 0 })
  const payload = joinPayload(head, writeAttributes(attributesOf(route)))
  const flags = place === undefined ? FLAG.exclusive : family === 4 ? FLAG.append : 0
  return { type: ROUTE_MESSAGE.new, flags: ACK | FLAG.create | flags, payload }
}

/**
 * Takes the first route away that has all that is given here, its protocol
 * included (0: any); ESRCH when there is none.
 */
export function encodeRemoveRoute(route: RouteSpec): Request {
  const { family } = cidrParts(route.dst)
  const head = header(route, { scope: family === 4 ? NOWHERE : 0, type: 0, flags: 0 })
  const payload = joinPayload(head, writeAttributes(attributesOf(route)))
  return { type: ROUTE_MESSAGE.delete, flags: ACK, payload }
}

/** All routes of a family, of every table. */
export function encodeDumpRoutes(family: Family): Request {
  const payload = new Uint8Array(HEAD)
  payload[0] = FAMILY[family]
  return { type: ROUTE_MESSAGE.get, flags: FLAG.request | FLAG.dump, payload }
}

/** The route that a packet to `to` would take; ENETUNREACH when there is none. */
export function encodeRouteToward(to: Ip): Request {
  const family = familyOf(to)
  const head = new Uint8Array(HEAD)
  head.set([FAMILY[family], family === 4 ? 32 : 128])
  const payload = joinPayload(head, writeAttributes([raw(RTA.dst, ipBytes(to))]))
  return { type: ROUTE_MESSAGE.get, flags: FLAG.request, payload }
}

/**
 * Decodes the payload of RTM_NEWROUTE; undefined for a family that is not IP.
 * @throws {Failure} `netlink-truncated`
 */
export function decodeRoute(payload: Bytes): KernelRoute | undefined {
  if (payload.length < HEAD) {
    throw fail('netlink-truncated', { of: 'route', need: HEAD, have: payload.length })
  }
  const head = new DataView(payload.buffer, payload.byteOffset, HEAD)
  const family = familyFromNumber(head.getUint8(0))
  if (family === undefined) return undefined
  const all = readAttributes(payload.subarray(HEAD))
  const by = new Map(all.map((attribute) => [attribute.type, attribute]))
  const number = (type: number): number | undefined => {
    const found = by.get(type)
    return found === undefined ? undefined : u32Of(found)
  }
  const source = by.get(RTA.source)
  const flags = head.getUint32(8, true)
  return {
    dst: cidrOfAttribute({ attribute: by.get(RTA.dst), prefix: head.getUint8(1), family }),
    via: gatewayOf(by),
    index: number(RTA.oif),
    table: number(RTA.table) ?? head.getUint8(4),
    scope: SCOPE_NAMES.get(head.getUint8(6)) ?? 'global',
    src: source === undefined ? undefined : ipOf(source),
    priority: number(RTA.priority),
    onlink: (flags & ONLINK) !== 0,
    protocol: head.getUint8(5),
    unicast: head.getUint8(7) === UNICAST,
    cloned: (flags & CLONED) !== 0,
    rest: all.filter((attribute) => !KNOWN.has(attribute.type)),
  }
}

/** RTA_VIA is a gateway of the other family: u16 family, then the address. */
function gatewayOf(by: ReadonlyMap<number, Attribute>): Ip | undefined {
  const gateway = by.get(RTA.gateway)
  if (gateway !== undefined) return ipOf(gateway)
  const via = by.get(RTA.via)
  return via === undefined ? undefined : ipOf({ ...via, data: via.data.subarray(2) })
}

function attributesOf(route: RouteSpec): Attribute[] {
  const { ip, prefix, family } = cidrParts(route.dst)
  const attributes: Attribute[] = []
  if (prefix > 0 || family === 6) attributes.push(raw(RTA.dst, ipBytes(ip)))
  if (route.via !== undefined) attributes.push(gateway(route.via, family))
  if (route.src !== undefined) attributes.push(raw(RTA.source, ipBytes(route.src)))
  if (route.table > 255) attributes.push(u32(RTA.table, route.table))
  if (route.priority !== undefined) attributes.push(u32(RTA.priority, route.priority))
  if (route.index !== undefined) attributes.push(u32(RTA.oif, route.index))
  return attributes
}

function gateway(via: Ip, family: Family): Attribute {
  const bytes = ipBytes(via)
  if (familyOf(via) === family) return raw(RTA.gateway, bytes)
  return raw(RTA.via, Uint8Array.of(FAMILY[familyOf(via)], 0, ...bytes))
}

function header(
  route: RouteSpec,
  { scope, type, flags }: { scope: number; type: number; flags: number },
): Bytes {
  const { prefix, family } = cidrParts(route.dst)
  const bytes = new Uint8Array(HEAD)
  const table = route.table > 255 ? 0 : route.table
  bytes.set([FAMILY[family], prefix, 0, 0, table, route.protocol, scope, type, flags])
  return bytes
}
