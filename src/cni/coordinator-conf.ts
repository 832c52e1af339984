/**
 * Configuration of the coordinator. What a network does not say comes from the
 * cluster's SpiderCoordinator; whoever knows one merges it in before, so that
 * here only the fixed defaults remain.
 * @module
 */
import { type IfName, parseIfName } from '#values/if-name.ts'
import type { Cidr } from '#values/cidr.ts'
import type { Ip } from '#values/ip.ts'
import { COORDINATOR_CONF } from '#schema/cni-conf.ts'
import { confReader } from './conf.ts'
import { fail } from './failures.ts'
import { parseMacPrefix } from './mac.ts'

export type CoordinatorConf = {
  /** `auto`: underlay on the pod's first interface and where there is a pair, else overlay. */
  readonly mode: 'auto' | 'underlay' | 'overlay' | 'disabled'
  /** The pod's first interface. */
  readonly firstNic: IfName
  /** Interface that keeps the pod's default route; undefined: the one that has it. */
  readonly routeNic: IfName | undefined
  readonly vethLinkAddress: Ip | undefined
  /** Bytes. */
  readonly vethMtu: number
  /** First two bytes of the interface's hardware address. */
  readonly macPrefix: string | undefined
  /** What the pod reaches through the host: pod, service and other CIDRs. */
  readonly hijack: readonly Cidr[]
  readonly policyRoutes: readonly { readonly dst: Cidr; readonly gw: Ip }[]
  readonly tunePodRoutes: boolean
  readonly hostTable: number
  /** Undefined: leave it alone. */
  readonly rpFilter: string | undefined
  /** Undefined: leave it alone. */
  readonly txQueueLength: number | undefined
}

/** Table on the host of the routes to its pods, unless the configuration names another. */
export const HOST_TABLE = 500
/** The pod's first interface, unless the configuration names another. */
export const FIRST_NIC: IfName = parseIfName('eth0')

const VETH_MTU = 1500
const MODES: ReadonlyMap<string, CoordinatorConf['mode']> = new Map([
  ['', 'auto'],
  ['auto', 'auto'],
  ['underlay', 'underlay'],
  ['overlay', 'overlay'],
  // The enumeration of the CRD has one spelling, the plugin it was written for the other.
  ['disabled', 'disabled'],
  ['disable', 'disabled'],
])

const read = confReader(COORDINATOR_CONF)

/** @throws {Failure} `plugin-conf-invalid`, `coordinator-mode-unknown` */
export function parseCoordinator(raw: unknown): { conf: CoordinatorConf; warnings: string[] } {
  const { value, warnings } = read(raw)
  const mode = MODES.get(value.mode ?? '')
  if (mode === undefined) throw fail('coordinator-mode-unknown', { mode: value.mode })
  return {
    conf: {
      mode,
      firstNic: value.podDefaultCniNic ?? FIRST_NIC,
      routeNic: value.podDefaultRouteNic,
      vethLinkAddress: value.vethLinkAddress,
      vethMtu: value.vethMTU || VETH_MTU,
      macPrefix: value.podMACPrefix && parseMacPrefix(value.podMACPrefix),
      hijack: [...value.overlayPodCIDR, ...value.serviceCIDR, ...value.hijackCIDR],
      policyRoutes: value.policyRoutes,
      tunePodRoutes: value.tunePodRoutes,
      hostTable: value.hostRuleTable || HOST_TABLE,
      rpFilter: value.podRPFilter < 0 ? undefined : String(value.podRPFilter),
      txQueueLength: value.txQueueLen || undefined,
    },
    warnings,
  }
}
