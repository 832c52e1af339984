/**
 * The configuration of a main plugin's link after it has its name: sysctls, up,
 * addresses, routes; and the result that says so. IPv6 addresses come without
 * duplicate detection (the step implies it), so nothing waits.
 *
 * Spec: CNI 1.1.0, section 5; the order of containernetworking's ConfigureIface.
 * @module
 */
import type { IfName } from '#values/if-name.ts'
import { type Family, type Ip, familyOf } from '#values/ip.ts'
import { cidrParts, networkOf } from '#values/cidr.ts'
import { VERBENA_PROTOCOL } from '#values/mark.ts'
import { MAIN_TABLE, type Route, type RouteScope } from '#values/route.ts'
import type { Step } from '#values/step.ts'
import { NO_DNS } from '#wire/cni/empty-result.ts'
import type { Addressing, CniDns, CniInterface, CniResult, CniRoute } from '#wire/cni/result.ts'
import { fail } from './failures.ts'
import type { PluginRequest } from './plugin.ts'

/** Sysctl of loopback that tells both whether there is IPv6 at all and whether it is off. */
export const IPV6_SYSCTL = 'net/ipv6/conf/lo/disable_ipv6'

const SCOPES: Readonly<Record<number, RouteScope>> = { 253: 'link', 254: 'host' }

/** A setting of the link itself, below `net/FAMILY/conf/IF/`. */
export type LinkSetting = { readonly family: Family; readonly name: string; readonly value: string }

/**
 * Steps from a link that has its name and is down to one that is addressed and
 * up. `ipv6Disabled` is what {@link IPV6_SYSCTL} held.
 * @throws {Failure} `plugin-addresses-missing`: the IPAM gave none
 */
export function planAddressing(
  request: PluginRequest<unknown>,
  saw: {
    ipv6Disabled: string | undefined
    settings: readonly LinkSetting[]
    /** It has no carrier when it goes up, and the kernel announces into nothing. */
    carriesLate?: boolean
  },
): Step[] {
  const { netns, ifName, addressing } = request
  if (addressing?.ips.length === 0) throw fail('plugin-addresses-missing', { ifName })
  const ips = addressing?.ips ?? []
  const hasIpv6 = ips.some(({ address }) => familyOf(address) === 6)
  const settings = hasIpv6
    ? [...saw.settings, ...IPV6_SETTINGS]
    : saw.settings.filter(({ family }) => family === 4)
  const loopback: Step[] =
    hasIpv6 && saw.ipv6Disabled === '1'
      ? [{ do: 'set-sysctl', where: netns, path: IPV6_SYSCTL, value: '0', was: '1' }]
      : []
  return [
    ...loopback,
    ...settings.map(({ family, name, value }): Step => {
      const path = `net/ipv${family}/conf/${ifName}/${name}`
      return { do: 'set-sysctl', where: netns, path, value, was: undefined }
    }),
    ...planAddresses(request, ips, saw.carriesLate ?? false),
    ...routesOf(addressing, ifName).map((route): Step => ({
      do: 'add-route',
      where: netns,
      route,
    })),
  ]
}

/**
 * The addresses come before the link goes up: then the kernel announces them,
 * which it does not for an address that comes later (arp_notify, ndisc_notify).
 * Where the network is asked first, the link must be up for that.
 */
function planAddresses(
  { netns, ifName, probes = [] }: PluginRequest<unknown>,
  ips: Addressing['ips'],
  carriesLate: boolean,
): Step[] {
  const up: Step = { do: 'set-link', where: netns, link: ifName, set: { up: true } }
  const addresses = ips.map(({ address }): Step => ({
    do: 'add-address',
    where: netns,
    link: ifName,
    cidr: address,
  }))
  const told = ips.map(({ address }) => cidrParts(address).ip)
  const announce: Step = { do: 'announce', where: netns, link: ifName, ips: told }
  if (probes.length > 0) {
    return [up, { do: 'probe', where: netns, link: ifName, probes }, ...addresses, announce]
  }
  return [...addresses, up, ...(carriesLate && ips.length > 0 ? [announce] : [])]
}

const IPV6_SETTINGS: readonly LinkSetting[] = [
  { family: 6, name: 'disable_ipv6', value: '0' },
  { family: 6, name: 'keep_addr_on_down', value: '1' },
]

/**
 * The routes that an addressing asks for on `dev`. One without gateway goes
 * through the first gateway of its family, unless it is told to be on the link.
 */
export function routesOf(
  addressing: Pick<Addressing, 'ips' | 'routes'> | undefined,
  dev: IfName,
): Route[] {
  const gateways = new Map<Family, Ip>()
  for (const { gateway } of addressing?.ips ?? []) {
    if (gateway === undefined || gateways.has(familyOf(gateway))) continue
    gateways.set(familyOf(gateway), gateway)
  }
  const routes = (addressing?.routes ?? []).map((route) => routeOf(route, dev, gateways))
  const seen = new Set<string>()
  return routes.filter(({ dst, via, table }) => {
    const key = `${dst} ${via} ${table}`
    return !seen.has(key) && seen.add(key)
  })
}

function routeOf(from: CniRoute, dev: IfName, gateways: ReadonlyMap<Family, Ip>): Route {
  const scope = SCOPES[from.scope ?? 0] ?? 'global'
  const via = from.gw ?? (scope === 'global' ? gateways.get(familyOf(from.dst)) : undefined)
  return {
    dst: networkOf(from.dst),
    via,
    dev,
    table: from.table ?? MAIN_TABLE,
    scope: via === undefined && familyOf(from.dst) === 4 && scope === 'global' ? 'link' : scope,
    src: undefined,
    priority: from.priority,
    onlink: false,
    protocol: VERBENA_PROTOCOL,
  }
}

/** The result of a main plugin: one interface, and the addresses on it. */
export function answerOf(
  { netns, ifName, addressing }: PluginRequest<unknown>,
  made: Pick<CniInterface, 'mac' | 'mtu'> & { dns: CniDns | undefined },
): CniResult {
  return {
    interfaces: [{ name: ifName, mac: made.mac, mtu: made.mtu, sandbox: netns, rest: {} }],
    ips: (addressing?.ips ?? []).map((ip) => ({ ...ip, interface: 0 })),
    routes: addressing?.routes ?? [],
    dns: made.dns ?? addressing?.dns ?? NO_DNS,
  }
}
