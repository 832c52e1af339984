/**
 * What the cluster's SpiderCoordinator says where a network says nothing. With
 * none, the built-in one holds: the chart's defaults, no pod or service CIDRs.
 *
 * Spec: Spiderpool, coordinator plugin: a value that is absent or empty in the
 * configuration comes from the agent.
 * @module
 */
import type { Document } from '#needs/records.ts'

type Conf = Readonly<Record<string, unknown>>

/** Defaults of the chart. */
const BUILT_IN: Conf = { hijackCIDR: ['169.254.0.0/16'] }
/** Fields of the document's `spec` under the names of the plugin's configuration. */
const FIELDS = [
  ['mode', 'mode'],
  ['hijackCIDR', 'hijackCIDR'],
  ['policyRoutes', 'policyRoutes'],
  ['podMACPrefix', 'podMACPrefix'],
  ['tunePodRoutes', 'tunePodRoutes'],
  ['podDefaultRouteNIC', 'podDefaultRouteNic'],
  ['hostRuleTable', 'hostRuleTable'],
  ['podRPFilter', 'podRPFilter'],
  ['txQueueLen', 'txQueueLen'],
  ['vethLinkAddress', 'vethLinkAddress'],
  ['vethMTU', 'vethMTU'],
] as const

/** Annotation of a pod that names the interface of its default route. */
const ROUTE_NIC = 'ipam.spidernet.io/default-route-nic'

/**
 * The configuration of a plugin `coordinator` with the cluster's values in its
 * gaps; of those the pod's annotation replaces one. Pure.
 */
export function withCoordinatorValues(
  conf: Conf,
  coordinator: Document | undefined,
  pod: Document | undefined,
): Conf {
  const routeNic = pod?.metadata.annotations?.[ROUTE_NIC]
  const cluster = {
    ...(coordinator === undefined ? BUILT_IN : valuesOf(coordinator)),
    ...(routeNic ? { podDefaultRouteNic: routeNic } : {}),
  }
  const gaps = Object.entries(cluster).filter(([key]) => isEmpty(conf[key]))
  return { ...conf, ...Object.fromEntries(gaps) }
}

function valuesOf(coordinator: Document): Conf {
  const spec = fieldsOf(coordinator['spec'])
  const status = fieldsOf(coordinator['status'])
  const values = [
    ...FIELDS.map(([field, key]) => [key, spec[field]] as const),
    ['overlayPodCIDR', status['overlayPodCIDR']] as const,
    ['serviceCIDR', status['serviceCIDR']] as const,
  ]
  return Object.fromEntries(values.filter(([, value]) => !isEmpty(value)))
}

function fieldsOf(value: unknown): Conf {
  return typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value))
    : {}
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true
  return Array.isArray(value) && value.length === 0
}
