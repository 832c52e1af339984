/**
 * Making links on a simulated host, with the kernel's rules of who may be a
 * parent of what.
 *
 * Spec: Linux drivers/net/macvlan.c, veth.c, infiniband/ulp/ipoib/ipoib_netlink.c,
 * ipoib_vlan.c; net/core/rtnetlink.c.
 * @module
 */
import {
  type HardwareAddress,
  hardwareAddressFromBytes,
  hardwareAddressToBytes,
} from '#values/hardware-address.ts'
import type { LinkKind, LinkSpec } from '#values/link.ts'
import { VERBENA_GROUP } from '#values/mark.ts'
import { asFullMember } from '#values/pkey.ts'
import type { CreateLink } from '#values/step.ts'
import { isIpoibChild, linkNamed, everyLink } from './find.ts'
import { IPOIB_MTU } from './carrier.ts'
import { type Refusal, refusal } from './errno.ts'
import type { SimHost, SimLink, SimNetns } from './host.ts'

const ETHERNET = 1
const INFINIBAND = 32
const ETHERNET_MTU = { usual: 1500, least: 68, most: 65535 } as const
const MULTICAST_BIT = 1

type Making = {
  readonly host: SimHost
  readonly step: CreateLink
  /** The host's namespace, where parents are, and that in which the link is made. */
  readonly own: SimNetns
  readonly at: SimNetns
}
type Shape = Pick<SimLink, 'kind' | 'below' | 'mtu' | 'address' | 'arpType'>

/** Makes the link under its temporary name, in our group, down. */
export function makeLink(making: Making): SimLink | Refusal {
  const { host, step, own, at } = making
  if (linkNamed(at, step.temp) !== undefined) return refusal('EEXIST')
  const shape = shapeOf(making, step.spec)
  if ('errno' in shape) return shape
  if (step.spec.kind !== 'veth') return plugIn(host, at, { ...shape, name: step.temp })
  const { peer } = step.spec
  const fault = linkNamed(own, peer.name) === undefined ? ethernetFault(peer) : refusal('EEXIST')
  if (fault !== undefined) return fault
  const far = plugIn(host, own, { ...shape, ...peer })
  const near = plugIn(host, at, { ...shape, name: step.temp, below: far })
  far.below = near
  return near
}

/** Puts a new link into a namespace. */
function plugIn(
  host: SimHost,
  netns: SimNetns,
  of: Shape & { readonly name: SimLink['name'] },
): SimLink {
  const link: SimLink = {
    index: freeIndex(netns),
    name: of.name,
    kind: of.kind,
    arpType: of.arpType,
    up: false,
    mtu: of.mtu,
    address: of.address ?? freshAddress(host),
    below: of.below,
    group: VERBENA_GROUP,
    alias: undefined,
    pci: undefined,
    driver: undefined,
    wire: undefined,
    txQueueLength: of.arpType === INFINIBAND ? 256 : 1000,
    addrGenMode: 'eui64',
    netns,
    addresses: [],
    neighbours: [],
    sysctl: new Map(),
  }
  netns.links.push(link)
  return link
}

/** An index that is higher than any in the namespace. */
export function freeIndex(netns: SimNetns): number {
  return Math.max(0, ...netns.links.map((link) => link.index)) + 1
}

function shapeOf(making: Making, spec: LinkSpec): Shape | Refusal {
  const { address, mtu } = making.step
  if (spec.kind === 'ipoib') return ipoibShape(making, spec)
  const fault = ethernetFault({ address, mtu })
  if (fault !== undefined) return fault
  if (spec.kind === 'macvlan') return macvlanShape(making, spec)
  const kind: LinkKind = { kind: 'veth' }
  return { kind, below: undefined, mtu: mtu ?? ETHERNET_MTU.usual, address, arpType: ETHERNET }
}

function macvlanShape(
  { host, own, step }: Making,
  spec: Extract<LinkSpec, { kind: 'macvlan' }>,
): Shape | Refusal {
  const named = linkNamed(own, spec.parent)
  if (named === undefined) return refusal('ENODEV')
  // The kernel puts a macvlan of a macvlan on the same lower device.
  const below = named.kind.kind === 'macvlan' ? (named.below ?? named) : named
  if (below.arpType !== ETHERNET) return refusal('EINVAL')
  const mtu = step.mtu ?? below.mtu
  if (mtu > below.mtu) return refusal('EINVAL')
  const others = everyLink(host).filter((l) => l.below === below && l.kind.kind === 'macvlan')
  const alone = others.some(({ kind }) => kind.kind === 'macvlan' && kind.mode === 'passthru')
  if (alone || (spec.mode === 'passthru' && others.length > 0)) return refusal('EINVAL')
  const address = spec.mode === 'passthru' ? below.address : step.address
  return { kind: { kind: 'macvlan', mode: spec.mode }, below, mtu, address, arpType: ETHERNET }
}

function ipoibShape(
  { host, own, at, step }: Making,
  spec: Extract<LinkSpec, { kind: 'ipoib' }>,
): Shape | Refusal {
  const below = linkNamed(own, spec.parent)
  if (below === undefined || below.kind.kind !== 'ipoib') return refusal('ENODEV')
  if (isIpoibChild(below)) return refusal('EINVAL')
  const enhanced = below.driver === 'mlx5_core'
  // Its enhanced mode looks the parent's index up in the child's own namespace.
  if (enhanced && at !== below.netns) return refusal('ENODEV')
  const pkey = spec.pkey ?? below.kind.pkey
  if ((pkey & 0x7fff) === 0) return refusal('EINVAL')
  const mode = spec.mode ?? 'datagram'
  if (mode === 'connected' && enhanced) return refusal('EINVAL')
  const address = ipoibAddress(host, below, step.address)
  if (address === undefined) return refusal('EINVAL')
  const kind: LinkKind = {
    kind: 'ipoib',
    pkey: asFullMember(pkey),
    mode,
    umcast: spec.umcast ?? false,
  }
  return { kind, below, mtu: IPOIB_MTU[mode], address, arpType: INFINIBAND }
}

/** Fresh queue pair, the parent's subnet prefix, and the GUID asked for or the parent's. */
function ipoibAddress(
  host: SimHost,
  below: SimLink,
  asked: HardwareAddress | undefined,
): HardwareAddress | undefined {
  const own = below.address === undefined ? undefined : hardwareAddressToBytes(below.address)
  const guid = asked === undefined ? own : hardwareAddressToBytes(asked)
  if (own?.length !== 20 || guid?.length !== 20) return undefined
  const number = ++host.last.queuePair
  const head = [own[0] ?? 0, number >>> 16, (number >>> 8) & 255, number & 255]
  return hardwareAddressFromBytes(
    Uint8Array.from([...head, ...own.subarray(4, 12), ...guid.subarray(12)]),
  )
}

/** A locally administered address that no link has. */
function freshAddress(host: SimHost): HardwareAddress {
  for (;;) {
    const number = ++host.last.address
    const address = hardwareAddressFromBytes(
      Uint8Array.of(0x02, 0x5b, 0, (number >>> 16) & 255, (number >>> 8) & 255, number & 255),
    )
    if (!everyLink(host).some((link) => link.address === address)) return address
  }
}

function ethernetFault(of: {
  readonly address: HardwareAddress | undefined
  readonly mtu: number | undefined
}): Refusal | undefined {
  if (of.address !== undefined) {
    const bytes = hardwareAddressToBytes(of.address)
    if (bytes.length !== 6) return refusal('EINVAL')
    const unicast = ((bytes[0] ?? 0) & MULTICAST_BIT) === 0 && bytes.some((byte) => byte !== 0)
    if (!unicast) return refusal('EADDRNOTAVAIL')
  }
  return of.mtu === undefined ? undefined : ethernetMtuFault(of.mtu)
}

/** Limits of an Ethernet link's MTU, in bytes, with the kernel's words. */
export function ethernetMtuFault(mtu: number): Refusal | undefined {
  if (mtu < ETHERNET_MTU.least) return refusal('EINVAL', 'mtu less than device minimum')
  return mtu > ETHERNET_MTU.most ? refusal('EINVAL', 'mtu greater than device maximum') : undefined
}
