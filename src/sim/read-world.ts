/**
 * Builds a simulated host from a world: first the namespaces with their links,
 * then what links say of each other, then addresses, routes and the rest.
 * @module
 */
import { type HardwareAddress, parseHardwareAddress } from '#values/hardware-address.ts'
import { parseGuid } from '#values/guid.ts'
import { parseIfName } from '#values/if-name.ts'
import { type Cidr, parseCidr } from '#values/cidr.ts'
import { parseIp } from '#values/ip.ts'
import { parsePciAddress } from '#values/pci-address.ts'
import { MAIN_TABLE, type Route } from '#values/route.ts'
import { linkNamed } from './find.ts'
import { addLinkLocal } from './addresses.ts'
import { fail } from './failures.ts'
import { INITIAL, type SimHost, type SimLink, type SimNetns } from './host.ts'
import { readLink, readPkey } from './read-link.ts'
import { addRule, DEFAULT_RULES } from './rules.ts'
import { linkSysctl, writeSysctl } from './sysctl.ts'
import type { SimWorld, WorldLink, WorldNetns, WorldRoute, WorldRule } from './world.ts'

const BOOT = 3 // RTPROT_BOOT
const FIRST_INODE = 4026531840
const WIRE = { ipoib: 'fabric', ethernet: 'lan' } as const

/**
 * A host as the world says. `host` has its loopback up, others have theirs down.
 * @throws {Failure} `sim-world-invalid`, or what the parser of a value throws
 */
export function simHost(world: SimWorld): SimHost {
  const host: SimHost = {
    sim: 'host',
    netns: new Map(),
    rdma: { mode: world.rdma?.mode ?? 'shared', devices: devicesOf(world) },
    cut: new Set(Object.entries(world.wires ?? {}).flatMap(([name, w]) => (w.cut ? [name] : []))),
    files: new Map(Object.entries(world.files ?? {})),
    objects: world.objects ?? [],
    last: { queuePair: 0x47, address: 0, inode: FIRST_INODE },
  }
  addNetns(host, INITIAL, world)
  for (const name of Object.keys(world.netns)) if (name !== INITIAL) addNetns(host, name, world)
  const each = [...host.netns.values()].flatMap((netns) =>
    (world.netns[netns.name]?.links ?? []).map((from) => ({ netns, from })),
  )
  for (const { netns, from } of each) joinBelow(host, named(netns, from), from)
  for (const { netns, from } of each) fillLink(host, named(netns, from), from)
  for (const netns of host.netns.values()) fillNetns(netns, world.netns[netns.name] ?? {})
  // Duplicates are seen, so that what the kernel would give by itself comes last.
  for (const netns of host.netns.values()) for (const link of netns.links) addLinkLocal(host, link)
  return host
}

/**
 * A fresh namespace; nothing in it but its loopback, unless the world says more.
 * @throws {Failure} `sim-world-invalid`: the name is taken
 */
export function addNetns(host: SimHost, name: string, world: SimWorld = { netns: {} }): SimNetns {
  if (host.netns.has(name)) {
    throw fail('sim-world-invalid', { of: name, reason: 'there is a namespace of that name' })
  }
  const netns: SimNetns = {
    name,
    id: world.netns[name]?.id ?? freeId(host),
    links: [],
    routes: [],
    rules: [...DEFAULT_RULES],
    sysctl: new Map(),
    tables: new Map(),
  }
  host.netns.set(name, netns)
  const links = world.netns[name]?.links ?? []
  const lo: WorldLink = {
    name: 'lo',
    kind: 'loopback',
    index: 1,
    mtu: 65536,
    up: name === INITIAL,
    addresses: name === INITIAL ? ['127.0.0.1/8', '::1/128'] : [],
  }
  const all = links.some((link) => link.name === 'lo') ? links : [lo, ...links]
  for (const from of all) {
    if (linkNamed(netns, parseIfName(from.name)) !== undefined) {
      const reason = `${from.name} is named twice`
      throw fail('sim-world-invalid', { of: `${name}/${from.name}`, reason })
    }
    netns.links.push(readLink(host, netns, { from, wire: wireOf(world, name, from) }))
  }
  const made = netns.links.find((link) => link.name === 'lo')
  if (made !== undefined && links !== all) fillLink(host, made, lo)
  return netns
}

function freeId(host: SimHost): string {
  for (;;) {
    const id = `4:${++host.last.inode}`
    if (![...host.netns.values()].some((netns) => netns.id === id)) return id
  }
}

/** The wire that a physical link hangs on. */
function wireOf(world: SimWorld, netns: string, { name, kind, parent }: WorldLink) {
  const physical = kind === undefined || kind === 'physical' || kind === 'ipoib'
  if (!physical || parent !== undefined) return undefined
  const ids = [`${netns}/${name}`, ...(netns === INITIAL ? [name] : [])]
  for (const [wire, { links }] of Object.entries(world.wires ?? {})) {
    if (ids.some((id) => links.includes(id))) return wire
  }
  return kind === 'ipoib' ? WIRE.ipoib : WIRE.ethernet
}

function named(netns: SimNetns, { name }: WorldLink): SimLink {
  const found = linkNamed(netns, parseIfName(name))
  if (found === undefined) throw fail('sim-world-invalid', { of: name, reason: 'no such link' })
  return found
}

/** Finds the parent or the peer: `NETNS/LINK`, or a link here, or one in `host`. */
function joinBelow(host: SimHost, link: SimLink, { parent, master }: WorldLink): void {
  if (master !== undefined) link.master = named(link.netns, { name: master })
  if (parent === undefined) return
  const slash = parent.lastIndexOf('/')
  const name = parseIfName(parent.slice(slash + 1))
  const places =
    slash < 0 ? [link.netns, host.netns.get(INITIAL)] : [host.netns.get(parent.slice(0, slash))]
  const below = places
    .flatMap((n) => (n === undefined ? [] : (linkNamed(n, name) ?? [])))
    .find((other) => other !== link)
  if (below === undefined) {
    throw fail('sim-world-invalid', { of: link.name, reason: `there is no parent ${parent}` })
  }
  link.below = below
  if (link.kind.kind === 'veth') below.below = link
}

function fillLink(host: SimHost, link: SimLink, from: WorldLink): void {
  link.addresses = (from.addresses ?? []).map((address) => {
    const { cidr, duplicate, noPrefixRoute } =
      typeof address === 'string' ? { cidr: address } : address
    return {
      cidr: parseCidr(cidr),
      duplicate: duplicate ?? from.duplicates?.includes(cidr) ?? false,
      connected: noPrefixRoute !== true && from.withoutPrefixRoute?.includes(cidr) !== true,
    }
  })
  link.neighbours = (from.neighbours ?? []).map(({ ip, address, permanent }) => ({
    ip: parseIp(ip),
    address: optional(address, parseHardwareAddress),
    permanent: permanent ?? false,
  }))
  if (link.arpType === 32 && link.address !== undefined) countQueuePair(host, link.address)
  for (const route of from.routes ?? []) {
    const at = route.dev === undefined ? link : named(link.netns, { name: route.dev })
    link.netns.routes.push({ link: at, route: readRoute(at, route) })
  }
}

/** Queue pair numbers of the world are not given again. */
function countQueuePair(host: SimHost, address: HardwareAddress): void {
  const number = Number.parseInt(address.slice(3, 11).replaceAll(':', ''), 16)
  host.last.queuePair = Math.max(host.last.queuePair, number)
}

function readRoute(link: SimLink, from: WorldRoute): Route {
  const dst = from.dst === 'default' ? (from.via?.includes(':') ? '::/0' : '0.0.0.0/0') : from.dst
  const v6 = dst.includes(':')
  return {
    dst: destinationOf(dst),
    via: optional(from.via, parseIp),
    dev: link.name,
    table: from.table ?? MAIN_TABLE,
    scope: from.scope ?? (from.via === undefined && !v6 ? 'link' : 'global'),
    src: optional(from.src, parseIp),
    priority: from.priority ?? (v6 ? 1024 : undefined),
    onlink: from.onlink ?? false,
    protocol: from.protocol ?? BOOT,
  }
}

/** An address alone is one host, as ip(8) shows it. */
function destinationOf(text: string): Cidr {
  return parseCidr(text.includes('/') ? text : `${text}/${text.includes(':') ? 128 : 32}`)
}

function fillNetns(netns: SimNetns, from: WorldNetns): void {
  for (const rule of from.rules ?? []) addRule(netns, readRule(rule))
  for (const table of from.nftables ?? []) netns.tables.set(table.name, table)
  for (const [path, value] of Object.entries(from.sysctl ?? {})) {
    // A path that is not among the defaults is there because the world says so.
    if (writeSysctl(netns, path, value) !== undefined) netns.sysctl.set(path, value)
  }
  for (const link of netns.links) {
    if (linkSysctl(link, 'ipv6/disable_ipv6') === '1') {
      link.addresses = link.addresses.filter(({ cidr }) => !cidr.includes(':'))
    }
  }
}

function readRule({ family, priority, from, to, fwmark, table, protocol }: WorldRule) {
  return {
    family,
    priority,
    from: optional(from, parseCidr),
    to: optional(to, parseCidr),
    fwmark,
    table,
    protocol: protocol ?? BOOT,
  }
}

function devicesOf(world: SimWorld): SimHost['rdma']['devices'] {
  return (world.rdma?.devices ?? []).map(({ name, pci, netns, nodeGuid, pkeys }) => ({
    name,
    pci: optional(pci, parsePciAddress),
    netns: netns ?? INITIAL,
    nodeGuid: parseGuid(nodeGuid),
    pkeys: (pkeys ?? ['0xffff']).map(readPkey),
  }))
}

function optional<T>(text: string | undefined, parse: (text: string) => T): T | undefined {
  return text === undefined ? undefined : parse(text)
}
