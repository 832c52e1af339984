/**
 * Addresses and neighbours of simulated links, and the link-local address that
 * the kernel gives a link when it goes up.
 *
 * Spec: Linux net/ipv4/devinet.c, net/ipv6/addrconf.c; RFC 4291 appendix A;
 * RFC 4391 section 8 (interface identifier of IPoIB: the port GUID).
 * @module
 */
import { guidToBits } from '#values/guid.ts'
import { guidOfAddress, hardwareAddressToBytes } from '#values/hardware-address.ts'
import { type Cidr, cidrOf, cidrParts } from '#values/cidr.ts'
import { ipFromBits } from '#values/ip.ts'
import type { LinkAddress, Neighbour } from '#values/route.ts'
import { type Refusal, refusal } from './errno.ts'
import type { SimAddress, SimHost, SimLink } from './host.ts'
import { isTaken } from './segment.ts'
import { linkSysctl } from './sysctl.ts'

const LINK_LOCAL = 0xfe80n << 112n
const UNIVERSAL_BIT = 0x02n << 56n

/** Puts an address on a link, without duplicate detection. */
export function addAddress(link: SimLink, cidr: Cidr): Refusal | undefined {
  const { family } = cidrParts(cidr)
  if (family === 6 && linkSysctl(link, 'ipv6/disable_ipv6') === '1') {
    return refusal('EACCES', 'IPv6 is disabled on this device')
  }
  if (link.addresses.some((address) => sameAddress(address.cidr, cidr))) {
    return refusal(
      'EEXIST',
      family === 4 ? 'ipv4: Address already assigned' : 'address already assigned',
    )
  }
  link.addresses.push({ cidr, duplicate: false, connected: true })
  return undefined
}

/** Takes an address away; IPv4 routes that had it as their source go with it. */
export function removeAddress(link: SimLink, cidr: Cidr): void {
  if (!link.addresses.some((address) => address.cidr === cidr)) return
  link.addresses = link.addresses.filter((address) => address.cidr !== cidr)
  const { ip, family } = cidrParts(cidr)
  const { netns } = link
  const stays = netns.links.some((l) => l.addresses.some((a) => cidrParts(a.cidr).ip === ip))
  if (family === 4 && !stays) netns.routes = netns.routes.filter(({ route }) => route.src !== ip)
}

/** What the kernel does when a link goes up: its link-local address, as its mode says. */
export function addLinkLocal(host: SimHost, link: SimLink): void {
  const has = link.addresses.some(({ cidr }) => scopeOf(cidr) === 'link')
  const cidr = has || !link.up ? undefined : linkLocalOf(link)
  if (cidr === undefined) return
  const duplicate = isTaken(host, link, cidrParts(cidr).ip)
  link.addresses.push({ cidr, duplicate, connected: true })
}

/** The link-local address that the link has of itself; undefined where it gets none. */
export function linkLocalOf(link: SimLink): Cidr | undefined {
  if (linkSysctl(link, 'ipv6/disable_ipv6') === '1') return undefined
  // a port of a bond has no IPv6 of its own
  if (link.master?.kind.kind === 'bond') return undefined
  const identifier = identifierOf(link)
  return identifier === undefined ? undefined : cidrOf(ipFromBits(6, LINK_LOCAL | identifier), 64)
}

/** Lower 64 bits of the link-local address, if the mode makes one. */
function identifierOf(link: SimLink): bigint | undefined {
  if (link.address === undefined || link.arpType === 772 || link.addrGenMode === 'none') {
    return undefined
  }
  if (link.addrGenMode === 'random') return stableBits(`${link.netns.id} ${link.address}`)
  const guid = guidOfAddress(link.address)
  if (guid !== undefined) return guidToBits(guid) | UNIVERSAL_BIT
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = hardwareAddressToBytes(link.address)
  return [a ^ 2, b, c, 0xff, 0xfe, d, e, f].reduce((bits, byte) => (bits << 8n) | BigInt(byte), 0n)
}

/** 64 bits that look random and are the same for the same text (FNV-1a). */
function stableBits(text: string): bigint {
  let bits = 0xcbf29ce484222325n
  for (const char of text) {
    bits = BigInt.asUintN(64, (bits ^ BigInt(char.charCodeAt(0))) * 0x100000001b3n)
  }
  return bits
}

/** Scope that the kernel gives an address. */
export function scopeOf(cidr: Cidr): LinkAddress['scope'] {
  if (cidr.startsWith('fe80:')) return 'link'
  return cidr.startsWith('127.') || cidr === '::1/128' ? 'host' : 'global'
}

/** The address as a question answers it. */
export function observedAddress(link: SimLink, { cidr, duplicate }: SimAddress): LinkAddress {
  return { link: link.name, cidr, scope: scopeOf(cidr), duplicate, tentative: duplicate }
}

/** Sets or replaces an entry of the neighbour table. */
export function addNeighbour(link: SimLink, neighbour: Neighbour): void {
  removeNeighbour(link, neighbour)
  const { ip, address, permanent } = neighbour
  link.neighbours.push({ ip, address, permanent })
}

export function removeNeighbour(link: SimLink, { ip }: Neighbour): void {
  link.neighbours = link.neighbours.filter((entry) => entry.ip !== ip)
}

/** IPv6 tells addresses apart by the address alone, IPv4 by the prefix too. */
function sameAddress(a: Cidr, b: Cidr): boolean {
  const [one, two] = [cidrParts(a), cidrParts(b)]
  return one.ip === two.ip && (one.family === 6 || one.prefix === two.prefix)
}
