/**
 * The parts of the coordinator's plan that are about the interface itself: its
 * state, its hardware address, and sysctls.
 * @module
 */
import type { HardwareAddress } from '#values/hardware-address.ts'
import type { IfName } from '#values/if-name.ts'
import { type Ip, familyOf } from '#values/ip.ts'
import type { Step } from '#values/step.ts'
import type { Coordinating } from './coordinator-planning.ts'
import { POD_VETH } from './coordinator-steps.ts'
import { type PodView, linkIn } from './coordinator-view.ts'
import { fail } from './failures.ts'
import { macOfIp } from './mac.ts'

const RP_FILTER = 'net/ipv4/conf/all/rp_filter'
const DISABLE_IPV6 = 'net/ipv6/conf/all/disable_ipv6'
const INFINIBAND = 32

/** The interface: up, where another plugin left it down, and its queue. */
export function planNic({ conf, netns, ifName }: Coordinating, view: PodView): Step[] {
  const isDown = linkIn(view, ifName)?.up === false
  const set = {
    ...(isDown ? { up: true as const } : {}),
    ...(conf.txQueueLength === undefined ? {} : { txQueueLength: conf.txQueueLength }),
  }
  if (Object.keys(set).length === 0) return []
  return [{ do: 'set-link', where: netns, link: ifName, set }]
}

/** The hardware address that the prefix and the first IP address make, where they make one. */
export function madeMac(
  { conf, ifName }: Coordinating,
  view: PodView,
  ips: readonly Ip[],
): HardwareAddress | undefined {
  const [ip] = ips.toSorted((a, b) => familyOf(a) - familyOf(b))
  if (conf.macPrefix === undefined || ip === undefined) return undefined
  if (keepsMac(view, ifName) !== undefined) return undefined
  return macOfIp(conf.macPrefix, ip)
}

/** Why the interface keeps its hardware address, if it does. */
export function keepsMac(view: PodView, ifName: IfName): string | undefined {
  const link = linkIn(view, ifName)
  if (link?.arpType === INFINIBAND) return 'the kernel makes the address of an IPoIB interface'
  if (link?.kind === 'ipvlan') return "an ipvlan bears its master's address"
  return undefined
}

/** Sets that address, and tells the network. */
export function planMac(request: Coordinating, view: PodView, ips: readonly Ip[]): Step[] {
  const { netns: where, ifName: link } = request
  const address = madeMac(request, view, ips)
  const now = linkIn(view, link)
  if (address === undefined || now?.address === address) return []
  const isForeign = now?.seen === true && now.address !== undefined
  const was = isForeign ? { was: { address: now.address } } : {}
  return [
    { do: 'set-link', where, link, set: { address }, ...was },
    { do: 'announce', where, link, ips },
  ]
}

/** Sysctls that are read before they are written: the pod's, and the interface's own. */
export function sysctlPaths({ conf, ifName }: Coordinating, ips: readonly Ip[]): string[] {
  const hasIpv6 = ips.some((ip) => familyOf(ip) === 6)
  return [
    ...(conf.rpFilter === undefined ? [] : [RP_FILTER, rpFilterOf(ifName)]),
    ...(hasIpv6 ? [DISABLE_IPV6] : []),
  ]
}

/** The kernel takes the greater of `all` and the interface's, so both are set. */
export function planSysctls(
  request: Coordinating,
  of: {
    readonly view: PodView
    readonly ips: readonly Ip[]
    readonly values: Readonly<Record<string, string | undefined>>
  },
): Step[] {
  const { conf, netns, ifName } = request
  const { view, ips, values } = of
  return sysctlPaths(request, ips).flatMap((path): Step[] => {
    const value = path === DISABLE_IPV6 ? '0' : (conf.rpFilter ?? '')
    const was = values[path]
    const isToCome = path === rpFilterOf(ifName) && linkIn(view, ifName)?.seen !== true
    if (was === undefined && !isToCome) throw fail('coordinator-sysctl-missing', { path })
    return was === value ? [] : [{ do: 'set-sysctl', where: netns, path, value, was }]
  })
}

/** The same of the pair's end, which is new. */
export function planVethFilter({ conf, netns }: Coordinating): Step[] {
  if (conf.rpFilter === undefined) return []
  const path = rpFilterOf(POD_VETH)
  return [{ do: 'set-sysctl', where: netns, path, value: conf.rpFilter, was: undefined }]
}

function rpFilterOf(link: IfName): string {
  return `net/ipv4/conf/${link}/rp_filter`
}
