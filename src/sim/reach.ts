/**
 * A ping on a simulated host: route lookup, layer 2 and forwarding, there and
 * back, with the reason where it does not arrive.
 * @module
 */
import type { IfName } from '#values/if-name.ts'
import type { Ip } from '#values/ip.ts'
import type { Where } from '#values/netns.ts'
import { netnsAt } from './find.ts'
import { carrierOf } from './carrier.ts'
import type { SimHost, SimLink, SimNetns } from './host.ts'
import type { SimKernel } from './kernel.ts'
import { type Packet, hasAddress, lookup, sourceFor } from './lookup.ts'
import { routesOf } from './routes.ts'
import { neighboursOf } from './segment.ts'
import { readSysctl } from './sysctl.ts'

/** Why a packet went no further, and in which namespace and on which link that was. */
export type Unreached = {
  readonly reached: false
  readonly reason:
    | 'no-route'
    | 'link-down'
    | 'no-carrier'
    | 'nobody-has-the-address'
    | 'partition-differs'
    | 'not-forwarding'
    | 'loop'
  /** `reply` when the packet arrived and its answer did not. */
  readonly way: 'request' | 'reply'
  readonly netns: string
  readonly link: IfName | undefined
}
export type Reach = { readonly reached: true; readonly hops: readonly string[] } | Unreached

const MOST_HOPS = 16

/** Whether `ping TO` in the namespace `from` gets its answers; `hops` are namespaces passed. */
export function canReach({ host }: Pick<SimKernel, 'host'>, from: Where, to: Ip): Reach {
  const start = netnsAt(host, from)
  if (hasAddress(start, to)) return { reached: true, hops: [start.name] }
  const there = walk(host, start, { to, from: undefined, mark: 0 })
  if ('reason' in there) return { ...there, reached: false, way: 'request' }
  const reply: Packet = { to: there.source, from: to, mark: replyMark(there.last, there.inward) }
  const back = walk(host, there.last, reply)
  if ('reason' in back) return { ...back, reached: false, way: 'reply' }
  return { reached: true, hops: there.hops }
}

type Stop = Pick<Unreached, 'reason' | 'netns' | 'link'>
type Arrived = {
  readonly last: SimNetns
  /** Link by which the packet came into the last namespace. */
  readonly inward: SimLink
  readonly source: Ip
  readonly hops: readonly string[]
}

function walk(host: SimHost, start: SimNetns, packet: Packet): Arrived | Stop {
  let netns = start
  let source = packet.from
  const hops = [start.name]
  for (let hop = 0; hop < MOST_HOPS; hop++) {
    const next = leave(host, netns, { ...packet, from: source })
    if ('reason' in next) return next
    source ??= next.source
    netns = next.inward.netns
    hops.push(netns.name)
    if (hasAddress(netns, packet.to)) return { last: netns, inward: next.inward, source, hops }
    if (!forwards(netns, packet.to)) {
      return { reason: 'not-forwarding', netns: netns.name, link: next.inward.name }
    }
  }
  return { reason: 'loop', netns: netns.name, link: undefined }
}

/** One hop: the link on the other side, and the source address that the sender takes. */
function leave(
  host: SimHost,
  netns: SimNetns,
  packet: Packet,
): { readonly inward: SimLink; readonly source: Ip } | Stop {
  const stop = (reason: Stop['reason'], link?: SimLink): Stop => ({
    reason,
    netns: netns.name,
    link: link?.name,
  })
  const found = lookup(netns, routesOf(netns), packet)
  const source = found && (packet.from ?? sourceFor(netns, found, packet.to))
  if (found === undefined || source === undefined) return stop('no-route')
  const { link, route } = found
  if (!link.up) return stop('link-down', link)
  if (!carrierOf(host, link)) return stop('no-carrier', link)
  const hop = route.via ?? packet.to
  const inward = neighboursOf(host, link).find((other) => answers(link, other, hop))
  if (inward !== undefined) return { inward, source }
  const apart = neighboursOf(host, link, 'other-partition')
  const differs = apart.some((other) => hasAddress(other.netns, hop))
  return stop(differs ? 'partition-differs' : 'nobody-has-the-address', link)
}

/** A permanent entry decides alone; else whoever has the address in its namespace answers. */
function answers(link: SimLink, other: SimLink, hop: Ip): boolean {
  const entry = link.neighbours.find(({ ip, permanent }) => permanent && ip === hop)
  if (entry !== undefined) return entry.address === other.address
  return other.netns !== link.netns && hasAddress(other.netns, hop)
}

function forwards(netns: SimNetns, to: Ip): boolean {
  const path = to.includes(':') ? 'net/ipv6/conf/all/forwarding' : 'net/ipv4/ip_forward'
  return readSysctl(netns, path) === '1'
}

/** The mark that connection tracking gives back to an answer: see `values/nft.ts`. */
function replyMark(netns: SimNetns, inward: SimLink): number {
  for (const { chains } of netns.tables.values()) {
    const rules = chains.flatMap((chain) => chain.rules)
    for (const rule of rules) {
      if (rule.nft !== 'mark-new-from' || rule.link !== inward.name) continue
      const kept = (['save-mark', 'restore-mark'] as const).every((nft) =>
        rules.some((other) => other.nft === nft && other.mark === rule.mark),
      )
      if (kept) return rule.mark
    }
  }
  return 0
}
