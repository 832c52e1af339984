/**
 * Route lookup of a simulated namespace: rules in their order, in each table
 * the longest prefix.
 *
 * Spec: Linux net/core/fib_rules.c, net/ipv4/fib_trie.c.
 * @module
 */
import { networkOf, type Cidr, cidrOf, cidrParts } from '#values/cidr.ts'
import { type Ip, familyOf } from '#values/ip.ts'
import type { Rule } from '#values/route.ts'
import type { SimLink, SimNetns, SimRoute } from './host.ts'

/** What is looked up. */
export type Packet = {
  readonly to: Ip
  /** Undefined while the sender has not chosen one. */
  readonly from: Ip | undefined
  readonly mark: number
}

/** True when the address is in the network that `cidr` lies in. */
export function contains(cidr: Cidr, ip: Ip): boolean {
  const { prefix, family } = cidrParts(cidr)
  return familyOf(ip) === family && networkOf(cidrOf(ip, prefix)) === networkOf(cidr)
}

/** True when the address is one of the namespace's own. */
export function hasAddress(netns: SimNetns, ip: Ip): boolean {
  return netns.links.some((link) =>
    link.addresses.some(
      ({ cidr, duplicate }) =>
        !duplicate &&
        (cidrParts(cidr).ip === ip || (cidr.startsWith('127.') && contains(cidr, ip))),
    ),
  )
}

/** The route with the longest prefix, then the lowest metric, then the first. */
export function bestRoute(routes: readonly SimRoute[], to: Ip): SimRoute | undefined {
  const rank = ({ route }: SimRoute): readonly [number, number] => [
    cidrParts(route.dst).prefix,
    route.priority ?? 0,
  ]
  return routes
    .filter(({ route }) => contains(route.dst, to))
    .toSorted((a, b) => rank(b)[0] - rank(a)[0] || rank(a)[1] - rank(b)[1])[0]
}

/** The route a packet takes among `routes` by the rules of `netns`; table 255 is the caller's. */
export function lookup(
  netns: SimNetns,
  routes: readonly SimRoute[],
  packet: Packet,
): SimRoute | undefined {
  const rules = netns.rules.filter((rule) => applies(rule, packet))
  for (const rule of rules.toSorted((a, b) => (a.priority ?? 0) - (b.priority ?? 0))) {
    const found = bestRoute(
      routes.filter(({ route }) => route.table === rule.table),
      packet.to,
    )
    if (found !== undefined) return found
  }
  return undefined
}

/** Source address for a packet that leaves by `found`. */
export function sourceFor(netns: SimNetns, { link, route }: SimRoute, to: Ip): Ip | undefined {
  if (route.src !== undefined) return route.src
  const usable = (of: SimLink): Cidr[] =>
    of.addresses
      .filter(({ cidr, duplicate }) => !duplicate && familyOf(cidr) === familyOf(to))
      .map(({ cidr }) => cidr)
  const own = usable(link)
  const hop = route.via ?? to
  const chosen =
    own.find((cidr) => contains(cidr, hop)) ??
    own.find((cidr) => !cidr.startsWith('fe80:')) ??
    netns.links.flatMap(usable).find((cidr) => !/^(fe80:|127\.|::1\/)/.test(cidr))
  return chosen === undefined ? undefined : cidrParts(chosen).ip
}

function applies({ family, from, to, fwmark }: Rule, packet: Packet): boolean {
  if (family !== familyOf(packet.to)) return false
  if (to !== undefined && !contains(to, packet.to)) return false
  if (fwmark !== undefined && ((packet.mark ^ fwmark.mark) & fwmark.mask) !== 0) return false
  if (from === undefined || cidrParts(from).prefix === 0) return true
  return packet.from !== undefined && contains(from, packet.from)
}
