/**
 * What the tests of the coordinator share about a later interface: what its
 * main plugin is going to do, and the pod that it comes into.
 * @module
 */
import { parseHardwareAddress } from '#values/hardware-address.ts'
import { parseIfName } from '#values/if-name.ts'
import { parseCidr } from '#values/cidr.ts'
import { parseIp } from '#values/ip.ts'
import type { Link } from '#values/link.ts'
import type { Route } from '#values/route.ts'
import type { Step } from '#values/step.ts'
import { link, request, resultFor } from './coordinator-sample.ts'

const net1 = parseIfName('net1')
/** A route of a later interface, as the kernel makes it. */
export const kept: Route = {
  dst: parseCidr('10.20.0.0/16'),
  via: undefined,
  dev: net1,
  table: 254,
  scope: 'link',
  src: parseIp('10.20.0.5'),
  priority: undefined,
  onlink: false,
  protocol: 2,
}
const prevLater = resultFor(
  net1,
  ['10.20.0.5/16'],
  [
    {
      dst: parseCidr('10.21.0.0/16'),
      gw: parseIp('10.20.0.1'),
      mtu: undefined,
      advmss: undefined,
      priority: undefined,
      table: undefined,
      scope: undefined,
    },
  ],
)
export const later = { ...request, ifName: net1, prevResult: prevLater }
/** A pod whose first interface has its pair. */
export const pairedPod: readonly Link[] = [{ ...link, index: 2, name: request.ifName }, link]
/** What the main plugin of the later interface is going to do. */
export const laterPlanned: readonly Step[] = [
  {
    do: 'create-link',
    netns: request.netns,
    way: 'in-place',
    temp: net1,
    name: net1,
    mark: 'mark-2',
    spec: { kind: 'macvlan', parent: parseIfName('mgmt1'), mode: 'bridge' },
    mtu: undefined,
    address: parseHardwareAddress('02:00:00:00:00:0c'),
  },
  { do: 'set-link', where: request.netns, link: net1, set: { up: true } },
  { do: 'add-address', where: request.netns, link: net1, cidr: parseCidr('10.20.0.5/16') },
  {
    do: 'add-route',
    where: request.netns,
    route: {
      ...kept,
      dst: parseCidr('10.21.0.0/16'),
      via: parseIp('10.20.0.1'),
      src: undefined,
      scope: 'global',
      protocol: 118,
    },
  },
]
