/** From a pod's annotations to its attachments. @module */
import { deepEqual, equal, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import type { Document } from '#needs/records.ts'
import { type NetworksRequest, wantedAttachments } from './attachment.ts'
import { readMultusConf } from './multus-conf.ts'
import { NO_DEVICES } from './pod-devices.ts'
import type { NetworkNeeds } from './resolve.ts'

const NETWORKS = 'k8s.v1.cni.cncf.io/networks'
const DEFAULT = 'v1.multus-cni.io/default-network'

const CONFIGS: Readonly<Record<string, string | undefined>> = {
  'kube-system/ipoib': '{"cniVersion":"0.3.1","name":"ipoib","plugins":[{"type":"ipoib","x":1}]}',
  'pod/single': '{"type":"macvlan","master":"e0"}',
  'pod/named': '{"cniVersion":"1.0.0","name":"other","type":"macvlan"}',
  'pod/broken': '{"type":',
  'pod/path': '{"type":"../bad"}',
  'pod/typeless': '{"name":"x"}',
  'pod/nothing': '{"plugins":[]}',
  'pod/empty': undefined,
  'pod/lost': undefined,
  'default/shared': '{"type":"bridge"}',
}

const EMPTY = '{"name":"empty","type":"ptp"}'

const needs: NetworkNeeds = {
  nad: async (namespace, name) => {
    const key = `${namespace}/${name}`
    return key in CONFIGS ? nadOf(namespace, name, CONFIGS[key]) : undefined
  },
  files: {
    list: async (folder) => (folder === '/conf' ? ['9-empty.conf'] : []),
    read: async (path) => (path === '/conf/9-empty.conf' ? EMPTY : undefined),
  },
}

function nadOf(namespace: string, name: string, config: string | undefined): Document {
  const annotations = name === 'single' ? { 'k8s.v1.cni.cncf.io/resourceName': 'r/x' } : undefined
  return {
    apiVersion: 'k8s.cni.cncf.io/v1',
    kind: 'NetworkAttachmentDefinition',
    metadata: { name, namespace, ...(annotations && { annotations }) },
    spec: config === undefined ? {} : { config },
  }
}

type More = {
  readonly clusterNetwork?: { namespace: string; name: string }
  readonly conf?: object
}

function requestOf(annotations: Record<string, string>, more: More = {}): NetworksRequest {
  const { clusterNetwork, conf = {} } = more
  return {
    pod: { namespace: 'pod', name: 'p', annotations },
    containerId: 'c1',
    ifName: 'eth0',
    multus: readMultusConf({ ...conf }, { clusterNetwork, confFolder: '/conf' }),
    devices: async () => NO_DEVICES,
  }
}

const attach = (annotations: Record<string, string>, more?: More) =>
  wantedAttachments(requestOf(annotations, more), needs)
const namesOf = async (annotations: Record<string, string>, more?: More) =>
  (await attach(annotations, more)).map((one) => `${one.network}@${one.ifName}`)

const IPOIB = { clusterNetwork: { namespace: 'kube-system', name: 'ipoib' } }

test('wantedAttachments() gives nothing to a pod that asks for nothing', async () => {
  deepEqual(await attach({}), [])
  deepEqual(await attach({ [NETWORKS]: '' }), [])
})

test('wantedAttachments() takes the default network of the pod, else of the cluster', async () => {
  deepEqual(await namesOf({}, IPOIB), ['kube-system/ipoib@eth0'])
  deepEqual(await namesOf({ [DEFAULT]: 'ipoib' }), ['kube-system/ipoib@eth0'])
  deepEqual(await namesOf({ [DEFAULT]: 'pod/single@ib7' }, IPOIB), ['pod/single@ib7'])
})

test('wantedAttachments() names interfaces by place, default network or not', async () => {
  const asked = { [NETWORKS]: 'single,named@rail1,empty' }
  const names = ['pod/single@net1', 'pod/named@rail1', 'pod/empty@net3']
  deepEqual(await namesOf(asked), names)
  deepEqual(await namesOf(asked, IPOIB), ['kube-system/ipoib@eth0', ...names])
})

test('wantedAttachments() reads both kinds of configuration, fills in names', async () => {
  const read = await attach({ [NETWORKS]: 'single,named,empty' }, IPOIB)
  deepEqual(
    read.map((one) => one.confList),
    [
      { cniVersion: '0.3.1', name: 'ipoib', plugins: [{ type: 'ipoib', x: 1 }] },
      { cniVersion: '0.1.0', name: 'single', plugins: [{ type: 'macvlan', master: 'e0' }] },
      {
        cniVersion: '1.0.0',
        name: 'other',
        plugins: [{ cniVersion: '1.0.0', name: 'other', type: 'macvlan' }],
      },
      { cniVersion: '0.1.0', name: 'empty', plugins: [{ name: 'empty', type: 'ptp' }] },
    ],
  )
  deepEqual(
    read.map((one) => [one.isDefault, one.resourceName]),
    [
      [true, undefined],
      [false, 'r/x'],
      [false, undefined],
      [false, undefined],
    ],
  )
})

test('wantedAttachments() passes what is asked for to the default network too', async () => {
  const element = {
    name: 'ipoib',
    ips: ['10.0.0.1'],
    mac: '02:00:00:00:00:01',
    deviceID: 'd',
    'infiniband-guid': '02:00:00:00:00:00:00:01',
    'cni-args': { a: 1 },
    'default-route': ['10.0.0.9'],
  }
  const [one] = await attach({ [DEFAULT]: JSON.stringify([element]) })
  deepEqual(one?.runtimeConfig, {
    ips: ['10.0.0.1'],
    mac: '02:00:00:00:00:01',
    infinibandGUID: '02:00:00:00:00:00:00:01',
    deviceID: 'd',
    CNIDeviceInfoFile: '/var/run/k8s.cni.cncf.io/devinfo/cni/kube-system-ipoib-c1_eth0',
  })
  deepEqual(one?.cniArgs, { a: 1 })
  deepEqual(one?.envArgs, { MAC: '02:00:00:00:00:01', IP: '10.0.0.1' })
  deepEqual(one?.defaultRoute, ['10.0.0.9'])
})

for (const [what, annotations, code, message, more] of [
  [
    'a NAD that is not there',
    { [NETWORKS]: 'none' },
    'nad-missing',
    'cannot find a network-attachment-definition (none) in namespace (pod)',
  ],
  [
    'a NAD without a name',
    { [NETWORKS]: 'single,' },
    'nad-missing',
    'cannot find a network-attachment-definition () in namespace (pod)',
  ],
  [
    'text that is not JSON',
    { [NETWORKS]: 'broken' },
    'nad-config-unreadable',
    /pod\/broken: .*position 8$/,
  ],
  [
    'a type that is a path',
    { [NETWORKS]: 'path' },
    'nad-config-invalid',
    /pod\/path: plugin type "\.\.\/bad" is not one path component$/,
  ],
  [
    'a configuration without type',
    { [NETWORKS]: 'typeless' },
    'nad-config-invalid',
    /pod\/typeless: LoadDelegateNetConfList: delegate must have/,
  ],
  [
    'a list without plugins',
    { [NETWORKS]: 'nothing' },
    'nad-config-invalid',
    /pod\/nothing: no plugins in list$/,
  ],
  [
    'an empty NAD without a file',
    { [NETWORKS]: 'lost' },
    'nad-config-empty',
    /pod\/lost: it has no config, and .* no network named lost$/,
  ],
  [
    'one name twice',
    { [NETWORKS]: 'single@a,named@a' },
    'interface-asked-twice',
    'Cannot attach pod/named: interface name a is the name of pod/single already',
  ],
  [
    'the name of the default network',
    { [NETWORKS]: 'single@eth0' },
    'interface-asked-twice',
    /pod\/single: interface name eth0 is the name of kube-system\/ipoib/,
    IPOIB,
  ],
  [
    'two default networks',
    { [DEFAULT]: 'ipoib,ipoib' },
    'network-annotation-invalid',
    'tryLoadK8sPodDefaultNetwork: more than one default network is specified: ipoib,ipoib',
  ],
  [
    'an empty list of default networks',
    { [DEFAULT]: '[]' },
    'network-annotation-invalid',
    /no default network is specified: \[\]$/,
  ],
  [
    'an empty default network',
    { [DEFAULT]: '' },
    'network-annotation-invalid',
    /does not have "network" as key/,
  ],
  [
    'two default routes',
    {
      [NETWORKS]:
        '[{"name":"single","default-route":["10.0.0.1"]},' +
        '{"name":"named","default-route":["10.0.0.2"]}]',
    },
    'default-route-twice',
    'multus does not support ECMP for default-route',
  ],
  [
    'another namespace under isolation',
    { [NETWORKS]: 'kube-system/ipoib' },
    'network-isolated',
    'GetNetworkDelegates: namespace isolation enabled, annotation violates permission, pod is ' +
      'in namespace pod but refers to target namespace kube-system',
    { conf: { namespaceIsolation: true } },
  ],
] as const) {
  test(`wantedAttachments() refuses ${what}`, async () => {
    await rejects(attach(annotations, more), { code, message })
  })
}

test('wantedAttachments() allows global namespaces under isolation', async () => {
  const more = { ...IPOIB, conf: { namespaceIsolation: true } }
  deepEqual(await namesOf({ [NETWORKS]: 'default/shared' }, more), [
    'kube-system/ipoib@eth0',
    'default/shared@net1',
  ])
})

test('wantedAttachments() reports all that is wrong, first what Multus would', async () => {
  const asked = { [DEFAULT]: 'none', [NETWORKS]: 'broken,a/b/c,lost' }
  await rejects(attach(asked), (thrown: Error & { code: string; details: { also: string[] } }) => {
    equal(thrown.code, 'nad-missing')
    deepEqual(
      thrown.details.also.map((text) => text.replace(/:.*/, '')),
      [
        'parsePodNetworkAnnotation',
        'Cannot read spec.config of NetworkAttachmentDefinition pod/broken',
        'Cannot attach NetworkAttachmentDefinition pod/lost',
      ],
    )
    return true
  })
})
