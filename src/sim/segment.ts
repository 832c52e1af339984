/**
 * Layer 2: who hears whom. Physical links hang on named
 * wires; children hang on their parent; the two ends of a veth on each other.
 * @module
 */
import type { Ip } from '#values/ip.ts'
import { samePartition } from '#values/pkey.ts'
import { carrierOf, pkeysOn } from './carrier.ts'
import { everyLink } from './find.ts'
import type { SimHost, SimLink } from './host.ts'

const FULL_MEMBER = 0x8000

/** How two links stand to each other on layer 2. */
type Hearing = 'hears' | 'other-partition' | 'apart'

/** Whether frames of `a` come to `b`; both are thought to have a carrier. */
function hearing(host: SimHost, a: SimLink, b: SimLink): Hearing {
  if (a === b) return 'apart'
  if (a.kind.kind === 'veth' || b.kind.kind === 'veth') return a.below === b ? 'hears' : 'apart'
  const roots = [rootOf(a), rootOf(b)] as const
  const [one, two] = [wiringOf(roots[0]), wiringOf(roots[1])]
  const wired = one.wire !== undefined && one.wire === two.wire && one.tags === two.tags
  if (a.arpType !== b.arpType || (roots[0] !== roots[1] && !wired)) return 'apart'
  if (a.kind.kind === 'ipoib' && b.kind.kind === 'ipoib') {
    return inOnePartition(host, a, b) ? 'hears' : 'other-partition'
  }
  return roots[0] !== roots[1] || areSiblings(a, b) ? 'hears' : 'apart'
}

/** What a link's frames leave by; a VLAN is a segment of its own, so it is its own root. */
function rootOf(link: SimLink): SimLink {
  return link.kind.kind === 'vlan' ? link : (link.below ?? link)
}

/** The wire at the bottom, and the VLANs on the way down to it. */
function wiringOf(link: SimLink): { readonly wire: string | undefined; readonly tags: string } {
  if (link.kind.kind === 'bond') {
    const port = link.netns.links.find((one) => one.master === link && one.wire !== undefined)
    return { wire: port?.wire, tags: '' }
  }
  if (link.kind.kind !== 'vlan' || link.below === undefined) return { wire: link.wire, tags: '' }
  const { wire, tags } = wiringOf(link.below)
  return { wire, tags: `${tags} ${link.kind.id}` }
}

/** Same partition, and not both limited members of it. */
function inOnePartition(host: SimHost, a: SimLink, b: SimLink): boolean {
  if (a.kind.kind !== 'ipoib' || b.kind.kind !== 'ipoib') return false
  const { pkey } = a.kind
  if (!samePartition(pkey, b.kind.pkey)) return false
  return [a, b].some((link) =>
    pkeysOn(host, link).some((on) => samePartition(on, pkey) && (on & FULL_MEMBER) !== 0),
  )
}

/**
 * Macvlans of one parent hear each other in bridge mode alone, ipvlans always, and
 * none of them the parent.
 */
function areSiblings(a: SimLink, b: SimLink): boolean {
  const inBridge = [a, b].every(({ kind }) => kind.kind === 'macvlan' && kind.mode === 'bridge')
  return inBridge || [a, b].every(({ kind }) => kind.kind === 'ipvlan')
}

/** Links with a carrier that stand to `link` in the way asked for. */
export function neighboursOf(host: SimHost, link: SimLink, how: Hearing = 'hears'): SimLink[] {
  return everyLink(host).filter(
    (other) => hearing(host, link, other) === how && carrierOf(host, other),
  )
}

/** True when another link that `link` hears has the address: duplicate detection would see it. */
export function isTaken(host: SimHost, link: SimLink, ip: Ip): boolean {
  return everyLink(host).some(
    (other) =>
      hearing(host, link, other) === 'hears' &&
      other.up &&
      other.addresses.some(({ cidr }) => cidr.startsWith(`${ip}/`)),
  )
}
