/**
 * Who has a carrier: a link that is up, over a wire that is not cut and, on
 * IPoIB, with its P_Key on the port; and the MTU that follows.
 *
 * Spec: Linux drivers/infiniband/ulp/ipoib/ipoib_main.c, ipoib_multicast.c.
 * @module
 */
import { type Pkey, pkeyFromBits, samePartition } from '#values/pkey.ts'
import type { SimHost, SimLink, SimRdmaDevice } from './host.ts'

const DEFAULT_PKEY = pkeyFromBits(0xffff)
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
  if (link.kind.kind === 'bond') {
    return link.netns.links.some((port) => port.master === link && carrierOf(host, port))
  }
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
