/**
 * Where a SpiderMultusConfig keeps what belongs to its `cniType`, and what
 * admission calls it: the names in errors are fixed words that differ from the
 * keys of the spec.
 * @module
 */
import type { IpPools, SpiderMultusConfigSpec } from '#schema/spider-multus-config.ts'

export type CniType = SpiderMultusConfigSpec['cniType']
export type BlockKey =
  | 'macvlan'
  | 'ipvlan'
  | 'vlan'
  | 'sriov'
  | 'ovs'
  | 'ibsriov'
  | 'ipoib'
  | 'customCNI'

/** cniType → key of its block, and the field that an error of it names. */
export const CNI_BLOCKS: Readonly<Record<CniType, { key: BlockKey; field: string }>> = {
  macvlan: { key: 'macvlan', field: 'spec.macvlanConfig' },
  ipvlan: { key: 'ipvlan', field: 'spec.ipvlanConfig' },
  vlan: { key: 'vlan', field: 'spec.vlan' },
  sriov: { key: 'sriov', field: 'spec.sriovConfig' },
  ovs: { key: 'ovs', field: 'spec.ovsConfig' },
  'ib-sriov': { key: 'ibsriov', field: 'spec.ibsriovConfig' },
  ipoib: { key: 'ipoib', field: 'spec.ipoibConfig' },
  custom: { key: 'customCNI', field: 'spec.customCniTypeConfig' },
}

/** Keys of all blocks, in the order of the schema. */
export const BLOCK_KEYS: readonly BlockKey[] = Object.values(CNI_BLOCKS).map(({ key }) => key)

/** The pools of the block that belongs to the type; undefined without block or pools. */
export function poolsOf(spec: SpiderMultusConfigSpec): IpPools | undefined {
  const { key } = CNI_BLOCKS[spec.cniType]
  return key === 'customCNI' ? undefined : spec[key]?.ippools
}

/** Name by which the kubelet counts what the network needs; empty when nothing is counted. */
export function resourceOf(spec: SpiderMultusConfigSpec): string {
  switch (spec.cniType) {
    case 'macvlan':
    case 'ipvlan':
    case 'vlan':
      return spec[spec.cniType]?.rdmaResourceName ?? ''
    case 'sriov':
      return spec.sriov?.resourceName ?? ''
    case 'ib-sriov':
      return spec.ibsriov?.resourceName ?? ''
    case 'ipoib':
      return spec.ipoib?.master ?? ''
    case 'ovs':
    case 'custom':
      return ''
  }
}
