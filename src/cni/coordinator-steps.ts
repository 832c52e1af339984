/**
 * The parts of the coordinator's plan that make pod and host know each other:
 * the veth pair, and what either side knows of the other.
 * @module
 */
import type { HardwareAddress } from '#values/hardware-address.ts'
import { type IfName, parseIfName } from '#values/if-name.ts'
import type { Ip } from '#values/ip.ts'
import type { NetnsPath } from '#values/netns.ts'
import type { Step } from '#values/step.ts'
import { hostRoute, ruleToPod, whole } from './coordinator-rules.ts'
import { planMadeLink } from './made-link.ts'
import type { PluginRequest } from './plugin.ts'

/** The pod's end of the pair. */
export const POD_VETH: IfName = parseIfName('veth0')

/** The pair's ends: the host's name, and both hardware addresses. */
export type Pair = {
  readonly hostName: IfName
  readonly podMac: HardwareAddress
  readonly hostMac: HardwareAddress
}

/** A pod, its addresses, and the host's of the same families, the one used toward it first. */
export type Sides = {
  readonly netns: NetnsPath
  /** The pod's link that leads to the host. */
  readonly dev: IfName
  readonly podIps: readonly Ip[]
  readonly hostIps: readonly Ip[]
}

/** Makes the pair and sets both ends up: routes on a link that is down are refused. */
export function planPair(
  request: PluginRequest<unknown>,
  { hostName, podMac, hostMac }: Pair,
  conf: { vethMtu: number; vethLinkAddress: Ip | undefined },
): Step[] {
  const { netns } = request
  const { vethMtu: mtu, vethLinkAddress: address } = conf
  const peer = { name: hostName, address: hostMac, mtu }
  const linkAddress: Step[] =
    address === undefined
      ? []
      : [{ do: 'add-address', where: netns, link: POD_VETH, cidr: whole(address) }]
  return [
    ...planMadeLink(request, {
      way: 'in-place',
      name: POD_VETH,
      spec: { kind: 'veth', peer },
      mtu,
      address: podMac,
    }),
    { do: 'set-link', where: netns, link: POD_VETH, set: { up: true } },
    { do: 'set-link', where: 'host', link: hostName, set: { up: true } },
    ...linkAddress,
  ]
}

/** On the host: where the pod's addresses are, and the way there before any other. */
export function planHostSide(
  podIps: readonly Ip[],
  pair: Omit<Pair, 'hostMac'>,
  table: number,
): Step[] {
  const { hostName: link, podMac } = pair
  return podIps.flatMap((ip): Step[] => [
    {
      do: 'add-neighbour',
      where: 'host',
      neighbour: { link, ip, address: podMac, permanent: true },
    },
    { do: 'add-route', where: 'host', route: hostRoute(ip, link, table) },
    { do: 'add-rule', where: 'host', rule: ruleToPod(ip, table) },
  ])
}

/** In the pod: the way to the host's addresses, in each of `tables`. */
export function planRoutesToHost(
  { netns, dev, hostIps }: Sides,
  tables: readonly number[],
): Step[] {
  return hostIps.flatMap((ip) =>
    tables.map((table): Step => ({
      do: 'add-route',
      where: netns,
      route: hostRoute(ip, dev, table),
    })),
  )
}

/** In the pod: the hardware address behind every address of the host. */
export function planPodNeighbours(
  { netns, dev: link, hostIps }: Sides,
  address: HardwareAddress,
): Step[] {
  return hostIps.map((ip) => ({
    do: 'add-neighbour',
    where: netns,
    neighbour: { link, ip, address, permanent: true },
  }))
}
