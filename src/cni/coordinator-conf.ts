/**
 * Configuration of the coordinator. What a network does not say comes from the
 * cluster's SpiderCoordinator; whoever knows one merges it in before, so that
 * here only the fixed defaults remain.
 * @module
 */
import { type IfName, parseIfName } from '#values/if-name.ts'
import type { Cidr } from '#values/cidr.ts'
import type { Ip } from '#values/ip.ts'
import { COORDINATOR_CONF, type CoordinatorDocument } from '#schema/cni-conf.ts'
import { confReader } from './conf.ts'
import { fail } from './failures.ts'

export type CoordinatorConf = {
  /** `auto`: underlay on the pod's first interface, and wherever that one was coordinated so. */
  readonly mode: 'auto' | 'underlay' | 'disabled'
  /** The pod's first interface. */
  readonly firstNic: IfName
  readonly vethLinkAddress: Ip | undefined
  /** Bytes. */
  readonly vethMtu: number
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
  // The enumeration of the CRD has one spelling, the plugin it was written for the other.
  ['disabled', 'disabled'],
  ['disable', 'disabled'],
])

const read = confReader(COORDINATOR_CONF)

/**
 * @throws {Failure} `plugin-conf-invalid`, `plugin-field-unsupported`, `coordinator-mode-unknown`
 */
export function parseCoordinator(raw: unknown): { conf: CoordinatorConf; warnings: string[] } {
  const { value, warnings } = read(raw)
  const mode = MODES.get(value.mode ?? '')
  if (value.mode === 'overlay') refuse('mode', 'overlay', 'only underlay is there')
  if (mode === undefined) throw fail('coordinator-mode-unknown', { mode: value.mode })
  const firstNic = value.podDefaultCniNic ?? FIRST_NIC
  refuseUnsupported(value, firstNic)
  return {
    conf: {
      mode,
      firstNic,
      vethLinkAddress: value.vethLinkAddress,
      vethMtu: value.vethMTU || VETH_MTU,
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

function refuseUnsupported(value: CoordinatorDocument, firstNic: IfName): void {
  const { podMACPrefix, podDefaultRouteNic: routeNic } = value
  if (podMACPrefix !== undefined) {
    const reason = 'an interface keeps its address; on IPoIB the kernel makes it'
    refuse('podMACPrefix', podMACPrefix, reason)
  }
  if (routeNic !== undefined && routeNic !== firstNic) {
    refuse('podDefaultRouteNic', routeNic, `the default route stays on ${firstNic}`)
  }
}

function refuse(field: string, value: string, reason: string): never {
  throw fail('plugin-field-unsupported', { field, value, type: 'coordinator', reason })
}
