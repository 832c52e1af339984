/**
 * Links of the host that pods share: VLANs and bonds, made by whoever comes first.
 *
 * Spec: Linux net/8021q/vlan.c, drivers/net/bonding/bond_main.c.
 * @module
 */
import type { IfName } from '#values/if-name.ts'
import type { SharedSpec } from '#values/link.ts'
import type { ShareLink } from '#values/lent-link.ts'
import { type Refusal, refusal } from './errno.ts'
import { ETHERNET, ETHERNET_MTU } from './ethernet.ts'
import { linkNamed, netnsAt } from './find.ts'
import type { SimHost, SimLink, SimNetns } from './host.ts'
import { setLink } from './links.ts'
import { plugIn } from './make-link.ts'
import { vlanShape } from './stacked-link.ts'
import type { Effect, View } from './view.ts'

type Place = { readonly host: SimHost; readonly home: SimNetns }

/** Parent or ports, the link itself, and up; each where it is not so yet. */
export function shareEffects({ host, own }: View, { name, spec }: ShareLink): Effect[] {
  const place = { host, home: netnsAt(host, 'host', own) }
  const first: Effect[] = []
  if (spec.kind === 'vlan') {
    first.push({ effect: 'parent up', run: () => bringUp(place, spec.parent) })
  }
  const ports: Effect[] =
    spec.kind === 'bond'
      ? spec.ports.map((port) => ({
          effect: `port ${port}`,
          run: () => enslave(place, name, port),
        }))
      : []
  return [
    ...first,
    { effect: 'make', run: () => make(place, name, spec) },
    ...ports,
    { effect: 'up', run: () => bringUp(place, name) },
  ]
}

function make({ host, home }: Place, name: IfName, spec: SharedSpec): Refusal | undefined {
  const there = linkNamed(home, name)
  if (there !== undefined) {
    const same = there.kind.kind === spec.kind && (spec.kind === 'bond' || isVlan(there, spec.id))
    return same ? undefined : refusal('EEXIST')
  }
  if (spec.kind === 'bond') {
    const kind = { kind: 'bond', mode: spec.mode } as const
    const shape = { kind, below: undefined, mtu: ETHERNET_MTU.usual, arpType: ETHERNET }
    plugIn(host, home, { ...shape, address: undefined, name, group: 0 })
    return undefined
  }
  const step = { mtu: undefined, address: undefined, spec }
  const shape = vlanShape({ host, step, own: home, at: home }, spec)
  if ('errno' in shape) return shape
  plugIn(host, home, { ...shape, name, group: 0 })
  return undefined
}

function isVlan({ kind }: SimLink, id: number): boolean {
  return kind.kind === 'vlan' && kind.id === id
}

/** The first port gives a bond its address; a bond's is that of all its ports then. */
function enslave({ host, home }: Place, name: IfName, port: IfName): Refusal | undefined {
  const [bond, link] = [linkNamed(home, name), linkNamed(home, port)]
  if (bond === undefined || link === undefined) return refusal('ENODEV')
  if (link.master === bond) return undefined
  if (link.arpType !== ETHERNET) return refusal('EINVAL')
  const isFirst = !home.links.some((other) => other.master === bond)
  if (isFirst) bond.address = link.address
  link.up = false
  link.address = bond.address
  link.master = bond
  return setLink(host, link, { up: true })
}

function bringUp({ host, home }: Place, name: IfName): Refusal | undefined {
  const link = linkNamed(home, name)
  return link === undefined ? refusal('ENODEV') : setLink(host, link, { up: true })
}
