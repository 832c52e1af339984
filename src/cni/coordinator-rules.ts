/**
 * Routes and rules as the coordinator makes them, and the numbers in them.
 * Tables and marks are those of the replaced plugin, so that what people look
 * for is where it was: 100 for replies, 101 and up for interfaces, mark 0x1.
 * @module
 */
import type { IfName } from '#values/if-name.ts'
import { type Cidr, cidrOf, networkOf } from '#values/cidr.ts'
import { type Ip, bitsOf, familyOf } from '#values/ip.ts'
import { VERBENA_PROTOCOL } from '#values/mark.ts'
import type { Route, Rule } from '#values/route.ts'

/** Table of the way back over the pair, and the mark that leads there. */
export const REPLY = { table: 100, mark: 1 } as const
/** Of rules to pods (on the host) and of replies (in the pod). */
const PRIORITY = 1000
/** Of a later interface's rules: the way back over the pair must win. */
const SOURCE_PRIORITY = 1001

const rule = {
  from: undefined,
  to: undefined,
  fwmark: undefined,
  priority: PRIORITY,
  protocol: VERBENA_PROTOCOL,
} as const

/** The address alone, as a CIDR. */
export function whole(ip: Ip): Cidr {
  return cidrOf(ip, bitsOf(familyOf(ip)))
}

/** To one address, straight over a link. */
export function hostRoute(ip: Ip, dev: IfName, table: number): Route {
  return route({ dst: whole(ip), via: undefined, dev, table })
}

/** Through a gateway. */
export function gatewayRoute(to: { dst: Cidr; via: Ip; dev: IfName; table: number }): Route {
  return route({ ...to, dst: networkOf(to.dst) })
}

/** On the host: `to IP lookup TABLE`. */
export function ruleToPod(ip: Ip, table: number): Rule {
  return { ...rule, family: familyOf(ip), to: whole(ip), table }
}

/** In the pod: `from IP lookup TABLE`. */
export function ruleFromPod(ip: Ip, table: number): Rule {
  return { ...rule, family: familyOf(ip), from: whole(ip), table, priority: SOURCE_PRIORITY }
}

/** In the pod, overlay: `from IP lookup 100`, for an address of the first interface. */
export function ruleFromFirst(ip: Ip): Rule {
  return { ...rule, family: familyOf(ip), from: whole(ip), table: REPLY.table }
}

/** In the pod: `fwmark 0x1 lookup 100`. */
export function replyRule(family: Rule['family']): Rule {
  const fwmark = { mark: REPLY.mark, mask: 0xffffffff }
  return { ...rule, family, fwmark, table: REPLY.table }
}

function route(to: Pick<Route, 'dst' | 'via' | 'dev' | 'table'>): Route {
  const onLink = to.via === undefined && familyOf(to.dst) === 4
  return {
    ...to,
    scope: onLink ? 'link' : 'global',
    src: undefined,
    priority: undefined,
    onlink: false,
    protocol: VERBENA_PROTOCOL,
  }
}
