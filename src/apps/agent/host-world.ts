/**
 * The agent's host as a world: what `plan --world` and `explain` plan on, so
 * that they refuse what an ADD here would be refused.
 *
 * Spec: docs/reference/world.md.
 * @module
 */
import type { KernelQuestions } from '#needs/kernel.ts'
import type { Link } from '#values/link.ts'
import { formatPkey } from '#values/pkey.ts'
import type { LinkAddress, Route } from '#values/route.ts'

const LOOPBACK = 772
const LOCAL_TABLE = 255
const RTPROT_KERNEL = 2
/** Kinds that stand on another link of the host. */
const STACKED = ['macvlan', 'ipvlan', 'vlan', 'ipoib']

type Seen = {
  readonly links: readonly Link[]
  readonly addresses: readonly LinkAddress[]
  readonly routes: readonly Route[]
}
type Json = Readonly<Record<string, unknown>>

/** The host's namespace, and the RDMA devices under its IPoIB parents; pods are left out. */
export async function hostWorld(kernel: KernelQuestions): Promise<Json> {
  const [links, addresses, routes] = await Promise.all([
    kernel.links('host'),
    kernel.addresses('host'),
    kernel.routes('host'),
  ])
  const drivers = await Promise.all(
    links.map(async ({ pci }) => (pci === undefined ? undefined : await kernel.driverOf(pci))),
  )
  const seen = { links, addresses, routes }
  const written = links.map((link, i) => writeLink(link, drivers[i], seen))
  return {
    netns: { host: { links: written } },
    rdma: { devices: await devicesUnder(links, kernel) },
  }
}

async function devicesUnder(links: readonly Link[], kernel: KernelQuestions): Promise<Json[]> {
  const parents = links.filter(({ kind, parent }) => kind.kind === 'ipoib' && parent === undefined)
  const ports = await Promise.all(parents.map((link) => kernel.hcaPort(link)))
  const pkeys = new Map<string, string[]>()
  for (const port of ports) {
    if (port !== undefined) pkeys.set(port.rdmaDevice, port.pkeys.map(formatPkey))
  }
  return [...pkeys].map(([name, of]) => ({ name, pkeys: of }))
}

function writeLink(link: Link, driver: string | undefined, seen: Seen): Json {
  const { name, index, address, mtu, up, kind, pci, alias, group } = link
  const below = STACKED.includes(kind.kind)
    ? seen.links.find((other) => other.index === link.parent)?.name
    : undefined
  const whole = {
    name,
    kind: wordOf(link, below),
    index,
    parent: below,
    address,
    mtu,
    up,
    mode: 'mode' in kind ? kind.mode : undefined,
    pkey: kind.kind === 'ipoib' ? formatPkey(kind.pkey) : undefined,
    vlanId: kind.kind === 'vlan' ? kind.id : undefined,
    driver,
    pci,
    alias,
    group: group === 0 ? undefined : group,
    addresses: seen.addresses
      .filter((one) => one.link === name && one.scope === 'global')
      .map(({ cidr }) => cidr),
    routes: seen.routes.filter((one) => isOwn(one) && one.dev === name).map(writeRoute),
  }
  return Object.fromEntries(Object.entries(whole).filter(([, value]) => value !== undefined))
}

/** A link whose other half is elsewhere is like a network card to a plan. */
function wordOf({ kind, arpType }: Link, below: string | undefined): string {
  if (arpType === LOOPBACK) return 'lo'
  if (kind.kind === 'other' || kind.kind === 'veth') return 'physical'
  if (kind.kind !== 'ipoib' && STACKED.includes(kind.kind) && below === undefined) return 'physical'
  return kind.kind
}

/** Not what the kernel derives from addresses. */
function isOwn({ table, protocol }: Route): boolean {
  return table !== LOCAL_TABLE && protocol !== RTPROT_KERNEL
}

function writeRoute({ dst, via, dev, table, scope, src, priority, protocol }: Route): Json {
  const whole = { dst, via, dev, table, scope, src, priority, protocol }
  return Object.fromEntries(Object.entries(whole).filter(([, value]) => value !== undefined))
}
