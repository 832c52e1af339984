/**
 * The host that a plan is made for when none is given: one in which the parents
 * that the configurations name exist, with what the files say of them. It is an
 * assumption, and told as one.
 * @module
 */
import type { Wanted } from '#attach/index.ts'
import type { Document } from '#needs/records.ts'
import type { World } from '#schema/world.ts'
import { isRecord } from '#schema/zod.ts'
import { failureIn } from '#values/failure.ts'
import { familyOf, parseIp } from '#values/ip.ts'
import { asFullMember, formatPkey, parsePkey, pkeyFromBits } from '#values/pkey.ts'
import { lookUp } from '#wire/cni/conf.ts'
import { valueAt } from './fields.ts'

type Conf = Wanted['plugins'][number]
type WorldLink = NonNullable<NonNullable<World['netns'][string]>['links']>[number]
/** A parent that configurations name, gathered. */
type Parent = {
  readonly infiniband: boolean
  readonly mtu: number
  readonly pkeys: readonly string[]
  readonly connected: boolean
}
export type AssumedHost = { readonly world: World; readonly warnings: readonly string[] }

/** Addresses of a node that says none: those of documents (RFC 5737). */
const NODE_ADDRESS = '192.0.2.10'
/** Of a pod's default network that nobody names; and the host's end of its interface. */
const POD_ADDRESS = '192.0.2.130'
const POD_PEER = 'pod0'
const ETHERNET_MTU = 1500
const INFINIBAND_MTU = 2044
const MOST_INFINIBAND_MTU = 4092

/** `node` is the Node's document, where there is one. */
export function assumedHost(
  wanteds: readonly Pick<Wanted, 'plugins'>[],
  node: Document | undefined,
): AssumedHost {
  const parents = new Map<string, Parent>()
  const functions = new Set<string>()
  const cards = new Set<string>()
  for (const { plugins } of wanteds) {
    for (const [name, parent] of parentsOf(plugins)) {
      const before = parents.get(name)
      parents.set(name, before === undefined ? parent : merged(before, parent))
    }
    for (const pci of functionsOf(plugins)) functions.add(pci)
    for (const address of cardsOf(plugins)) cards.add(address)
  }
  const uplink = ['eth0', 'uplink0'].find((name) => parents.get(name)?.infiniband !== true) ?? ''
  const own = parents.get(uplink) ?? ether(ETHERNET_MTU)
  const all = [...new Map([...parents, [uplink, own] as const])]
  const addresses = addressesOf(node)
  const links = [
    ...all.map(([name, parent]): WorldLink => {
      const link = linkOf(name, parent)
      return name === uplink ? { ...link, ...withWayOut(addresses) } : link
    }),
    ...[...functions].map((pci, i): WorldLink => ({ name: `vf${i}`, pci, driver: 'mlx5_core' })),
    ...[...cards].map((address, i): WorldLink => ({ name: `card${i}`, address })),
  ]
  const devices = all
    .filter(([, parent]) => parent.infiniband)
    .map(([, { pkeys }], i) => ({ name: `mlx5_${i}`, pkeys: [...new Set(['0xffff', ...pkeys])] }))
  const texts = all.map(([name, parent]) => textOf(name, parent))
  const others = [
    ...[...functions].map((pci) => `PCI function ${pci}`),
    ...[...cards].map((address) => `a card with address ${address}`),
  ]
  const what = [...texts, ...others].join(', ')
  const told = `the host is assumed to have ${what}; with ${addresses.join(' and ')} on ${uplink}`
  return {
    world: { netns: { host: { links } }, rdma: { devices } },
    warnings: [`${told}; --world plans for another`],
  }
}

/**
 * The same with what the cluster's default network has made of a pod: where nobody
 * names that network, it is another's.
 */
export function withDefaultNetwork({ world, warnings }: AssumedHost, netns: string): AssumedHost {
  const [pod, host] = [world.netns[netns] ?? {}, world.netns['host'] ?? {}]
  const first: WorldLink = {
    name: 'eth0',
    kind: 'veth',
    parent: `host/${POD_PEER}`,
    addresses: [`${POD_ADDRESS}/32`],
    routes: [{ dst: '0.0.0.0/0', scope: 'link' }],
  }
  const peer: WorldLink = { name: POD_PEER, kind: 'veth', parent: `${netns}/eth0` }
  const told =
    `no file names the pod's default network: it is assumed to have eth0 (veth) with ` +
    `${POD_ADDRESS}; --cluster-network names another`
  return {
    world: {
      ...world,
      netns: {
        ...world.netns,
        [netns]: { ...pod, links: [...(pod.links ?? []), first] },
        host: { ...host, links: [...(host.links ?? []), peer] },
      },
    },
    warnings: [...warnings, told],
  }
}

function ether(mtu: number): Parent {
  return { infiniband: false, mtu, pkeys: [], connected: false }
}

/** Parents of one chain; what a plugin of the chain makes is not there before. */
function parentsOf(plugins: readonly Conf[]): [string, Parent][] {
  const made = new Set(plugins.flatMap(madeBy))
  return plugins.flatMap((conf) =>
    namesIn(conf)
      .filter((name) => !made.has(name))
      .map((name): [string, Parent] => [name, parentOf(conf)]),
  )
}

function namesIn(conf: Conf): string[] {
  if (conf['linkInContainer'] === true) return []
  const one = [lookUp(conf, 'master'), conf['type'] === 'host-device' && lookUp(conf, 'device')]
  const interfaces = lookUp(conf, 'interfaces')
  const several = conf['type'] === 'ifacer' && Array.isArray(interfaces) ? interfaces : []
  return [...one, ...several].filter((name) => typeof name === 'string' && name !== '')
}

/** `ifacer` makes a bond and a VLAN over it. */
function madeBy(conf: Conf): string[] {
  if (conf['type'] !== 'ifacer') return []
  const bond = valueAt(conf, 'bond', 'name')
  const [first] = namesIn(conf)
  const base = typeof bond === 'string' && bond !== '' ? bond : first
  const vlan = lookUp(conf, 'vlanID')
  return [bond, vlan === undefined ? undefined : `${base}.${String(vlan)}`].filter(
    (name) => typeof name === 'string',
  )
}

function parentOf(conf: Conf): Parent {
  const asked = lookUp(conf, 'mtu')
  const mtu = typeof asked === 'number' ? asked : 0
  if (conf['type'] !== 'ipoib') return ether(Math.max(ETHERNET_MTU, mtu))
  const connected = lookUp(conf, 'mode') === 'connected'
  const most = Math.min(Math.max(INFINIBAND_MTU, mtu), MOST_INFINIBAND_MTU)
  return { infiniband: true, mtu: most, pkeys: pkeysOf(lookUp(conf, 'pkey')), connected }
}

/** One that cannot be read is refused by the plugin, not here. */
function pkeysOf(pkey: unknown): string[] {
  try {
    if (typeof pkey === 'number') return [formatPkey(asFullMember(pkeyFromBits(pkey)))]
    return typeof pkey === 'string' ? [formatPkey(asFullMember(parsePkey(pkey)))] : []
  } catch (cause) {
    if (failureIn(cause) === undefined) throw cause
    return []
  }
}

function merged(a: Parent, b: Parent): Parent {
  return {
    infiniband: a.infiniband,
    mtu: Math.max(a.mtu, b.mtu),
    pkeys: [...a.pkeys, ...b.pkeys],
    connected: a.connected || b.connected,
  }
}

/** Devices of PCI functions that plugins of ours are given. */
function functionsOf(plugins: readonly Conf[]): string[] {
  const ids = plugins
    .filter((conf) => conf['type'] === 'host-device')
    .flatMap((conf) => [lookUp(conf, 'pciBusID'), valueAt(conf, 'runtimeConfig', 'deviceID')])
  return ids.filter((id) => typeof id === 'string').filter((id) => /^[0-9a-f:.]{12}$/i.test(id))
}

/** Addresses by which `host-device` finds a link. */
function cardsOf(plugins: readonly Conf[]): string[] {
  return plugins
    .filter((conf) => conf['type'] === 'host-device')
    .map((conf) => lookUp(conf, 'hwaddr'))
    .filter((one) => typeof one === 'string')
    .filter((one) => /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(one))
    .map((one) => one.toLowerCase())
}

/** The enhanced mode of mlx5 has no connected mode. */
function driverOf({ connected }: Parent): string {
  return connected ? 'mlx4_core' : 'mlx5_core'
}

function linkOf(name: string, parent: Parent): WorldLink {
  const { infiniband, mtu } = parent
  return infiniband ? { name, kind: 'ipoib', mtu, driver: driverOf(parent) } : { name, mtu }
}

function textOf(name: string, parent: Parent): string {
  if (!parent.infiniband) return `${name} (Ethernet)`
  return `${name} (${['InfiniBand', driverOf(parent), ...parent.pkeys].join(', ')})`
}

function addressesOf(node: Document | undefined): string[] {
  const status = valueAt(node ?? {}, 'status', 'addresses')
  const said = (Array.isArray(status) ? status : [])
    .filter((one) => isRecord(one) && one['type'] === 'InternalIP')
    .flatMap((one) => (isRecord(one) && typeof one['address'] === 'string' ? one['address'] : []))
  return said.length === 0 ? [NODE_ADDRESS] : said
}

/** Addresses of the node, with a default route of each family. */
function withWayOut(addresses: readonly string[]): Pick<WorldLink, 'addresses' | 'routes'> {
  const parts = addresses.map((text) => ({ text, v6: familyOf(parseIp(text)) === 6 }))
  const scoped = (v6: boolean): string | undefined =>
    parts.some((one) => one.v6 === v6) ? (v6 ? '::/0' : '0.0.0.0/0') : undefined
  const routes = [scoped(false), scoped(true)].filter((dst) => dst !== undefined)
  return {
    addresses: parts.map(({ text, v6 }) => `${text}/${v6 ? 64 : 24}`),
    routes: routes.map((dst) => ({ dst, scope: 'link' as const })),
  }
}
