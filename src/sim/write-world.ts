/**
 * Writes a simulated host as a world, such that `simHost()` of it is the same
 * host again. What the kernel derives by itself is left out.
 * @module
 */
import { formatPkey } from '#values/pkey.ts'
import type { Rule } from '#values/route.ts'
import { linkLocalOf } from './addresses.ts'
import { mtuOf } from './carrier.ts'
import { everyLink, linkNamed } from './find.ts'
import { INITIAL, type SimAddress, type SimHost, type SimLink, type SimNetns } from './host.ts'
import type { SimKernel } from './kernel.ts'
import { DEFAULT_RULES } from './rules.ts'
import { pathOf } from './sysctl.ts'
import type { SimWorld, WorldLink, WorldNetns, WorldRoute } from './world.ts'

const BOOT = 3 // RTPROT_BOOT
/** Metric of an IPv6 route that names none. */
const USER_METRIC = 1024

/** The whole state of the host behind a kernel, as JSON. */
export function worldOf({ host }: Pick<SimKernel, 'host'>): SimWorld {
  const { rdma, files, objects } = host
  const each = [...host.netns.values()].map((n) => [n.name, writeNetns(n, host)] as const)
  return {
    netns: Object.fromEntries(each),
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

function writeNetns(netns: SimNetns, host: SimHost): WorldNetns {
  const rules = netns.rules.filter((rule) => !DEFAULT_RULES.includes(rule))
  const sysctl = [
    ...netns.sysctl,
    ...netns.links.flatMap(({ name, sysctl: own }) =>
      [...own].map(([key, value]): [string, string] => [pathOf(name, key), value]),
    ),
  ]
  return {
    id: netns.id,
    links: netns.links.toSorted((a, b) => a.index - b.index).map((link) => writeLink(link, host)),
    ...(sysctl.length === 0 ? {} : { sysctl: Object.fromEntries(sysctl) }),
    ...(rules.length === 0 ? {} : { rules: rules.map(writeRule) }),
    ...(netns.tables.size === 0 ? {} : { nftables: [...netns.tables.values()] }),
  }
}

function writeRule({ family, priority, from, to, fwmark, table, protocol }: Rule) {
  return { family, ...given({ priority, from, to, fwmark }), table, protocol }
}

function writeLink(link: SimLink, host: SimHost): WorldLink {
  const { kind, address, pci, driver, alias, below } = link
  const addresses = givenAddresses(link)
  const mode = 'mode' in kind ? kind.mode : undefined
  const word = kind.kind === 'other' ? kind.name : link.arpType === 772 ? 'loopback' : kind.kind
  return {
    name: link.name,
    kind: word,
    index: link.index,
    ...given({
      parent: below === undefined ? undefined : parentText(link, below, host.netns.get(INITIAL)),
      address,
      pci,
      driver,
      alias,
      mode,
      vlanId: kind.kind === 'vlan' ? kind.id : undefined,
      master: link.master?.name,
      promiscuous: link.promiscuous || undefined,
      allMulticast: link.allMulticast || undefined,
      altNames: link.altNames.length > 0 ? link.altNames : undefined,
      pkey: kind.kind === 'ipoib' ? formatPkey(kind.pkey) : undefined,
      group: link.group === 0 ? undefined : link.group,
      addrGenMode: link.addrGenMode === 'eui64' ? undefined : link.addrGenMode,
    }),
    mtu: mtuOf(host, link),
    up: link.up,
    txQueueLength: link.txQueueLength,
    ...some('addresses', textsOf(addresses)),
    ...some('withoutPrefixRoute', textsOf(addresses.filter(({ connected }) => !connected))),
    ...some('duplicates', textsOf(addresses.filter(({ duplicate }) => duplicate))),
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

/** The name alone where a reader finds the same link by it. */
function parentText(link: SimLink, below: SimLink, home: SimNetns | undefined): string {
  const here = linkNamed(link.netns, below.name)
  const found = here === undefined || here === link ? home && linkNamed(home, below.name) : here
  return found === below ? below.name : placeOf(below)
}

/** Without the link-local address that the link gets by itself, being up. */
function givenAddresses(link: SimLink): SimAddress[] {
  const own = link.up ? linkLocalOf(link) : undefined
  return link.addresses.filter(({ cidr, duplicate, connected }) => {
    return cidr !== own || duplicate || !connected
  })
}

function textsOf(addresses: readonly SimAddress[]): string[] {
  return addresses.map(({ cidr }) => cidr)
}

function routesAt(link: SimLink): WorldRoute[] {
  return link.netns.routes
    .filter((r) => r.link === link)
    .map(({ route: { dst, via, src, scope, priority, table, protocol, onlink } }) => {
      const v6 = dst.includes(':')
      const usual = via === undefined && !v6 ? 'link' : 'global'
      return {
        dst,
        ...given({ via }),
        dev: link.name,
        table,
        ...given({
          src,
          scope: scope === usual ? undefined : scope,
          priority: priority === (v6 ? USER_METRIC : undefined) ? undefined : priority,
          protocol: protocol === BOOT ? undefined : protocol,
        }),
        ...(onlink ? { onlink: true as const } : {}),
      }
    })
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
