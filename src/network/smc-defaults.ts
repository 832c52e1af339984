/**
 * What admission writes into a SpiderMultusConfig before it looks at its rules.
 * Values that the schema knows (mtu, linkState, ...) are there already.
 * @module
 */
import type {
  IpPools,
  OverEthernet,
  SpiderMultusConfig,
  SpiderMultusConfigSpec,
} from '#schema/spider-multus-config.ts'
import type { CoordinatorSpec } from '#schema/spider-coordinator.ts'
import type { CniType } from './cni-block.ts'
import { NETWORK_ANNOTATION } from './network-annotation.ts'
import { normaliseCoordinator } from './spider-coordinator.ts'

type Spec = SpiderMultusConfigSpec

const NO_POOLS: IpPools = { matchMasterSubnet: false }

/** The coordinator of a network that does not speak of one. */
const COORDINATOR: CoordinatorSpec = {
  mode: 'auto',
  hijackCIDR: [],
  policyRoutes: [],
  podMACPrefix: '',
  tunePodRoutes: true,
  podDefaultRouteNIC: '',
  hostRuleTable: 500,
  podRPFilter: 0,
  txQueueLen: 0,
  vethLinkAddress: '',
}

/** The document with every default filled in. */
export function withDefaults(smc: SpiderMultusConfig): SpiderMultusConfig {
  const spec = BLOCK_DEFAULTS[smc.spec.cniType](smc.spec)
  return {
    ...smc,
    metadata: withInjectLabels(smc.metadata),
    spec: { ...withCoordinator(spec), chainCNIJsonData: spec.chainCNIJsonData ?? [] },
  }
}

/** cniType → its block with defaults; a block that is not there stays away. */
const BLOCK_DEFAULTS: Readonly<Record<CniType, (spec: Spec) => Spec>> = {
  macvlan: (spec) => ({ ...spec, ...(spec.macvlan && { macvlan: tagged(spec.macvlan) }) }),
  ipvlan: (spec) => ({ ...spec, ...(spec.ipvlan && { ipvlan: tagged(spec.ipvlan) }) }),
  vlan: (spec) => ({ ...spec, ...(spec.vlan && { vlan: withVlanId(spec.vlan) }) }),
  sriov: (spec) => ({ ...spec, ...(spec.sriov && { sriov: { ...SRIOV, ...spec.sriov } }) }),
  ovs: (spec) => ({
    ...spec,
    ...(spec.ovs && { ovs: { vlan: 0, ippools: NO_POOLS, ...spec.ovs } }),
  }),
  'ib-sriov': (spec) => ({
    ...spec,
    ...(spec.ibsriov && { ibsriov: { ...IB_SRIOV, ...spec.ibsriov } }),
  }),
  ipoib: (spec) => ({
    ...spec,
    ...(spec.ipoib && { ipoib: { ippools: NO_POOLS, ...spec.ipoib } }),
  }),
  custom: (spec) => ({ ...spec, customCNI: spec.customCNI ?? '' }),
}

const SRIOV = {
  resourceName: '',
  vlanID: 0,
  minTxRateMbps: 0,
  maxTxRateMbps: 0,
  ippools: NO_POOLS,
} as const
const IB_SRIOV = { resourceName: '', pkey: '', ippools: NO_POOLS } as const

function tagged(block: OverEthernet): OverEthernet {
  return { vlanID: 0, ...overEthernet(block) }
}

function overEthernet<T extends OverEthernet>(block: T): T {
  return {
    rdmaResourceName: '',
    ippools: NO_POOLS,
    ...block,
    ...(block.bond && { bond: { options: '', ...block.bond } }),
  }
}

/** In automatic mode the provider chooses the VLAN, so it gets no default. */
function withVlanId(block: NonNullable<Spec['vlan']>): NonNullable<Spec['vlan']> {
  const filled = overEthernet(block)
  return block.vlanMode === 'manual' ? { ...filled, vlanID: block.vlanID ?? 0 } : filled
}

/** A custom network brings its own chain, so it has no coordinator. */
function withCoordinator(spec: Spec): Spec {
  const { coordinator, ...rest } = spec
  if (spec.cniType === 'custom') return { ...rest, enableCoordinator: false }
  return { ...rest, coordinator: normaliseCoordinator(coordinator ?? COORDINATOR) }
}

/** Both inject annotations become labels too, so that they can be selected by. */
function withInjectLabels(
  metadata: SpiderMultusConfig['metadata'],
): SpiderMultusConfig['metadata'] {
  const { injectRdma, injectNetwork } = NETWORK_ANNOTATION
  const copied = [injectRdma, injectNetwork].flatMap((key) => {
    const value = metadata.annotations?.[key]
    return value === undefined ? [] : [[key, value]]
  })
  if (copied.length === 0) return metadata
  return { ...metadata, labels: { ...metadata.labels, ...Object.fromEntries(copied) } }
}
