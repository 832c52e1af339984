/** Admission of a SpiderMultusConfig: annotations, defaults, warnings. @module */
import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import type { Document } from '#needs/records.ts'
import { admitSpiderMultusConfig } from './spider-multus-config.ts'

const RENAME = 'multus.spidernet.io/cr-name'
const RDMA = 'cni.spidernet.io/rdma-resource-inject'
const NETWORK = 'cni.spidernet.io/network-resource-inject'
const POOLS = { ippools: { ipv4: ['p'] } }
const IPOIB = { cniType: 'ipoib', ipoib: { master: 'ib0' } }
const SRIOV = { cniType: 'sriov', sriov: { resourceName: 'r/x' } }

function smcOf(spec: unknown, annotations?: Record<string, string>): Document {
  return {
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderMultusConfig',
    metadata: { name: 'net', namespace: 'ns', ...(annotations && { annotations }) },
    spec,
  }
}

function ownedNad(name: string, owner: string | undefined): Document {
  const apiVersion = 'spiderpool.spidernet.io/v2beta1'
  return {
    apiVersion: 'k8s.cni.cncf.io/v1',
    kind: 'NetworkAttachmentDefinition',
    metadata: {
      name,
      namespace: 'ns',
      ...(owner && {
        ownerReferences: [{ apiVersion, kind: 'SpiderMultusConfig', name: owner, uid: 'u' }],
      }),
    },
  }
}

const withCoordinator = (coordinator: object) => ({ ...IPOIB, coordinator })
const macvlan = (block: object) => ({ cniType: 'macvlan', macvlan: { master: ['e0'], ...block } })
const vlan = { cniType: 'vlan', vlan: { master: ['e0'], vlanMode: 'auto' } }
const ovs = { cniType: 'ovs', ovs: { bridge: 'b' } }

const ANNOTATED: readonly {
  readonly what: string
  readonly annotations: Record<string, string>
  readonly spec?: unknown
  readonly before?: Record<string, string>
  readonly nads?: readonly Document[]
  readonly fault?: readonly [string, string]
}[] = [
  {
    what: 'changed name',
    annotations: { [RENAME]: 'b' },
    before: { [RENAME]: 'a' },
    fault: ['Invalid', 'metadata.annotations'],
  },
  {
    what: 'added name',
    annotations: { [RENAME]: 'b' },
    before: {},
    fault: ['Invalid', 'metadata.annotations'],
  },
  { what: 'same name', annotations: { [RENAME]: 'b' }, before: { [RENAME]: 'b' } },
  { what: 'removed name', annotations: {}, before: { [RENAME]: 'b' } },
  {
    what: 'name no name',
    annotations: { [RENAME]: 'A_b' },
    fault: ['Invalid', 'metadata.annotations'],
  },
  { what: 'name empty', annotations: { [RENAME]: '' }, fault: ['Invalid', 'metadata.annotations'] },
  {
    what: 'name too long',
    annotations: { [RENAME]: 'a'.repeat(254) },
    fault: ['Invalid', 'metadata.annotations'],
  },
  {
    what: 'NAD of another',
    annotations: { [RENAME]: 'x' },
    nads: [ownedNad('x', 'other')],
    fault: ['Invalid', 'metadata.annotations'],
  },
  { what: 'own NAD', annotations: {}, nads: [ownedNad('net', 'net')] },
  { what: 'NAD of nobody', annotations: {}, nads: [ownedNad('net', undefined)] },
  {
    what: 'version 1.1.0',
    annotations: { 'multus.spidernet.io/cni-version': '1.1.0' },
    fault: ['Invalid', 'metadata.annotations'],
  },
  { what: 'version 0.4.0', annotations: { 'multus.spidernet.io/cni-version': '0.4.0' } },
  {
    what: 'rdma inject without pool',
    annotations: { [RDMA]: 'a' },
    fault: ['Invalid', 'spec.ipoibConfig'],
  },
  {
    what: 'rdma inject without resource',
    annotations: { [RDMA]: 'a' },
    spec: macvlan(POOLS),
    fault: ['Invalid', 'spec.macvlanConfig'],
  },
  {
    what: 'rdma inject',
    annotations: { [RDMA]: 'a' },
    spec: macvlan({ ...POOLS, rdmaResourceName: 'r' }),
  },
  {
    what: 'network inject without pool',
    annotations: { [NETWORK]: 'a' },
    spec: SRIOV,
    fault: ['Invalid', 'spec.sriovConfig'],
  },
  { what: 'network inject without resource', annotations: { [NETWORK]: 'a' }, spec: macvlan({}) },
  {
    what: 'inject with ovs',
    annotations: { [NETWORK]: 'a' },
    spec: ovs,
    fault: ['Forbidden', 'spec.cniType'],
  },
  {
    what: 'inject with custom',
    annotations: { [RDMA]: 'a' },
    spec: {},
    fault: ['Forbidden', 'spec.cniType'],
  },
  {
    what: 'inject value no label',
    annotations: { [RDMA]: 'a b' },
    spec: macvlan({ ...POOLS, rdmaResourceName: 'r' }),
    fault: ['Invalid', 'metadata.labels'],
  },
]

for (const { what, annotations, spec = IPOIB, before, nads = [], fault } of ANNOTATED) {
  test(`admitSpiderMultusConfig() on annotations: ${what}`, () => {
    const previous = before && smcOf(IPOIB, before)
    const { faults } = admitSpiderMultusConfig(smcOf(spec, annotations), { previous, nads })
    deepEqual(
      faults.map(({ reason, field }) => [reason, field]),
      fault ? [fault] : [],
    )
  })
}

const COORDINATOR = {
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
const NO_POOLS = { matchMasterSubnet: false }
const SHARED = {
  enableCoordinator: true,
  disableIPAM: false,
  coordinator: COORDINATOR,
  chainCNIJsonData: [],
}

for (const [spec, after] of [
  [
    {},
    {
      cniType: 'custom',
      customCNI: '',
      enableCoordinator: false,
      disableIPAM: false,
      chainCNIJsonData: [],
    },
  ],
  [IPOIB, { cniType: 'ipoib', ipoib: { master: 'ib0', ippools: NO_POOLS }, ...SHARED }],
  [
    macvlan({ bond: { name: 'b', mode: 1 } }),
    {
      cniType: 'macvlan',
      macvlan: {
        master: ['e0'],
        mtu: 0,
        vlanID: 0,
        rdmaResourceName: '',
        ippools: NO_POOLS,
        bond: { name: 'b', mode: 1, options: '' },
      },
      ...SHARED,
    },
  ],
  [
    vlan,
    {
      cniType: 'vlan',
      vlan: { master: ['e0'], mtu: 0, vlanMode: 'auto', rdmaResourceName: '', ippools: NO_POOLS },
      ...SHARED,
    },
  ],
  [
    SRIOV,
    {
      cniType: 'sriov',
      sriov: {
        resourceName: 'r/x',
        vlanID: 0,
        mtu: 0,
        minTxRateMbps: 0,
        maxTxRateMbps: 0,
        rdmaIsolation: false,
        ippools: NO_POOLS,
      },
      ...SHARED,
    },
  ],
  [
    { cniType: 'ib-sriov', ibsriov: { resourceName: 'r' } },
    {
      cniType: 'ib-sriov',
      ibsriov: {
        resourceName: 'r',
        pkey: '',
        linkState: 'enable',
        rdmaIsolation: true,
        enableIbKubernetes: false,
        ippools: NO_POOLS,
      },
      ...SHARED,
    },
  ],
  [ovs, { cniType: 'ovs', ovs: { bridge: 'b', vlan: 0, ippools: NO_POOLS }, ...SHARED }],
] as const) {
  test(`admitSpiderMultusConfig() fills in the defaults of ${after.cniType}`, () => {
    const { document } = admitSpiderMultusConfig(smcOf(spec), { previous: undefined, nads: [] })
    deepEqual(document?.spec, after)
  })
}

test('admitSpiderMultusConfig() copies inject annotations to labels', () => {
  const smc = smcOf(
    { ...SRIOV, sriov: { ...SRIOV.sriov, ...POOLS } },
    { [RDMA]: 'a', [NETWORK]: 'b' },
  )
  const { document } = admitSpiderMultusConfig(smc, { previous: undefined, nads: [] })
  deepEqual(document?.metadata.labels, { [RDMA]: 'a', [NETWORK]: 'b' })
})

for (const [pkey, text, warning] of [
  [1000, '1000', /number 1000 is taken for the text "1000": it is the P_Key 0x03e8, not 0x1000$/],
  [1, '1', /: it is the P_Key 0x0001$/],
  [70000, '70000', /it is not a 16-bit number/],
] as const) {
  test(`admitSpiderMultusConfig() takes pkey: ${pkey} with a warning`, () => {
    const smc = smcOf({ cniType: 'ib-sriov', ibsriov: { resourceName: 'r', pkey } })
    const { document, faults, warnings } = admitSpiderMultusConfig(smc, {
      previous: undefined,
      nads: [],
    })
    deepEqual(faults, [])
    equal(document?.spec.ibsriov?.pkey, text)
    equal(warnings.length, 1)
    match(warnings[0] ?? '', warning)
  })
}

test('admitSpiderMultusConfig() takes numbers that were written as texts', () => {
  const smc = smcOf(macvlan({ mtu: '9000' }))
  const { document, warnings } = admitSpiderMultusConfig(smc, { previous: undefined, nads: [] })
  equal(document?.spec.macvlan?.mtu, 9000)
  deepEqual(warnings, ['spec.macvlan.mtu: text "9000" is taken for the number 9000'])
})

test('admitSpiderMultusConfig() names pruned keys, and what they are called now', () => {
  const smc = smcOf({ ...SRIOV, sriov: { ...SRIOV.sriov, enableRdma: true, nonsense: 1 } })
  const { document, warnings } = admitSpiderMultusConfig(smc, { previous: undefined, nads: [] })
  deepEqual(warnings, [
    'spec.sriov.enableRdma: it is taken for spec.sriov.rdmaIsolation',
    'unknown field "spec.sriov.nonsense" is ignored',
  ])
  equal(document !== undefined && 'enableRdma' in (document.spec.sriov ?? {}), false)
  equal(document?.spec.sriov?.rdmaIsolation, true)
})

test('admitSpiderMultusConfig() warns of a MAC prefix over InfiniBand', () => {
  const smc = smcOf(withCoordinator({ podMACPrefix: '0a:1b' }))
  match(
    admitSpiderMultusConfig(smc, { previous: undefined, nads: [] }).warnings[0] ?? '',
    /20 bytes$/,
  )
})
