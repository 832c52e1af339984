/**
 * A pod as it will be when the coordinator's turn comes: what was seen in its
 * namespace, and on top of it the steps that are planned and not taken yet.
 * Only what the coordinator decides by is followed. Pure.
 * @module
 */
import type { HardwareAddress } from '#values/hardware-address.ts'
import type { IfName } from '#values/if-name.ts'
import type { Cidr } from '#values/cidr.ts'
import type { Link } from '#values/link.ts'
import type { NetnsPath } from '#values/netns.ts'
import type { LinkAddress, Route, Rule } from '#values/route.ts'
import type { CreateLink, Step } from '#values/step.ts'
import { kindName } from './main-link.ts'
import { connectedRoute } from './planned-routes.ts'

/** A link of the pod. */
export type ViewLink = {
  readonly name: IfName
  /** The kernel's word for what it is. */
  readonly kind: string
  readonly arpType: number
  readonly up: boolean
  /** Undefined when the kernel is going to choose it. */
  readonly address: HardwareAddress | undefined
  /** It is there already, and not only planned. */
  readonly seen: boolean
}

export type PodView = {
  readonly links: readonly ViewLink[]
  readonly addresses: readonly { readonly link: IfName; readonly cidr: Cidr }[]
  readonly routes: readonly Route[]
  readonly rules: readonly Rule[]
}

/** What was seen in the pod's namespace. */
export type PodSeen = {
  readonly podLinks: readonly Link[]
  readonly podAddresses: readonly LinkAddress[]
  readonly podRoutes: readonly Route[]
  readonly podRules: readonly Rule[]
}

const ARP_TYPE = { ethernet: 1, infiniband: 32 } as const

/** The pod once `planned` is taken. */
export function foresee(seen: PodSeen, planned: readonly Step[], netns: NetnsPath): PodView {
  const { podAddresses, podRoutes: routes, podRules: rules } = seen
  const addresses = podAddresses.filter(({ scope }) => scope === 'global')
  const start: PodView = { links: seen.podLinks.map(seenLink), addresses, routes, rules }
  const inPod = planned.filter((step) => ('netns' in step ? step.netns : step.where) === netns)
  return inPod.reduce(after, start)
}

/** A link of that name. */
export function linkIn({ links }: PodView, name: IfName): ViewLink | undefined {
  return links.find((link) => link.name === name)
}

/** Addresses of a link. */
export function addressesIn({ addresses }: PodView, name: IfName): Cidr[] {
  return addresses.filter(({ link }) => link === name).map(({ cidr }) => cidr)
}

function seenLink(link: Link): ViewLink {
  const { name, arpType, up, address } = link
  return { name, kind: kindName(link), arpType, up, address, seen: true }
}

function after(view: PodView, step: Step): PodView {
  const { links, addresses, routes, rules } = view
  switch (step.do) {
    case 'create-link':
      return { ...view, links: [...links, plannedLink(step)] }
    case 'move-link': {
      const { temp: name, was } = step
      const link = { name, kind: 'device', arpType: ARP_TYPE.ethernet, up: false, seen: false }
      return { ...view, links: [...links, { ...link, address: was.address }] }
    }
    case 'rename-link':
      return { ...view, links: changed(links, step.from, { name: step.to }) }
    case 'set-link': {
      const { up, address } = step.set
      const change = { ...(up && { up }), ...(address !== undefined && { address }) }
      return { ...view, links: changed(links, step.link, change) }
    }
    case 'add-address': {
      const { link, cidr } = step
      const connected = connectedRoute(cidr, link)
      return {
        ...view,
        addresses: [...addresses, { link, cidr }],
        routes: connected === undefined ? routes : [...routes, connected],
      }
    }
    case 'add-route':
      return { ...view, routes: [...routes, step.route] }
    case 'remove-route':
      return { ...view, routes: routes.filter((route) => !isSame(route, step.route)) }
    case 'add-rule':
      return { ...view, rules: [...rules, step.rule] }
    default:
      return view
  }
}

function plannedLink({ temp: name, spec, address }: CreateLink): ViewLink {
  const arpType = spec.kind === 'ipoib' ? ARP_TYPE.infiniband : ARP_TYPE.ethernet
  return { name, kind: spec.kind, arpType, up: false, address, seen: false }
}

function changed(
  links: readonly ViewLink[],
  name: IfName,
  change: Partial<ViewLink>,
): readonly ViewLink[] {
  return links.map((link) => (link.name === name ? { ...link, ...change } : link))
}

function isSame(one: Route, other: Route): boolean {
  const { dst, via, dev, table } = other
  return one.dst === dst && one.via === via && one.dev === dev && one.table === table
}
