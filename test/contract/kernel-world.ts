/**
 * What the kernel contract works with: the host that a test is given, steps
 * over it, and its state as one value to compare.
 * @module
 */
import { ok } from 'node:assert/strict'
import type { Kernel } from '#needs/kernel.ts'
import { parseHardwareAddress } from '#values/hardware-address.ts'
import { type IfName, parseIfName } from '#values/if-name.ts'
import { parseCidr } from '#values/cidr.ts'
import { parseIp } from '#values/ip.ts'
import type { Link, MacvlanMode } from '#values/link.ts'
import { VERBENA_PROTOCOL } from '#values/mark.ts'
import type { NetnsPath, Where } from '#values/netns.ts'
import { parsePkey } from '#values/pkey.ts'
import { MAIN_TABLE, type Route, type Rule } from '#values/route.ts'
import type { CreateLink } from '#values/step.ts'

/** One fresh host for one test: nothing of ours on it, its pod empty but for `lo`. */
export type ContractWorld = {
  readonly kernel: Kernel
  readonly pod: NetnsPath
  /** Up, with a carrier, in the host's namespace. */
  readonly ethernetParent: IfName
  readonly ipoibParent: IfName | undefined
  /** An Ethernet link of the host, up, that may be lent: nothing hangs on it. */
  readonly spare: IfName
  /** Whether this kernel knows VLANs, bonds and ipvlans. */
  readonly stacks: boolean
  /** Gives a link this group and takes its alias: so it can be before it is marked. */
  unmark(where: Where, link: IfName, group: number): Promise<void>
  /** The pod's namespace is no more, its path neither. */
  removeNetns(): Promise<void>
  close(): Promise<void>
  /** Neighbour entries as `ip neigh` prints them, where they can be had. */
  readonly neighbours?: (where: Where) => Promise<string>
}

/** Registers one test over a fresh host; one that begins with `ipoib` needs that parent. */
export type WithWorld = (does: string, act: (world: ContractWorld) => Promise<void>) => void

const TEMP = parseIfName('vbct0')
const NAME = parseIfName('net1')
const MARK = 'verbena contract'
const MAC = parseHardwareAddress('02:00:00:00:10:01')

/** A macvlan of ours over the world's Ethernet parent, under a name that is not its last. */
export function macvlan(
  { pod, ethernetParent }: ContractWorld,
  { mode = 'bridge' }: { readonly mode?: MacvlanMode } = {},
): CreateLink {
  return {
    do: 'create-link',
    netns: pod,
    way: 'in-place',
    temp: TEMP,
    name: NAME,
    mark: MARK,
    spec: { kind: 'macvlan', parent: ethernetParent, mode },
    mtu: undefined,
    address: mode === 'passthru' ? undefined : MAC,
  }
}

/** An IPoIB child of ours, under a name that is not its last. */
export function ipoib(
  { pod, ipoibParent = NAME }: ContractWorld,
  { mode, pkey }: { readonly mode?: 'datagram' | 'connected'; readonly pkey?: string },
): CreateLink {
  return {
    do: 'create-link',
    netns: pod,
    way: 'in-place',
    temp: TEMP,
    name: NAME,
    mark: MARK,
    spec: {
      kind: 'ipoib',
      parent: ipoibParent,
      mode,
      pkey: pkey === undefined ? undefined : parsePkey(pkey),
    },
    mtu: undefined,
    address: undefined,
  }
}

/** A route of ours by a link. */
export function routeBy(dev: IfName, dst: string, via?: string): Route {
  return {
    dst: parseCidr(dst),
    via: via === undefined ? undefined : parseIp(via),
    dev,
    table: MAIN_TABLE,
    scope: via === undefined && !dst.includes(':') ? 'link' : 'global',
    src: undefined,
    priority: undefined,
    onlink: false,
    protocol: VERBENA_PROTOCOL,
  }
}

/** A rule of ours. */
export const RULE: Rule = {
  family: 4,
  priority: 1000,
  from: undefined,
  to: parseCidr('10.99.0.7/32'),
  fwmark: undefined,
  table: 500,
  protocol: VERBENA_PROTOCOL,
}

/** @throws {AssertionError} when it is not there */
export async function linkAt({ kernel }: ContractWorld, where: Where, name: IfName): Promise<Link> {
  const link = await kernel.link(where, name)
  ok(link, `there is no ${name}`)
  return link
}

/** Everything that the questions tell of both namespaces, but for what time alone changes. */
export async function stateOf({ kernel, pod }: ContractWorld): Promise<unknown> {
  const state = async (where: Where): Promise<unknown> => ({
    links: await kernel.links(where),
    addresses: (await kernel.addresses(where)).map(({ link, cidr }) => `${link} ${cidr}`),
    routes: await kernel.routes(where),
    rules: await kernel.rules(where),
    rpFilter: await kernel.sysctl(where, 'net/ipv4/conf/all/rp_filter'),
    nftTables: await kernel.nftTables(where),
  })
  return { host: await state('host'), pod: await state(pod) }
}
