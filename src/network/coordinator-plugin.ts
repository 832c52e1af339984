/**
 * The coordinator's object in the chain of a network. Keys stand in the order
 * in which Spiderpool writes them; what is empty is left out.
 * @module
 */
import { type CoordinatorSpec, coordinatorSpec } from '#schema/spider-coordinator.ts'

const HOST_RULE_TABLE = 500

/** The plugin object of a block, or of the defaults when there is none. */
export function coordinatorPlugin(
  spec: CoordinatorSpec = coordinatorSpec.parse({}),
): Readonly<Record<string, unknown>> {
  const { vethLinkAddress, vethMTU, podMACPrefix, podDefaultRouteNIC, podCIDRType } = spec
  const { podRPFilter, hijackCIDR, policyRoutes, hostRuleTable } = spec
  return {
    txQueueLen: spec.txQueueLen,
    ...(vethLinkAddress ? { vethLinkAddress } : {}),
    ...(vethMTU === undefined ? {} : { vethMTU }),
    tunePodRoutes: spec.tunePodRoutes,
    ...(podMACPrefix ? { podMACPrefix } : {}),
    mode: spec.mode,
    type: 'coordinator',
    ...(podDefaultRouteNIC ? { podDefaultRouteNic: podDefaultRouteNIC } : {}),
    ...(podCIDRType !== undefined || podRPFilter !== 0 ? { podRPFilter } : {}),
    ...(hijackCIDR?.length ? { hijackCIDR } : {}),
    ...(policyRoutes?.length
      ? { policyRoutes: policyRoutes.map(({ dst, gw }) => ({ dst, gw })) }
      : {}),
    ...(hostRuleTable === HOST_RULE_TABLE ? {} : { hostRuleTable }),
  }
}
