/**
 * What the tests of the plugins share: links, a request, addresses, a result before.
 * @module
 */
import { parseHardwareAddress } from '#values/hardware-address.ts'
import { parseIfName } from '#values/if-name.ts'
import { parseCidr } from '#values/cidr.ts'
import { parseIp } from '#values/ip.ts'
import type { Link } from '#values/link.ts'
import { parseNetnsPath } from '#values/netns.ts'
import type { Step } from '#values/step.ts'
import { NO_DNS } from '#wire/cni/empty-result.ts'
import type { Addressing, CniResult } from '#wire/cni/result.ts'
import { master } from './macvlan-sample.ts'
import type { PluginRequest } from './plugin.ts'
import type { PodSaw } from './main-link.ts'

export const NETNS = parseNetnsPath('/run/netns/a')
export const NET1 = parseIfName('net1')
const MAC = parseHardwareAddress('02:00:00:00:00:aa')

/** An Ethernet link of the host, `ens1` unless it says another. */
export function linkNamed(name: string, more: Partial<Link> = {}): Link {
  return { ...master, name: parseIfName(name), ...more }
}

export const NOTHING_THERE: PodSaw = { existing: undefined, ipv6Disabled: '0' }
export const ADDRESSING: Addressing = {
  ips: [
    { address: parseCidr('10.1.0.5/24'), gateway: parseIp('10.1.0.1'), interface: undefined },
    { address: parseCidr('fd01::5/64'), gateway: undefined, interface: undefined },
  ],
  routes: [],
  dns: NO_DNS,
}
/** What a main plugin answered with {@link ADDRESSING}. */
export const PREVIOUS: CniResult = {
  ...ADDRESSING,
  interfaces: [{ name: NET1, mac: MAC, mtu: 1500, sandbox: NETNS, rest: {} }],
  ips: ADDRESSING.ips.map((ip) => ({ ...ip, interface: 0 })),
}

/** A request for `conf` in which nothing is amiss. */
export function requestFor<Conf>(
  conf: Conf,
  more: Partial<PluginRequest<unknown>> = {},
): PluginRequest<Conf> {
  return {
    netns: NETNS,
    ifName: NET1,
    containerId: 'c1',
    mark: 'mark-1',
    temp: parseIfName('vbtemp'),
    prevResult: undefined,
    addressing: undefined,
    ...more,
    conf,
  }
}

/** The steps of a main plugin that made {@link NET1} with {@link ADDRESSING}. */
export const MAKES_NET1: readonly Step[] = [
  {
    do: 'create-link',
    netns: NETNS,
    way: 'in-place',
    temp: NET1,
    name: NET1,
    mark: 'mark-1',
    spec: { kind: 'macvlan', parent: master.name, mode: 'bridge' },
    mtu: 1500,
    address: MAC,
  },
  ...ADDRESSING.ips.map(({ address: cidr }): Step => ({
    do: 'add-address',
    where: NETNS,
    link: NET1,
    cidr,
  })),
]
