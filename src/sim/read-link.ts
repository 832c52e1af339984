/**
 * Reads one link of a world, with the defaults of its kind.
 * @module
 */
import { BOND_MODES } from '#values/bond.ts'
import { hardwareAddressFromBytes, parseHardwareAddress } from '#values/hardware-address.ts'
import { parseIfName } from '#values/if-name.ts'
import type { LinkKind } from '#values/link.ts'
import { parsePciAddress } from '#values/pci-address.ts'
import { type Pkey, parsePkey, pkeyFromBits } from '#values/pkey.ts'
import { fail } from './failures.ts'
import type { SimHost, SimLink, SimNetns } from './host.ts'
import { freeIndex } from './make-link.ts'
import type { WorldLink } from './world.ts'

const ARP = { ethernet: 1, infiniband: 32, loopback: 772 } as const
/** Bytes, by the ARPHRD number. */
const USUAL_MTU = { 1: 1500, 32: 2044, 772: 65536 } as const
const IPOIB_MODES = ['datagram', 'connected'] as const
const MACVLAN_MODES = ['private', 'vepa', 'bridge', 'passthru'] as const
const IPVLAN_MODES = ['l2', 'l3', 'l3s'] as const
const ZERO = '00:00:00:00:00:00'

/** The link by itself: whom it hangs on and what is on it come later. */
export function readLink(
  host: SimHost,
  netns: SimNetns,
  of: { from: WorldLink; wire: string | undefined },
): SimLink {
  const { from } = of
  const kind = readKind(from)
  const arpType =
    from.kind === 'loopback' ? ARP.loopback : kind.kind === 'ipoib' ? ARP.infiniband : ARP.ethernet
  const index = from.index ?? freeIndex(netns)
  if (netns.links.some((link) => link.index === index)) {
    throw fail('sim-world-invalid', { of: from.name, reason: `index ${index} is taken` })
  }
  const text = from.address ?? (arpType === ARP.loopback ? ZERO : addressFor(host, arpType))
  return {
    index,
    name: parseIfName(from.name),
    kind,
    arpType,
    up: from.up ?? false,
    mtu: from.mtu ?? USUAL_MTU[arpType],
    address: parseHardwareAddress(text),
    below: undefined,
    master: undefined,
    promiscuous: from.promiscuous ?? false,
    allMulticast: from.allMulticast ?? false,
    altNames: from.altNames ?? [],
    group: from.group ?? 0,
    alias: from.alias,
    pci: from.pci === undefined ? undefined : parsePciAddress(from.pci),
    driver: from.driver,
    wire: of.wire,
    txQueueLength: from.txQueueLength ?? (arpType === ARP.infiniband ? 256 : 1000),
    addrGenMode: from.addrGenMode ?? 'eui64',
    netns,
    addresses: [],
    neighbours: [],
    sysctl: new Map(),
  }
}

/** A P_Key as a number or as its text. */
export function readPkey(pkey: string | number): Pkey {
  return typeof pkey === 'number' ? pkeyFromBits(pkey) : parsePkey(pkey)
}

function readKind({ name, kind = 'physical', mode, pkey, vlanId }: WorldLink): LinkKind {
  const bad = (reason: string): never => {
    throw fail('sim-world-invalid', { of: name, reason })
  }
  switch (kind) {
    case 'physical':
    case 'loopback':
      return { kind: 'physical' }
    case 'ipoib': {
      const ours = IPOIB_MODES.find((one) => one === (mode ?? 'datagram'))
      if (ours === undefined) return bad(`mode ${mode} is not IPoIB's`)
      return { kind: 'ipoib', pkey: readPkey(pkey ?? 0xffff), mode: ours, umcast: false }
    }
    case 'macvlan': {
      const ours = MACVLAN_MODES.find((one) => one === (mode ?? 'bridge'))
      return ours === undefined ? bad(`mode ${mode} is not macvlan's`) : { kind, mode: ours }
    }
    case 'ipvlan': {
      const ours = IPVLAN_MODES.find((one) => one === (mode ?? 'l2'))
      return ours === undefined ? bad(`mode ${mode} is not ipvlan's`) : { kind, mode: ours }
    }
    case 'bond': {
      const ours = BOND_MODES.find((one) => one === (mode ?? BOND_MODES[0]))
      return ours === undefined ? bad(`mode ${mode} is not a bond's`) : { kind, mode: ours }
    }
    case 'vlan': {
      const id = vlanId ?? Number(/\.(\d+)$/.exec(name)?.[1])
      return Number.isInteger(id) ? { kind, id } : bad('a VLAN needs its vlanId')
    }
    case 'veth':
    case 'bridge':
      return { kind }
    default:
      return { kind: 'other', name: kind }
  }
}

/** An address for a link whose world names none. */
function addressFor(host: SimHost, arpType: 1 | 32): string {
  const number = ++host.last.address
  const low = [(number >>> 16) & 255, (number >>> 8) & 255, number & 255]
  if (arpType === ARP.ethernet) return hardwareAddressFromBytes(Uint8Array.of(2, 0x5c, 0, ...low))
  const queuePair = ++host.last.queuePair
  const head = [0x80, queuePair >>> 16, (queuePair >>> 8) & 255, queuePair & 255]
  const prefix = [0xfe, 0x80, 0, 0, 0, 0, 0, 0]
  return hardwareAddressFromBytes(Uint8Array.of(...head, ...prefix, 2, 0x5c, 0, 0, 0, ...low))
}
