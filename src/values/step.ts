/**
 * What a plan consists of: one change of a host each, with the step that takes
 * it back. A plan is data: it can be printed, journalled, replayed.
 *
 * Undo is tolerant by contract: taking back what never was, or is gone,
 * succeeds; and it touches only what bears our mark (links: group and alias,
 * routes and rules: protocol number, nf_tables: our table). A step that
 * overwrites carries `was`, what was read before the plan was made.
 * @module
 */
import type { HardwareAddress } from './hardware-address.ts'
import type { IfName } from './if-name.ts'
import type { Cidr } from './cidr.ts'
import type { LinkSettings, MoveLink, ReturnLink, ShareLink } from './lent-link.ts'
import type { LinkSpec } from './link.ts'
import type { NftTable } from './nft.ts'
import type { NetnsPath, Where } from './netns.ts'
import type { AnnounceStep, ProbeStep } from './probe.ts'
import type { Neighbour, Route, Rule } from './route.ts'

/**
 * Makes a link of ours: down, under `temp`, marked. In place `temp` is `name`; a link
 * that is moved has a name of its own until `rename-link` gives it its name last.
 */
export type CreateLink = {
  readonly do: 'create-link'
  /** Namespace it ends up in. */
  readonly netns: NetnsPath
  /** Made in `netns` at once, or in the host's namespace and then moved (design: mlx5_core). */
  readonly way: 'in-place' | 'move'
  /** Name that it is made under: `name`, or one that nobody on the host has. */
  readonly temp: IfName
  readonly name: IfName
  /** IFALIAS: who owns it. */
  readonly mark: string
  readonly spec: LinkSpec
  /** Bytes; undefined leaves the kind's own. */
  readonly mtu: number | undefined
  /** Undefined leaves it to the kernel. IPoIB: only the last 8 bytes (GUID) count. */
  readonly address: HardwareAddress | undefined
}

/** Deletes a link where it is, or where the kernel gave it back to (the host). */
export type DeleteLink = {
  readonly do: 'delete-link'
  readonly netns: NetnsPath
  /** Names it can bear; looked up in the pod and in the host's namespace. */
  readonly names: readonly IfName[]
  /** Only a link of ours with this mark; or, without a mark, one of `kind` in the pod only. */
  readonly mark: string | undefined
  readonly kind: string | undefined
}

/** Settings of a link. Those of a link of ours go with it, so they have no undo but by `was`. */
export type SetLink = {
  readonly do: 'set-link'
  readonly where: Where
  readonly link: IfName
  readonly set: LinkSettings & {
    readonly up?: true
    /** IFLA_INET6_ADDR_GEN_MODE: 0 eui64, 1 none, 3 random. Nothing on a kernel without IPv6. */
    readonly addrGenMode?: 'none' | 'random'
  }
  /** What a link that is not ours had before; undefined when the link goes anyhow. */
  readonly was?: LinkSettings
}

/** Everything that can be done to a host. */
export type Step =
  | CreateLink
  | DeleteLink
  | SetLink
  | MoveLink
  | ReturnLink
  | ShareLink
  | {
      readonly do: 'rename-link'
      readonly netns: NetnsPath
      readonly from: IfName
      readonly to: IfName
    }
  | {
      readonly do: 'add-address' | 'remove-address'
      readonly where: Where
      readonly link: IfName
      readonly cidr: Cidr
    }
  | { readonly do: 'add-route' | 'remove-route'; readonly where: Where; readonly route: Route }
  | { readonly do: 'add-rule' | 'remove-rule'; readonly where: Where; readonly rule: Rule }
  | {
      readonly do: 'add-neighbour' | 'remove-neighbour'
      readonly where: Where
      readonly neighbour: Neighbour
    }
  | {
      readonly do: 'set-sysctl'
      readonly where: Where
      /** Below /proc/sys, with slashes: `net/ipv4/conf/eth0/arp_notify`. */
      readonly path: string
      readonly value: string
      /** Value before; undefined when it belongs to a link of ours and goes with it. */
      readonly was: string | undefined
    }
  | {
      readonly do: 'add-nft-table' | 'remove-nft-table'
      readonly where: Where
      readonly table: NftTable
    }
  | ProbeStep
  | AnnounceStep

/** Every kind of step, for tables and tests that must cover them all. */
export const STEP_KINDS = [
  'create-link',
  'delete-link',
  'set-link',
  'rename-link',
  'move-link',
  'return-link',
  'share-link',
  'add-address',
  'remove-address',
  'add-route',
  'remove-route',
  'add-rule',
  'remove-rule',
  'add-neighbour',
  'remove-neighbour',
  'set-sysctl',
  'add-nft-table',
  'remove-nft-table',
  'probe',
  'announce',
] as const satisfies readonly Step['do'][]

/** What takes `step` back, in order; nothing where the step goes with its link. */
export function undoOf(step: Step): Step[] {
  switch (step.do) {
    case 'create-link': {
      const { netns, temp, name, mark } = step
      const names = [...new Set([temp, name])]
      return [{ do: 'delete-link', netns, names, mark, kind: step.spec.kind }]
    }
    case 'add-address':
      return [{ ...step, do: 'remove-address' }]
    case 'remove-address':
      return [{ ...step, do: 'add-address' }]
    case 'add-route':
      return [{ ...step, do: 'remove-route' }]
    case 'remove-route':
      return [{ ...step, do: 'add-route' }]
    case 'add-rule':
      return [{ ...step, do: 'remove-rule' }]
    case 'remove-rule':
      return [{ ...step, do: 'add-rule' }]
    case 'add-neighbour':
      return [{ ...step, do: 'remove-neighbour' }]
    case 'remove-neighbour':
      return [{ ...step, do: 'add-neighbour' }]
    case 'add-nft-table':
      return [{ ...step, do: 'remove-nft-table' }]
    case 'remove-nft-table':
      return [{ ...step, do: 'add-nft-table' }]
    case 'set-link': {
      const { was } = step
      return was === undefined ? [] : [{ ...step, set: was, was: settingsOf(step.set) }]
    }
    case 'move-link': {
      const { netns, link, temp, name, mark, was } = step
      return [{ do: 'return-link', netns, link, names: [temp, name], mark, was }]
    }
    case 'set-sysctl':
      return step.was === undefined ? [] : [{ ...step, value: step.was, was: step.value }]
    case 'probe':
    case 'announce':
    case 'delete-link':
    case 'rename-link':
    case 'return-link':
    case 'share-link':
      return []
  }
}

function settingsOf({ up: _up, addrGenMode: _mode, ...settings }: SetLink['set']): LinkSettings {
  return settings
}

/**
 * What takes a whole plan back: in reverse, without what disappears by itself
 * with a link of the plan (its addresses, routes and neighbours).
 */
export function undoOfAll(steps: readonly Step[]): Step[] {
  const ours = new Set<string>()
  for (const step of steps) {
    // a link that goes back to the host loses what it had in the pod
    if (step.do !== 'create-link' && step.do !== 'move-link') continue
    for (const name of [step.temp, step.name]) ours.add(`${step.netns}\n${name}`)
    if (step.do === 'create-link' && step.spec.kind === 'veth') {
      ours.add(`host\n${step.spec.peer.name}`)
    }
  }
  const goesWithLink = (step: Step): boolean => {
    const on = linkOf(step)
    return on !== undefined && ours.has(`${on.where}\n${on.link}`)
  }
  return steps
    .toReversed()
    .filter((step) => !goesWithLink(step))
    .flatMap(undoOf)
}

/** The link that a step's effect hangs on, if it goes when the link goes. */
function linkOf(step: Step): { where: Where; link: IfName } | undefined {
  switch (step.do) {
    case 'add-address':
    case 'remove-address':
      return { where: step.where, link: step.link }
    case 'add-neighbour':
    case 'remove-neighbour':
      return { where: step.where, link: step.neighbour.link }
    case 'add-route':
    case 'remove-route':
      return step.route.dev === undefined ? undefined : { where: step.where, link: step.route.dev }
    default:
      return undefined
  }
}
