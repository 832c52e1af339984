/** What admission writes into a pod that asks for networks by a word. @module */
import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { Document } from '#needs/records.ts'
import { type InjectionConf, readInjectionConf } from '#schema/injection-conf.ts'
import { type Pod, pod as podSchema } from '#schema/pod.ts'
import type { SpiderMultusConfig } from '#schema/spider-multus-config.ts'
import { injectNetworks } from './pod-injection.ts'
import { admitSpiderMultusConfig } from './spider-multus-config.ts'

const RDMA = 'cni.spidernet.io/rdma-resource-inject'
const NETWORK = 'cni.spidernet.io/network-resource-inject'
const NETWORKS = 'k8s.v1.cni.cncf.io/networks'
const POOLS = { ippools: { ipv4: ['p'] } }

type Annotations = Readonly<Record<string, string>>

/** An admitted network; one that admission refuses is as it would be stored by hand. */
function smc(
  name: string,
  spec: object,
  annotations: Annotations,
  namespace = 'net',
): SpiderMultusConfig {
  const raw = {
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderMultusConfig',
    metadata: { name, namespace, annotations },
    spec,
  }
  const { document } = admitSpiderMultusConfig(raw, { previous: undefined, nads: [] })
  if (document === undefined) throw new Error(`${name} does not fit its schema`)
  return document
}

const sriov = (resourceName: string) => ({ cniType: 'sriov', sriov: { resourceName, ...POOLS } })
const ib = (resourceName: string) => ({ cniType: 'ib-sriov', ibsriov: { resourceName, ...POOLS } })
const macvlan = (master: string[], more: object = {}) => ({
  cniType: 'macvlan',
  macvlan: { master, bond: { name: 'bond9', mode: 1 }, ...POOLS, ...more },
})
const rails = { [RDMA]: 'rails' }

const CONFIGS = [
  smc('vf', sriov('r/b'), rails),
  smc('vf-too', sriov('r/b'), { ...rails, 'multus.spidernet.io/cr-name': 'called' }, 'other'),
  smc('first', sriov('r/a'), rails),
  smc('ib-b', ib('r/ib'), rails),
  smc('ib-a', ib('r/ib'), rails),
  smc('ipoib', { cniType: 'ipoib', ipoib: { master: 'ib7', ...POOLS } }, rails),
  smc('eth', macvlan(['eth1'], { rdmaResourceName: 'r/shared' }), rails),
  smc('bond', macvlan(['eth2', 'eth3'], { rdmaResourceName: 'r/bond' }), rails),
  smc('plain', macvlan(['eth4'], { ippools: {} }), { [NETWORK]: 'plain' }),
  smc('bare', macvlan(['eth1'], { ippools: {}, rdmaResourceName: 'r/s' }), { [NETWORK]: 'bare' }),
  smc('poolless', { cniType: 'ipoib', ipoib: { master: 'ib0' } }, { [RDMA]: 'poolless' }),
  smc('nameless', macvlan(['eth1']), { [RDMA]: 'nameless' }),
  smc('custom', { cniType: 'custom' }, { [RDMA]: 'custom' }),
  smc('ovs', { cniType: 'ovs', ovs: { bridge: 'br' } }, { [NETWORK]: 'ovs' }),
]

function podOf(annotations: Annotations, more: { namespace?: string; limits?: object } = {}): Pod {
  const { namespace = 'app', limits } = more
  const main = { name: 'main', ...(limits && { resources: { limits } }) }
  return podSchema.parse({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace, annotations },
    spec: { containers: [{ name: 'first' }, main] },
  })
}

const space = (annotations: Annotations): Document => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'app', annotations },
})

function confOf(text: string): InjectionConf {
  const read = readInjectionConf({ data: { 'conf.yml': text } })
  if (!read.ok) throw new Error(JSON.stringify(read.faults))
  return read.value
}

const DEFAULTS = confOf('')
const inject = (pod: Pod, namespace?: Document, conf = DEFAULTS) =>
  injectNetworks(pod, { configs: CONFIGS, namespace, conf })
const networksOf = (pod: Pod): string | undefined => pod.metadata.annotations?.[NETWORKS]
const resourcesOf = ({ spec }: Pod): unknown => spec.containers.map((one) => one['resources'])

const RAILS = [
  'net/ib-a',
  'net/ib-b',
  'net/ipoib',
  'net/bond',
  'net/eth',
  'net/first',
  'net/vf',
  'other/called',
].join()

test('injectNetworks() puts rails in order and counts what they need', () => {
  const { pod, faults } = inject(podOf(rails))
  deepEqual(faults, [])
  equal(networksOf(pod), RAILS)
  const limits = { 'r/ib': '2', 'r/bond': '1', 'r/shared': '1', 'r/a': '1', 'r/b': '2' }
  deepEqual(resourcesOf(pod), [{ limits }, undefined])
  deepEqual(inject(pod).pod, pod)
})

test('injectNetworks() leaves a resource that some container has', () => {
  const { pod } = inject(podOf(rails, { limits: { 'r/b': 1, 'r/ib': '2' } }))
  const limits = { 'r/bond': '1', 'r/shared': '1', 'r/a': '1' }
  deepEqual(resourcesOf(pod), [{ limits }, { limits: { 'r/b': 1, 'r/ib': '2' } }])
})

for (const { does, own, of, gives } of [
  { does: 'leaves a pod alone that asks for nothing', own: {}, of: {}, gives: undefined },
  { does: 'takes the word of the pod', own: { [NETWORK]: 'plain' }, of: {}, gives: 'net/plain' },
  { does: 'takes that of the namespace', own: {}, of: { [NETWORK]: 'plain' }, gives: 'net/plain' },
  {
    does: 'prefers the pod to its namespace',
    own: { [NETWORK]: 'plain' },
    of: { [NETWORK]: 'none' },
    gives: 'net/plain',
  },
  {
    does: 'looks at the first key only',
    own: { [RDMA]: 'rails', [NETWORK]: 'none' },
    of: {},
    gives: RAILS,
  },
  {
    does: 'keeps what the pod asks for itself, nothing twice',
    own: { ...rails, [NETWORKS]: 'mine@ib9, net/vf@ib3, net/first' },
    of: {},
    gives:
      'mine@ib9, net/vf@ib3, net/first,net/ib-a,net/ib-b,net/ipoib,net/bond,net/eth,other/called',
  },
  {
    does: 'keeps JSON JSON',
    own: { [NETWORK]: 'plain', [NETWORKS]: '[{"name":"mine"}]' },
    of: {},
    gives: '[{"name":"mine"},{"name":"plain","namespace":"net"}]',
  },
]) {
  test(`injectNetworks() ${does}`, () => {
    const { pod, faults } = inject(podOf(own), space(of))
    deepEqual(faults, [])
    equal(networksOf(pod), gives)
  })
}

for (const [annotations, reason, message] of [
  [
    { [RDMA]: 'none' },
    'Invalid',
    `Invalid value: "none": annotation ${RDMA}: no SpiderMultusConfig of any namespace has this ` +
      'label',
  ],
  [
    { [RDMA]: 'poolless' },
    'Invalid',
    `Invalid value: "net/poolless": annotation ${RDMA}: the SpiderMultusConfig has no ` +
      'pool in ippools',
  ],
  [
    { [RDMA]: 'nameless' },
    'Invalid',
    `Invalid value: "net/nameless": annotation ${RDMA}: the SpiderMultusConfig has no ` +
      'resource name',
  ],
  [
    { [NETWORK]: 'bare' },
    'Invalid',
    `Invalid value: "net/bare": annotation ${NETWORK}: the SpiderMultusConfig has no ` +
      'pool in ippools',
  ],
  [
    { [RDMA]: 'custom' },
    'Forbidden',
    `Forbidden: annotation ${RDMA}: SpiderMultusConfig net/custom is of cniType custom, which ` +
      'cannot be injected',
  ],
  [
    { [NETWORK]: 'ovs' },
    'Forbidden',
    `Forbidden: annotation ${NETWORK}: SpiderMultusConfig net/ovs is of cniType ovs, which ` +
      'cannot be injected',
  ],
  [
    { [NETWORK]: 'plain', [NETWORKS]: 'a/b/c' },
    'Invalid',
    `Invalid value: "a/b/c": annotation ${NETWORKS}: parsePodNetworkAnnotation: ` +
      "parsePodNetworkObjectName: Invalid network object (failed at '/'): a/b/c",
  ],
] as const) {
  test(`injectNetworks() refuses ${JSON.stringify(annotations)}`, () => {
    deepEqual(inject(podOf(annotations)).faults, [
      { reason, field: 'metadata.annotations', message },
    ])
  })
}

for (const [conf, namespace, injected] of [
  ['', 'kube-system', false],
  ['', 'istio-system', false],
  ['podResourceInject: {namespacesExclude: [app]}', 'app', false],
  ['podResourceInject: {namespacesExclude: [app]}', 'kube-system', true],
  ['podResourceInject: {namespacesInclude: [other]}', 'app', false],
  ['podResourceInject: {namespacesInclude: [app]}', 'app', true],
  ['podResourceInject: {enabled: false}', 'app', false],
  ['enableIPv4: true', 'app', true],
] as const) {
  test(`injectNetworks() ${injected ? 'serves' : 'skips'} ${namespace} by "${conf}"`, () => {
    const { pod } = inject(podOf({ [NETWORK]: 'plain' }, { namespace }), undefined, confOf(conf))
    equal(networksOf(pod), injected ? 'net/plain' : undefined)
  })
}

test('injectNetworks() counts the interfaces of the node when they are counted', () => {
  const conf = confOf('agent: {networkResourcePlugin: {enabled: true}}')
  const annotations = {
    'v1.multus-cni.io/default-network': 'net/ipoib',
    [NETWORKS]: 'net/bond,net/eth,net/vf,net/eth',
  }
  const { pod } = inject(podOf(annotations), undefined, conf)
  const counted = Object.fromEntries(
    ['ib7', 'eth2', 'eth3', 'eth1'].map((master) => [`spidernet.io/${master}-nic`, '1']),
  )
  deepEqual(resourcesOf(pod), [{ limits: counted, requests: counted }, undefined])
})
