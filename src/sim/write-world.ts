/**
 * Writes a simulated host as a world, such that `simHost()` of it is the same
 * host again. What the kernel derives by itself is left out.
 * @module
 */
import { formatPkey } from '#values/pkey.ts'
import { MAIN_TABLE, type Rule } from '#values/route.ts'
import { everyLink } from './find.ts'
import type { SimAddress, SimHost, SimLink, SimNetns } from './host.ts'
import type { SimKernel } from './kernel.ts'
import { DEFAULT_RULES } from './rules.ts'
import { pathOf } from './sysctl.ts'
import type { SimWorld, WorldAddress, WorldLink, WorldNetns, WorldRoute } from './world.ts'

/** The whole state of the host behind a kernel, as JSON. */
export function worldOf({ host }: Pick<SimKernel, 'host'>): SimWorld {
  const { rdma, files, objects } = host
  return {
    netns: Object.fromEntries([...host.netns.values()].map((n) => [n.name, writeNetns(n)])),
    rdma: {
      mode: rdma.mode,
      devices: rdma.devices.map(({ name, pci, netns, nodeGuid, pkeys }) => ({
        name,
        ...given({ pci }),
        netns,
        nodeGuid,
        pkeys: pkeys.map(formatPkey),
      })),
    },
    wires: writeWires(host),
    files: Object.fromEntries(files),
    objects,
  }
}

function writeWires(host: SimHost): NonNullable<SimWorld['wires']> {
  const wires = new Set([
    ...everyLink(host).flatMap(({ wire }) => (wire === undefined ? [] : [wire])),
    ...host.cut,
  ])
  return Object.fromEntries(
    [...wires].map((wire) => [
      wire,
      {
        links: everyLink(host)
          .filter((link) => link.wire === wire)
          .map(placeOf),
        ...(host.cut.has(wire) ? { cut: true } : {}),
      },
    ]),
  )
}

function placeOf({ netns, name }: SimLink): string {
  return `${netns.name}/${name}`
}

function writeNetns(netns: SimNetns): WorldNetns {
  const rules = netns.rules.filter((rule) => !DEFAULT_RULES.includes(rule))
  const sysctl = [
    ...netns.sysctl,
    ...netns.links.flatMap(({ name, sysctl: own }) =>
      [...own].map(([key, value]): [string, string] => [pathOf(name, key), value]),
    ),
  ]
  return {
    id: netns.id,
    links: netns.links.map(writeLink),
    ...(sysctl.length === 0 ? {} : { sysctl: Object.fromEntries(sysctl) }),
    ...(rules.length === 0 ? {} : { rules: rules.map(writeRule) }),
    ...(netns.tables.size === 0 ? {} : { nftables: [...netns.tables.values()] }),
  }
}

function writeRule({ family, priority, from, to, fwmark, table, protocol }: Rule) {
  return { family, ...given({ priority, from, to, fwmark }), table, protocol }
}

function writeLink(link: SimLink): WorldLink {
  const { kind, address, pci, driver, alias, below } = link
  const mode = kind.kind === 'ipoib' || kind.kind === 'macvlan' ? kind.mode : undefined
  const word = kind.kind === 'other' ? kind.name : link.arpType === 772 ? 'loopback' : kind.kind
  return {
    name: link.name,
    kind: word,
    index: link.index,
    ...given({
      parent: below === undefined ? undefined : placeOf(below),
      address,
      pci,
      driver,
      alias,
      mode,
      pkey: kind.kind === 'ipoib' ? formatPkey(kind.pkey) : undefined,
      group: link.group === 0 ? undefined : link.group,
      addrGenMode: link.addrGenMode === 'eui64' ? undefined : link.addrGenMode,
    }),
    mtu: link.mtu,
    up: link.up,
    txQueueLength: link.txQueueLength,
    ...some('addresses', link.addresses.map(writeAddress)),
    ...some('routes', routesAt(link)),
    ...some(
      'neighbours',
      link.neighbours.map(({ ip, address: of, permanent }) => ({
        ip,
        ...given({ address: of }),
        ...(permanent ? { permanent: true as const } : {}),
      })),
    ),
  }
}

function writeAddress({ cidr, duplicate, connected }: SimAddress): WorldAddress {
  if (!duplicate && connected) return cidr
  return {
    cidr,
    ...(duplicate ? { duplicate: true } : {}),
    ...(connected ? {} : { noPrefixRoute: true }),
  }
}

function routesAt(link: SimLink): WorldRoute[] {
  return link.netns.routes
    .filter((r) => r.link === link)
    .map(({ route }) => ({
      dst: route.dst,
      scope: route.scope,
      protocol: route.protocol,
      ...given({
        via: route.via,
        src: route.src,
        priority: route.priority,
        table: route.table === MAIN_TABLE ? undefined : route.table,
      }),
      ...(route.onlink ? { onlink: true } : {}),
    }))
}

/** The list under its key, unless it is empty. */
function some<K extends string, T>(
  key: K,
  list: readonly T[],
): { readonly [k in K]?: readonly T[] } {
  const made: { [k in K]?: readonly T[] } = {}
  if (list.length > 0) made[key] = list
  return made
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

/** The fields that have a value. */
function given<T extends object>(fields: T): Given<T> {
  const made: Given<T> = {}
  for (const key in fields) {
    const value = fields[key]
    if (isGiven(value)) made[key] = value
  }
  return made
}

function isGiven<T>(value: T): value is Exclude<T, undefined> {
  return value !== undefined
}
