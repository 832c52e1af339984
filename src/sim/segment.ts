/**
 * Layer 2: who has a carrier, and who hears whom. Physical links hang on named
 * wires; children hang on their parent; the two ends of a veth on each other.
 * @module
 */
import type { IfName } from '#values/if-name.ts'
import type { Ip } from '#values/ip.ts'
import { type Pkey, pkeyFromBits, samePartition } from '#values/pkey.ts'
import { type SimHost, type SimLink, type SimRdmaDevice, isIpoibChild } from './host.ts'

const DEFAULT_PKEY = pkeyFromBits(0xffff)
const FULL_MEMBER = 0x8000
/** Datagram MTU of a fabric whose broadcast group has an IB MTU of 2048. */
const GROUP_MTU = 2044

/** IPoIB MTU limits (bytes): datagram is the IB MTU 4096 less 4, connected the 64 KiB less its. */
export const IPOIB_MTU = { datagram: 4092, connected: 65520, least: 72 } as const

/** The RDMA device behind a physical link. */
export function rdmaDeviceOf(host: SimHost, link: SimLink): SimRdmaDevice | undefined {
  if (link.pci === undefined) return undefined
  return host.rdma.devices.find((device) => device.pci === link.pci)
}

/** P_Keys on the port of a link or of its parent; without an RDMA device the default one. */
export function pkeysOn(host: SimHost, link: SimLink): readonly Pkey[] {
  return rdmaDeviceOf(host, link.below ?? link)?.pkeys ?? [DEFAULT_PKEY]
}

/** IFF_LOWER_UP: the link is up and what it hangs on carries. */
export function carrierOf(host: SimHost, link: SimLink): boolean {
  if (!link.up) return false
  if (link.kind.kind === 'veth') return link.below?.up ?? false
  if (link.below !== undefined && !carrierOf(host, link.below)) return false
  if (link.wire !== undefined && host.cut.has(link.wire)) return false
  if (link.kind.kind !== 'ipoib') return true
  const { pkey } = link.kind
  return pkeysOn(host, link).some((on) => samePartition(on, pkey))
}

/** MTU in effect: that of an IPoIB child is cut to the broadcast group's once it has joined. */
export function mtuOf(host: SimHost, link: SimLink): number {
  const { kind, below } = link
  if (kind.kind !== 'ipoib' || kind.mode !== 'datagram' || below === undefined) return link.mtu
  const group = below.mtu > IPOIB_MTU.datagram ? GROUP_MTU : below.mtu
  return carrierOf(host, link) ? Math.min(link.mtu, group) : link.mtu
}

/** How two links stand to each other on layer 2. */
export type Hearing = 'hears' | 'other-partition' | 'apart'

/** Whether frames of `a` come to `b`; both are thought to have a carrier. */
export function hearing(host: SimHost, a: SimLink, b: SimLink): Hearing {
  if (a === b) return 'apart'
  if (a.kind.kind === 'veth' || b.kind.kind === 'veth') return a.below === b ? 'hears' : 'apart'
  const roots = [a.below ?? a, b.below ?? b] as const
  const wired = roots[0].wire !== undefined && roots[0].wire === roots[1].wire
  if (a.arpType !== b.arpType || (roots[0] !== roots[1] && !wired)) return 'apart'
  if (a.kind.kind === 'ipoib' && b.kind.kind === 'ipoib') {
    return inOnePartition(host, a, b) ? 'hears' : 'other-partition'
  }
  return roots[0] !== roots[1] || bothInBridgeMode(a, b) ? 'hears' : 'apart'
}

/** Same partition, and not both limited members of it. */
function inOnePartition(host: SimHost, a: SimLink, b: SimLink): boolean {
  if (a.kind.kind !== 'ipoib' || b.kind.kind !== 'ipoib') return false
  const { pkey } = a.kind
  if (!samePartition(pkey, b.kind.pkey)) return false
  return [a, b].some((link) =>
    pkeysOn(host, link).some((on) => samePartition(on, pkey) && (on & FULL_MEMBER) !== 0))
}

/** Children of one parent hear each other in bridge mode alone, and never the parent. */
function bothInBridgeMode(a: SimLink, b: SimLink): boolean {
  return [a, b].every(({ kind }) => kind.kind === 'macvlan' && kind.mode === 'bridge')
}

export function everyLink(host: SimHost): SimLink[] {
  return [...host.netns.values()].flatMap((netns) => netns.links)
}

/** Links with a carrier that stand to `link` in the way asked for. */
export function neighboursOf(host: SimHost, link: SimLink, how: Hearing = 'hears'): SimLink[] {
  return everyLink(host).filter(
    (other) => hearing(host, link, other) === how && carrierOf(host, other))
}

/** Links that hang on `link`: its children and, for a veth, its peer. */
export function dependants(host: SimHost, link: SimLink): SimLink[] {
  return everyLink(host).filter((other) => other.below === link)
}

/** True when another link that `link` hears has the address: duplicate detection would see it. */
export function isTaken(host: SimHost, link: SimLink, ip: Ip): boolean {
  return everyLink(host).some(
    (other) =>
      hearing(host, link, other) === 'hears' &&
      other.up &&
      other.addresses.some(({ cidr }) => cidr.startsWith(`${ip}/`)))
}

/** Name of the link, with what it hangs on where that is in the same namespace: `c1@ib0`. */
export function printedName(link: SimLink): IfName | string {
  const { below, kind } = link
  if (below === undefined || !(isIpoibChild(link) || ['veth', 'macvlan'].includes(kind.kind))) {
    return link.name
  }
  return `${link.name}@${below.netns === link.netns ? below.name : `if${below.index}`}`
}
