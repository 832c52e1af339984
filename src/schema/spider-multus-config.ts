/**
 * SpiderMultusConfig: a network, from which a NetworkAttachmentDefinition follows.
 *
 * Spec: CRD spidermultusconfigs.spiderpool.spidernet.io, v2beta1. Namespaced, no
 * status. The key of a block is that of the spec (`ibsriov`), the value of
 * `cniType` is that of the plugin (`ib-sriov`).
 * @module
 */
import { headOf } from './metadata.ts'
import { coordinatorSpec } from './spider-coordinator.ts'
import { z } from './zod.ts'

/** Kinds of networks. */
export const CNI_TYPES = [
  'macvlan',
  'ipvlan',
  'vlan',
  'sriov',
  'ovs',
  'ib-sriov',
  'ipoib',
  'custom',
] as const

const MAX_VLAN = 4094
const vlanId = z.int().min(0).max(MAX_VLAN)
const rateMbps = z.int().min(0)
/** Bytes; 0 leaves it to the plugin. */
const mtu = z.int().min(0).default(0)

const ippools = z.object({
  ipv4: z.array(z.string()).exactOptional(),
  ipv6: z.array(z.string()).exactOptional(),
  matchMasterSubnet: z.boolean().default(false),
})

const bond = z.object({
  name: z.string(),
  /** Mode of the bonding driver, 0 to 6. */
  mode: z.int().min(0).max(6),
  options: z.string().exactOptional(),
})

const overEthernet = {
  master: z.array(z.string()),
  mtu,
  vlanID: vlanId.exactOptional(),
  bond: bond.exactOptional(),
  rdmaResourceName: z.string().exactOptional(),
  ippools: ippools.exactOptional(),
}

const sriov = z.object({
  resourceName: z.string().exactOptional(),
  vlanID: vlanId.exactOptional(),
  mtu,
  minTxRateMbps: rateMbps.exactOptional(),
  maxTxRateMbps: rateMbps.exactOptional(),
  rdmaIsolation: z.boolean().default(false),
  ippools: ippools.exactOptional(),
})

const ibsriov = z.object({
  resourceName: z.string().exactOptional(),
  pkey: z.string().exactOptional(),
  linkState: z.enum(['auto', 'enable', 'disable']).default('enable'),
  rdmaIsolation: z.boolean().default(true),
  enableIbKubernetes: z.boolean().default(false),
  ippools: ippools.exactOptional(),
})

const trunk = z.object({
  minID: vlanId.exactOptional(),
  maxID: vlanId.exactOptional(),
  id: vlanId.exactOptional(),
})

const ovs = z.object({
  bridge: z.string(),
  vlan: z.int().exactOptional(),
  trunk: z.array(trunk).exactOptional(),
  deviceID: z.string().exactOptional(),
  ippools: ippools.exactOptional(),
})

const spec = z.object({
  cniType: z.enum(CNI_TYPES).default('custom'),
  macvlan: z.object(overEthernet).exactOptional(),
  ipvlan: z.object(overEthernet).exactOptional(),
  vlan: z
    .object({ ...overEthernet, vlanMode: z.enum(['manual', 'auto']).default('manual') })
    .exactOptional(),
  sriov: sriov.exactOptional(),
  ovs: ovs.exactOptional(),
  ibsriov: ibsriov.exactOptional(),
  ipoib: z
    .object({ master: z.string().exactOptional(), ippools: ippools.exactOptional() })
    .exactOptional(),
  customCNI: z.string().exactOptional(),
  enableCoordinator: z.boolean().default(true),
  disableIPAM: z.boolean().default(false),
  coordinator: coordinatorSpec.exactOptional(),
  /** Each the text of a CNI plugin configuration. */
  chainCNIJsonData: z.array(z.string()).exactOptional(),
})

export const spiderMultusConfig = z.object({
  ...headOf('spiderpool.spidernet.io/v2beta1', 'SpiderMultusConfig'),
  spec: spec.prefault({}),
})
export type SpiderMultusConfig = z.output<typeof spiderMultusConfig>
export type SpiderMultusConfigSpec = SpiderMultusConfig['spec']
export type IpPools = z.output<typeof ippools>
/** The block of macvlan, ipvlan and vlan. */
export type OverEthernet = NonNullable<SpiderMultusConfigSpec['macvlan']>
