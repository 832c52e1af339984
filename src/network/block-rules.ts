/**
 * Rules of the block that belongs to the `cniType` of a SpiderMultusConfig.
 * Texts are Spiderpool's where they are known. Ranges of numbers (VLAN 0 to
 * 4094, MTU not negative) are the schema's and cannot be broken here, but for ovs.
 * @module
 */
import type { FieldFault } from '#values/admission.ts'
import { invalid, required } from '#schema/fault.ts'
import type { OverEthernet, SpiderMultusConfigSpec } from '#schema/spider-multus-config.ts'
import { CNI_BLOCKS, type CniType } from './cni-block.ts'

type Spec = SpiderMultusConfigSpec
type Rule = (spec: Spec, field: string) => FieldFault | undefined

const MAX_VLAN = 4094

/** The first rule that the block of the type breaks; a missing block is one. */
export function blockFault(spec: Spec): FieldFault | undefined {
  const { key, field } = CNI_BLOCKS[spec.cniType]
  if (spec[key] === undefined) return required(field, `no ${field} specified`)
  return RULES[spec.cniType](spec, field)
}

const RULES: Readonly<Record<CniType, Rule>> = {
  macvlan: ({ macvlan }, field) => macvlan && overEthernetFault(macvlan, field),
  ipvlan: ({ ipvlan }, field) => ipvlan && overEthernetFault(ipvlan, field),
  vlan: vlanFault,
  sriov: sriovFault,
  ovs: ovsFault,
  'ib-sriov': ({ ibsriov }, field) => resourceFault(ibsriov?.resourceName, field),
  ipoib: ({ ipoib }, field) =>
    ipoib?.master ? undefined : required(field, `no ${field}[master] specified`),
  custom: () => undefined,
}

function overEthernetFault(block: OverEthernet, field: string): FieldFault | undefined {
  const { master, bond, ippools } = block
  if (ippools?.matchMasterSubnet === true) {
    return invalid(
      field,
      true,
      'matchMasterSubnet is only supported for sriov, ib-sriov, ipoib and ovs',
    )
  }
  if (master.length === 0) return invalid(field, master, "master can't be empty")
  if (master.length === 1) return undefined
  if (bond === undefined) {
    return invalid(field, master, 'the bond property is nil with multiple Interfaces')
  }
  return bond.name === '' ? invalid(field, bond, "bond name can't be empty") : undefined
}

function vlanFault({ vlan }: Spec, field: string): FieldFault | undefined {
  if (vlan === undefined) return undefined
  const fault = overEthernetFault(vlan, field)
  if (fault !== undefined || vlan.vlanMode !== 'auto' || vlan.vlanID === undefined) return fault
  return invalid(field, vlan.vlanID, 'vlanId must not be specified when vlanMode is auto')
}

/** A rate of 0 is no limit, so a minimum alone is legal. */
function sriovFault({ sriov }: Spec, field: string): FieldFault | undefined {
  if (sriov === undefined) return undefined
  const { minTxRateMbps: min = 0, maxTxRateMbps: max = 0 } = sriov
  if (max > 0 && min > max) {
    return invalid(field, min, 'minTxRateMbps must be less than maxTxRateMbps')
  }
  return resourceFault(sriov.resourceName, field)
}

function resourceFault(resourceName: string | undefined, field: string): FieldFault | undefined {
  return resourceName ? undefined : required(field, `no ${field}[resourceName] specified`)
}

function ovsFault({ ovs }: Spec, field: string): FieldFault | undefined {
  const { vlan = 0, trunk = [] } = ovs ?? {}
  if (vlan < 0 || vlan > MAX_VLAN) {
    const detail = `invalid vlanId ${vlan}, please make sure vlanId in range [0,${MAX_VLAN}]`
    return invalid(field, vlan, detail)
  }
  const crossed = trunk.find(({ minID = 0, maxID = MAX_VLAN }) => maxID < minID)
  if (crossed === undefined) return undefined
  return invalid(field, crossed, 'minID is greater than maxID in trunk parameter')
}
