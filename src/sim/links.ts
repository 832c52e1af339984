/**
 * What can be done to a simulated link once it is there: moved, renamed, set,
 * brought up, deleted; and what becomes of links whose namespace goes.
 *
 * Spec: Linux net/core/dev.c, net/core/net_namespace.c, drivers/net/macvlan.c,
 * drivers/infiniband/ulp/ipoib.
 * @module
 */
import { type IfName, parseIfName } from '#values/if-name.ts'
import type { SetLink } from '#values/step.ts'
import { isIpoibChild, linkNamed, netnsAt, dependants, everyLink } from './find.ts'
import { IPOIB_MTU } from './carrier.ts'
import { addLinkLocal } from './addresses.ts'
import { type Refusal, refusal } from './errno.ts'
import { ethernetFault, ethernetMtuFault } from './ethernet.ts'
import { INITIAL, type SimHost, type SimLink, type SimNetns } from './host.ts'
import { freeIndex } from './make-link.ts'
import { confParts, linkSysctl, writeSysctl } from './sysctl.ts'

const LOOPBACK = 772

/** True while the link exists somewhere. */
export function isAlive(link: SimLink): boolean {
  return link.netns.links.includes(link)
}

/**
 * Moves a link: it goes down and loses its addresses, routes and neighbours.
 * With `as` it has that name there from the first moment, with `index` that index
 * if nobody has it.
 */
export function moveLink(
  host: SimHost,
  link: SimLink,
  to: SimNetns,
  { as = link.name, index = link.index }: { as?: IfName; index?: number } = {},
): Refusal | undefined {
  if (linkNamed(to, as) !== undefined) return refusal('EEXIST')
  strip(host, link)
  unlist(link)
  link.name = as
  link.master = undefined
  link.index = to.links.some((other) => other.index === index) ? freeIndex(to) : index
  link.netns = to
  link.sysctl = defaultsOf(to)
  to.links.push(link)
  to.links.sort((a, b) => a.index - b.index)
  return undefined
}

/** Settings per link that a link takes over when it comes into a namespace. */
function defaultsOf({ sysctl }: SimNetns): Map<string, string> {
  const given = [...sysctl].flatMap(([path, value]): [string, string][] => {
    const parts = confParts(path)
    return parts?.name === 'default' ? [[parts.key, value]] : []
  })
  return new Map(given)
}

/** Kernels before 6.2 rename only what is down; so does this one. */
export function renameLink(link: SimLink, to: IfName): Refusal | undefined {
  if (link.name === to) return undefined
  if (link.up) return refusal('EBUSY')
  if (linkNamed(link.netns, to) !== undefined) return refusal('EEXIST')
  link.name = to
  return undefined
}

/** Deletes a link with what hangs on it, wherever that is. */
export function deleteLink(host: SimHost, link: SimLink): void {
  if (!isAlive(link)) return
  unlist(link)
  for (const other of dependants(host, link)) deleteLink(host, other)
}

/** One setting of a link. */
export function setLink(host: SimHost, link: SimLink, set: SetLink['set']): Refusal | undefined {
  if (set.mtu !== undefined) {
    const fault = mtuFault(link, set.mtu)
    if (fault !== undefined) return fault
    link.mtu = set.mtu
  }
  if (set.addrGenMode !== undefined) link.addrGenMode = set.addrGenMode
  if (set.txQueueLength !== undefined) link.txQueueLength = set.txQueueLength
  if (set.promiscuous !== undefined) link.promiscuous = set.promiscuous
  if (set.allMulticast !== undefined) link.allMulticast = set.allMulticast
  if (set.address !== undefined) {
    // the kernel makes an IPoIB address
    if (link.arpType === 32) return refusal('EOPNOTSUPP')
    const fault = ethernetFault({ address: set.address, mtu: undefined })
    if (fault !== undefined) return fault
    link.address = set.address
  }
  return set.up === true ? bringUp(host, link) : undefined
}

function bringUp(host: SimHost, link: SimLink): Refusal | undefined {
  if (link.up) return undefined
  const twin = everyLink(host).some(
    (other) =>
      link.kind.kind === 'macvlan' &&
      link.kind.mode !== 'passthru' &&
      other !== link &&
      other.up &&
      other.address === link.address &&
      (other.below === link.below || other === link.below),
  )
  if (twin) return refusal('EADDRINUSE')
  link.up = true
  addLinkLocal(host, link)
  return undefined
}

function mtuFault(link: SimLink, mtu: number): Refusal | undefined {
  const { kind, below } = link
  if (kind.kind === 'ipoib') {
    if (mtu < IPOIB_MTU.least) return refusal('EINVAL', 'mtu less than device minimum')
    return mtu > IPOIB_MTU[kind.mode] ? refusal('EINVAL') : undefined
  }
  if (link.arpType === LOOPBACK) return undefined
  const capped = kind.kind === 'macvlan' || kind.kind === 'vlan'
  const tooBig = capped && below !== undefined && mtu > below.mtu
  const errno = kind.kind === 'vlan' ? 'ERANGE' : 'EINVAL'
  return ethernetMtuFault(mtu) ?? (tooBig ? refusal(errno) : undefined)
}

/** Writes a sysctl with what follows for IPv6 addresses. */
export function setSysctl(
  host: SimHost,
  netns: SimNetns,
  { path, value }: { path: string; value: string },
): Refusal | undefined {
  const fault = writeSysctl(netns, path, value)
  if (fault !== undefined || confParts(path)?.key !== 'ipv6/disable_ipv6') return fault
  for (const link of netns.links) {
    if (linkSysctl(link, 'ipv6/disable_ipv6') !== '1') addLinkLocal(host, link)
    else stripIpv6(link)
  }
  return undefined
}

/**
 * A namespace goes: virtual Ethernet links are destroyed, physical links and
 * IPoIB children come back to the initial namespace, down, under their name
 * (or `dev%d` where that is taken), with alias and group.
 */
export function removeNetns(host: SimHost, name: string): void {
  const netns = host.netns.get(name)
  if (netns === undefined || name === INITIAL) return
  const home = netnsAt(host, 'host')
  for (const link of [...netns.links]) {
    if (!isAlive(link)) continue
    if (link.kind.kind !== 'physical' && link.kind.kind !== 'ipoib') {
      deleteLink(host, link)
    } else if (link.arpType !== 772) {
      if (linkNamed(home, link.name) !== undefined) link.name = freeName(home)
      moveLink(host, link, home)
    }
  }
  host.netns.delete(name)
}

function freeName(netns: SimNetns): IfName {
  for (let number = 0; ; number++) {
    const name = parseIfName(`dev${number}`)
    if (linkNamed(netns, name) === undefined) return name
  }
}

/** What a link loses when it leaves its namespace; children of a parent lose their UP flag. */
function strip(host: SimHost, link: SimLink): void {
  link.up = false
  link.addresses = []
  link.neighbours = []
  for (const other of dependants(host, link)) other.up = other.up && !isIpoibChild(other)
}

function stripIpv6(link: SimLink): void {
  link.addresses = link.addresses.filter(({ cidr }) => !cidr.includes(':'))
  const { netns } = link
  netns.routes = netns.routes.filter((r) => r.link !== link || !r.route.dst.includes(':'))
}

function unlist(link: SimLink): void {
  const { netns } = link
  netns.links = netns.links.filter((other) => other !== link)
  netns.routes = netns.routes.filter((route) => route.link !== link)
}
