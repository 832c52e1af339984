/**
 * SpiderMultusConfig → NetworkAttachmentDefinition. One mechanism for all kinds:
 * a table says which objects stand before, as, and after the main plugin; what
 * surrounds them is the same for all. `spec.config` is the same bytes that
 * Spiderpool writes: the order of keys here is the order there.
 *
 * Spec: CNI 0.3.1 to 1.0.0, section 1 (network configuration list).
 * @module
 */
import type { Document } from '#needs/records.ts'
import { NAD_API_VERSION, NAD_KIND } from '#schema/nad.ts'
import type {
  OverEthernet,
  SpiderMultusConfig,
  SpiderMultusConfigSpec,
} from '#schema/spider-multus-config.ts'
import { CNI_BLOCKS, type CniType, poolsOf, resourceOf } from './cni-block.ts'
import { coordinatorPlugin } from './coordinator-plugin.ts'
import { fail } from './failures.ts'
import { goJson, sortedJson } from './json.ts'
import { NETWORK_ANNOTATION, POD_ANNOTATION, SMC } from './network-annotation.ts'

type Spec = SpiderMultusConfigSpec
type PluginObject = Readonly<Record<string, unknown>>
/** The plugins of a kind: around the chained ones and the coordinator. */
type Links = {
  readonly before?: PluginObject | undefined
  readonly main: PluginObject
  readonly after?: PluginObject | undefined
  readonly last?: PluginObject | undefined
}
/** Undefined when the block of the type is not there. `ipam` is `{}` or `{ ipam }`. */
type LinksOf = (spec: Spec, ipam: PluginObject) => Links | undefined

const DEFAULT_CNI_VERSION = '0.3.1'

/** Name of the NAD that a SpiderMultusConfig stands for, in its own namespace. */
export function nadNameOf({ metadata }: Pick<Document, 'metadata'>): string {
  return metadata.annotations?.[NETWORK_ANNOTATION.nadName] ?? metadata.name
}

/**
 * The NAD of an admitted SpiderMultusConfig. The owner's uid is empty until it is stored.
 * @throws {Failure} `network-not-admitted`: the block of its type is not there
 */
export function nadOf(smc: SpiderMultusConfig): Document {
  const { metadata, spec } = smc
  const config = configOf(smc)
  const resourceName = resourceAnnotation(spec)
  const { [NETWORK_ANNOTATION.lastApplied]: _, ...copied } = metadata.annotations ?? {}
  const annotations = {
    ...copied,
    ...(resourceName ? { [POD_ANNOTATION.resourceName]: resourceName } : {}),
  }
  return {
    apiVersion: NAD_API_VERSION,
    kind: NAD_KIND,
    metadata: {
      name: nadNameOf(smc),
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
      ownerReferences: [
        {
          ...SMC,
          name: metadata.name,
          uid: metadata.uid ?? '',
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: config === '' ? {} : { config },
  }
}

/** Text of `spec.config`; empty when the CNI configuration folder has it. */
function configOf(smc: SpiderMultusConfig): string {
  const { metadata, spec } = smc
  if (spec.cniType === 'custom') return spec.customCNI ?? ''
  const links = LINKS[spec.cniType](spec, ipamOf(spec))
  if (links === undefined) {
    throw fail('network-not-admitted', {
      name: metadata.name,
      field: `spec.${CNI_BLOCKS[spec.cniType].key}`,
    })
  }
  const plugins = [
    ...[links.before, links.main, links.after].flatMap(textsOf),
    ...(spec.chainCNIJsonData ?? []).map((text) => sortedJson(JSON.parse(text))),
    ...textsOf(spec.enableCoordinator ? coordinatorPlugin(spec.coordinator) : undefined),
    ...textsOf(links.last),
  ]
  const cniVersion = metadata.annotations?.[NETWORK_ANNOTATION.cniVersion] ?? DEFAULT_CNI_VERSION
  const name = metadata.annotations?.[NETWORK_ANNOTATION.configName] || nadNameOf(smc)
  const head = `"cniVersion":${goJson(cniVersion)},"name":${goJson(name)}`
  return `{${head},"plugins":[${plugins.join(',')}]}`
}

function textsOf(plugin: PluginObject | undefined): string[] {
  return plugin === undefined ? [] : [goJson(plugin)]
}

const LINKS: Readonly<Record<Exclude<CniType, 'custom'>, LinksOf>> = {
  macvlan: ({ macvlan }, ipam) =>
    macvlan && {
      before: ifacerOf(macvlan, macvlan.vlanID ?? 0),
      main: {
        type: 'macvlan',
        master: taggedMaster(macvlan),
        mode: 'bridge',
        mtu: macvlan.mtu,
        ...ipam,
      },
    },
  ipvlan: ({ ipvlan }, ipam) =>
    ipvlan && {
      before: ifacerOf(ipvlan, ipvlan.vlanID ?? 0),
      main: { type: 'ipvlan', master: taggedMaster(ipvlan), mtu: ipvlan.mtu, ...ipam },
    },
  vlan: ({ vlan }, ipam) =>
    vlan && {
      before: ifacerOf(vlan, 0),
      main: {
        type: 'vlan',
        master: baseMaster(vlan),
        vlanMode: vlan.vlanMode,
        ...(vlan.vlanID === undefined ? {} : { vlanId: vlan.vlanID }),
        mtu: vlan.mtu,
        ...ipam,
      },
    },
  sriov: ({ sriov }, ipam) =>
    sriov && {
      main: {
        vlan: sriov.vlanID ?? 0,
        min_tx_rate: sriov.minTxRateMbps ?? 0,
        max_tx_rate: sriov.maxTxRateMbps ?? 0,
        type: 'sriov',
        ...ipam,
      },
      after: sriov.rdmaIsolation ? { type: 'rdma' } : undefined,
      last: sriov.mtu > 0 ? { type: 'tuning', mtu: sriov.mtu } : undefined,
    },
  ovs: ({ ovs }, ipam) =>
    ovs && {
      main: {
        vlan: ovs.vlan ?? 0,
        type: 'ovs',
        bridge: ovs.bridge,
        ...(ovs.deviceID ? { deviceID: ovs.deviceID } : {}),
        ...ipam,
        ...(ovs.trunk?.length ? { trunk: ovs.trunk.map(trunkOf) } : {}),
      },
    },
  'ib-sriov': ({ ibsriov }, ipam) =>
    ibsriov && {
      main: {
        type: 'ib-sriov',
        pkey: ibsriov.pkey ?? '',
        link_state: ibsriov.linkState,
        rdmaIsolation: ibsriov.rdmaIsolation,
        ibKubernetesEnabled: ibsriov.enableIbKubernetes,
        ...ipam,
      },
    },
  ipoib: ({ ipoib }, ipam) =>
    ipoib && { main: { type: 'ipoib', master: ipoib.master ?? '', ...ipam } },
}

function ipamOf(spec: Spec): PluginObject {
  if (spec.disableIPAM) return {}
  const { ipv4 = [], ipv6 = [], matchMasterSubnet = false } = poolsOf(spec) ?? {}
  return {
    ipam: {
      type: 'spiderpool',
      ...(ipv4.length === 0 ? {} : { default_ipv4_ippool: ipv4 }),
      ...(ipv6.length === 0 ? {} : { default_ipv6_ippool: ipv6 }),
      ...(matchMasterSubnet ? { match_master_subnet: true } : {}),
    },
  }
}

/** The plugin that makes the VLAN and the bond below a network, where there is one to make. */
function ifacerOf({ master, bond }: OverEthernet, vlanId: number): PluginObject | undefined {
  const bonded = master.length > 1
  if (vlanId === 0 && !bonded) return undefined
  return {
    ...(vlanId === 0 ? {} : { vlanID: vlanId }),
    type: 'ifacer',
    interfaces: master,
    ...(bonded && bond
      ? { bond: { name: bond.name, mode: bond.mode, options: bond.options ?? '' } }
      : {}),
  }
}

/** The only master of a block, or the bond over several. */
export function baseMaster({ master, bond }: OverEthernet): string {
  return (master.length > 1 ? bond?.name : master[0]) ?? ''
}

function taggedMaster(block: OverEthernet): string {
  const vlanId = block.vlanID ?? 0
  return vlanId === 0 ? baseMaster(block) : `${baseMaster(block)}.${vlanId}`
}

function trunkOf({ minID, maxID, id }: { minID?: number; maxID?: number; id?: number }) {
  return Object.fromEntries(
    Object.entries({ minID, maxID, id }).filter(([, value]) => value !== undefined),
  )
}

/** What the kubelet counts for the network: annotation `resourceName` of the NAD. */
function resourceAnnotation(spec: Spec): string | undefined {
  if (spec.cniType === 'sriov' || spec.cniType === 'ib-sriov') return resourceOf(spec)
  if (spec.cniType !== 'ovs' || !spec.ovs?.deviceID) return undefined
  return `ovs-cni.network.kubevirt.io/${spec.ovs.bridge}`
}
