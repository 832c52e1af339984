/**
 * Links that hang on an Ethernet link of the same machine, with the kernel's rules
 * of who may be a parent: macvlan, ipvlan and vlan.
 *
 * Spec: Linux drivers/net/macvlan.c, ipvlan/ipvlan_main.c, net/8021q/vlan.c,
 * vlan_netlink.c. A link can have one receiver of its frames: that of its macvlans,
 * of its ipvlans, or of the bond or bridge that it is a port of.
 * @module
 */
import type { LinkSpec } from '#values/link.ts'
import type { CreateLink } from '#values/step.ts'
import { everyLink, linkNamed } from './find.ts'
import { type Refusal, refusal } from './errno.ts'
import { ETHERNET } from './ethernet.ts'
import type { SimHost, SimLink, SimNetns } from './host.ts'

/** 4095 is reserved. */
const MOST_VLANS = 4095

/** A link that is being made. */
export type Making = {
  readonly host: SimHost
  readonly step: Pick<CreateLink, 'mtu' | 'address' | 'spec'>
  /** The host's namespace, where parents are, and that in which the link is made. */
  readonly own: SimNetns
  readonly at: SimNetns
}
export type Shape = Pick<SimLink, 'kind' | 'below' | 'mtu' | 'address' | 'arpType'>
type Stacked = Extract<LinkSpec, { kind: 'macvlan' | 'ipvlan' | 'vlan' }>

function parentOf(
  { own, at }: Making,
  { parent, parentIn }: Pick<Stacked, 'parent' | 'parentIn'>,
): SimLink | undefined {
  return linkNamed(parentIn === 'pod' ? at : own, parent)
}

/** A macvlan: of a macvlan it is on the same lower link. */
export function macvlanShape(
  making: Making,
  spec: Extract<LinkSpec, { kind: 'macvlan' }>,
): Shape | Refusal {
  const { host, step } = making
  const named = parentOf(making, spec)
  if (named === undefined) return refusal('ENODEV')
  // The kernel puts a macvlan of a macvlan on the same lower device.
  const below = named.kind.kind === 'macvlan' ? (named.below ?? named) : named
  if (below.arpType !== ETHERNET) return refusal('EINVAL')
  if (isBusy(host, below, 'macvlan')) return refusal('EBUSY')
  const mtu = step.mtu ?? below.mtu
  if (mtu > below.mtu) return refusal('EINVAL')
  const others = everyLink(host).filter((l) => l.below === below && l.kind.kind === 'macvlan')
  const alone = others.some(({ kind }) => kind.kind === 'macvlan' && kind.mode === 'passthru')
  if (alone || (spec.mode === 'passthru' && others.length > 0)) return refusal('EINVAL')
  const address = spec.mode === 'passthru' ? below.address : step.address
  return { kind: { kind: 'macvlan', mode: spec.mode }, below, mtu, address, arpType: ETHERNET }
}

/** An ipvlan: it has its parent's address, and its mode is that of all its siblings. */
export function ipvlanShape(
  making: Making,
  spec: Extract<LinkSpec, { kind: 'ipvlan' }>,
): Shape | Refusal {
  const { host, step } = making
  const named = parentOf(making, spec)
  if (named === undefined) return refusal('ENODEV')
  const below = named.kind.kind === 'ipvlan' ? (named.below ?? named) : named
  if (below.arpType !== ETHERNET) {
    return refusal('EINVAL', 'Master is either lo or non-ether device')
  }
  if (isBusy(host, below, 'ipvlan')) return refusal('EBUSY', 'Device is already in use.')
  for (const other of everyLink(host)) {
    if (other.below === below && other.kind.kind === 'ipvlan') {
      other.kind = { kind: 'ipvlan', mode: spec.mode }
    }
  }
  const { address } = below
  const kind = { kind: 'ipvlan', mode: spec.mode } as const
  return { kind, below, mtu: step.mtu ?? below.mtu, address, arpType: ETHERNET }
}

/** A VLAN: each number once on a link, whatever the namespaces. */
export function vlanShape(
  making: Making,
  spec: Extract<LinkSpec, { kind: 'vlan' }>,
): Shape | Refusal {
  const { host, step } = making
  const below = parentOf(making, spec)
  if (below === undefined) return refusal('ENODEV')
  if (below.arpType !== ETHERNET) return refusal('EOPNOTSUPP', 'VLANs not supported on device')
  if (spec.id < 0 || spec.id >= MOST_VLANS) return refusal('ERANGE', 'Invalid VLAN id')
  const isThere = everyLink(host).some(
    ({ below: on, kind }) => on === below && kind.kind === 'vlan' && kind.id === spec.id,
  )
  if (isThere) return refusal('EEXIST', 'VLAN device already exists')
  const mtu = step.mtu ?? below.mtu
  if (mtu > below.mtu) return refusal('EINVAL')
  const kind = { kind: 'vlan', id: spec.id } as const
  return { kind, below, mtu, address: step.address ?? below.address, arpType: ETHERNET }
}

/** True when another receiver has the link's frames already. */
function isBusy(host: SimHost, below: SimLink, kind: 'macvlan' | 'ipvlan'): boolean {
  const rival = kind === 'macvlan' ? 'ipvlan' : 'macvlan'
  const rivals = everyLink(host).some((l) => l.below === below && l.kind.kind === rival)
  return rivals || below.master !== undefined
}
