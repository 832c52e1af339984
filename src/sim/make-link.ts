/**
 * Making links on a simulated host, with the kernel's rules of who may be a
 * parent of what.
 *
 * Spec: Linux drivers/net/veth.c, infiniband/ulp/ipoib/ipoib_netlink.c,
 * ipoib_vlan.c; net/core/rtnetlink.c.
 * @module
 */
import {
  type HardwareAddress,
  hardwareAddressFromBytes,
  hardwareAddressToBytes,
} from '#values/hardware-address.ts'
import type { LinkKind, LinkSpec } from '#values/link.ts'
import { makingGroup } from '#values/mark.ts'
import { asFullMember } from '#values/pkey.ts'
import type { CreateLink } from '#values/step.ts'
import { isIpoibChild, linkNamed, everyLink } from './find.ts'
import { IPOIB_MTU } from './carrier.ts'
import { type Refusal, refusal } from './errno.ts'
import { ETHERNET, ETHERNET_MTU, ethernetFault } from './ethernet.ts'
import type { SimHost, SimLink, SimNetns } from './host.ts'
import { type Making, type Shape, ipvlanShape, macvlanShape, vlanShape } from './stacked-link.ts'

const INFINIBAND = 32

/** Makes the link, both ends of a veth, in the group of what its owner makes; down. */
export function makeLink(making: Making & { readonly step: CreateLink }): SimLink | Refusal {
  const { host, step, own, at } = making
  if (linkNamed(at, step.temp) !== undefined) return refusal('EEXIST')
  const shape = shapeOf(making, step.spec)
  if ('errno' in shape) return shape
  const group = makingGroup(step.mark)
  if (step.spec.kind !== 'veth') return plugIn(host, at, { ...shape, name: step.temp, group })
  const { peer } = step.spec
  const fault = linkNamed(own, peer.name) === undefined ? ethernetFault(peer) : refusal('EEXIST')
  if (fault !== undefined) return fault
  const far = plugIn(host, own, { ...shape, ...peer, group })
  const near = plugIn(host, at, { ...shape, name: step.temp, below: far, group })
  far.below = near
  return near
}

/** Puts a new link into a namespace. */
export function plugIn(
  host: SimHost,
  netns: SimNetns,
  of: Shape & { readonly name: SimLink['name']; readonly group: number },
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
    master: undefined,
    promiscuous: false,
    allMulticast: false,
    altNames: [],
    group: of.group,
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
  if (spec.kind === 'ipvlan') return ipvlanShape(making, spec)
  if (spec.kind === 'vlan') return vlanShape(making, spec)
  const kind: LinkKind = { kind: 'veth' }
  return { kind, below: undefined, mtu: mtu ?? ETHERNET_MTU.usual, address, arpType: ETHERNET }
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
