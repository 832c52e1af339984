/** Networks of a cluster: what the meta plugin's configuration says, and where it leads. @module */
import { deepEqual, equal, rejects, throws } from 'node:assert/strict'
import { test } from 'node:test'
import type { Document } from '#needs/records.ts'
import { type WantedAttachment, wantedAttachments } from './attachment.ts'
import { readMultusConf } from './multus-conf.ts'
import { NO_DEVICES } from './pod-devices.ts'

const NETWORKS = 'k8s.v1.cni.cncf.io/networks'
const DEFAULT = 'v1.multus-cni.io/default-network'

function nadOf(namespace: string, name: string, config?: string): Document {
  return {
    apiVersion: 'k8s.cni.cncf.io/v1',
    kind: 'NetworkAttachmentDefinition',
    metadata: { name, namespace },
    spec: config === undefined ? {} : { config },
  }
}

const NADS = [
  nadOf('kube-system', 'stored', '{"cniVersion":"1.0.0","type":"bridge"}'),
  nadOf('kube-system', 'by-file'),
  nadOf('net', 'stored', '{"type":"macvlan"}'),
  nadOf('pod', 'own', '{"type":"ipvlan"}'),
  nadOf('default', 'global', '{"type":"ipvlan"}'),
  nadOf('pod', 'itself', '{"type":"multus"}'),
]
const FILES: Readonly<Record<string, string>> = {
  '/conf/00-not-json.conf': '{',
  '/conf/10-by-file.conflist':
    '{"cniVersion":"0.4.0","name":"by-file","plugins":[{"type":"calico"}]}',
  '/conf/20-by-file.conf': '{"name":"by-file","type":"late"}',
  '/conf/30-other.json': '{"name":"other","type":"ptp"}',
  '/conf/by-file/b.conf': '{"type":"tuning"}',
  '/conf/by-file/a.conf': '{"type":"sbr"}',
  '/conf/by-file/c.txt': '{"type":"no"}',
  '/alone/10.conflist':
    '{"name":"alone","loadOnlyInlinedPlugins":true,"plugins":[{"type":"calico"}]}',
  '/alone/alone/a.conf': '{"type":"sbr"}',
  '/alone/extra/x.conf': '{"type":"firewall"}',
  '/json/10.json': '{"name":"json","type":"ptp"}',
}
const paths = Object.keys(FILES)
const needs = {
  nad: async (namespace: string, name: string) =>
    NADS.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name),
  files: {
    read: async (path: string) => FILES[path],
    list: async (folder: string) => {
      const inside = paths.filter((path) => path.startsWith(`${folder}/`))
      return [...new Set(inside.map((path) => path.slice(folder.length + 1).split('/')[0] ?? ''))]
    },
  },
}

type Asked = { readonly annotations?: Record<string, string>; readonly namespace?: string }

async function attach(
  conf: Readonly<Record<string, unknown>>,
  { annotations = {}, namespace = 'pod' }: Asked = {},
): Promise<WantedAttachment[]> {
  const raw = { type: 'multus', name: 'multus-cni-network', confDir: '/conf', ...conf }
  const multus = readMultusConf(raw, { clusterNetwork: undefined, confFolder: '/none' })
  const pod = { namespace, name: 'p', annotations }
  const devices = async () => NO_DEVICES
  return wantedAttachments({ pod, containerId: 'c', ifName: 'eth0', multus, devices }, needs)
}

const shown = ({ network, ifName, confList }: WantedAttachment): string =>
  `${network}@${ifName} ${confList.plugins.map(({ type }) => String(type)).join('+')}`

for (const { does, conf, asked, gives } of [
  {
    does: 'finds a NAD of the namespace of Multus',
    conf: { clusterNetwork: 'stored' },
    gives: ['kube-system/stored@eth0 bridge'],
  },
  {
    does: 'looks in the namespace that it is told',
    conf: { clusterNetwork: 'stored', multusNamespace: 'net' },
    gives: ['net/stored@eth0 macvlan'],
  },
  {
    does: 'finds the file of a NAD without config, with the folder of its name',
    conf: { clusterNetwork: 'by-file' },
    gives: ['kube-system/by-file@eth0 calico+sbr+tuning'],
  },
  {
    does: 'finds a file by the name in it',
    conf: { clusterNetwork: 'other' },
    gives: ['other@eth0 ptp'],
  },
  {
    does: 'takes the first file of a folder',
    conf: { clusterNetwork: '/alone' },
    gives: ['alone@eth0 calico'],
  },
  {
    does: 'takes a file',
    conf: { clusterNetwork: '/conf/10-by-file.conflist' },
    gives: ['by-file@eth0 calico+sbr+tuning'],
  },
  {
    does: 'chains nothing to a single configuration',
    conf: { clusterNetwork: '/conf/20-by-file.conf' },
    gives: ['by-file@eth0 late'],
  },
  {
    does: 'prefers clusterNetwork to delegates',
    conf: { clusterNetwork: 'stored', delegates: [{ type: 'ptp' }] },
    gives: ['kube-system/stored@eth0 bridge'],
  },
  {
    does: 'takes what it is given itself, all of it',
    conf: {
      cniVersion: '0.4.0',
      delegates: [{ name: 'a', plugins: [{ type: 'ptp' }, { type: 'portmap' }] }, { type: 'sbr' }],
    },
    gives: ['a@eth0 ptp+portmap', 'multus-cni-network@net1 sbr'],
  },
  {
    does: 'counts networks of the cluster before those of the pod',
    conf: { clusterNetwork: 'stored', defaultNetworks: ['net/stored', 'other'] },
    asked: { annotations: { [NETWORKS]: 'own' } },
    gives: [
      'kube-system/stored@eth0 bridge',
      'net/stored@net1 macvlan',
      'other@net2 ptp',
      'pod/own@net3 ipvlan',
    ],
  },
  {
    does: 'spares system namespaces the networks of all',
    conf: { clusterNetwork: 'stored', defaultNetworks: ['other'], systemNamespaces: ['pod'] },
    gives: ['kube-system/stored@eth0 bridge'],
  },
  {
    does: 'lets a pod replace the default network only',
    conf: { clusterNetwork: 'stored', defaultNetworks: ['other'] },
    asked: { annotations: { [DEFAULT]: 'net/stored' } },
    gives: ['net/stored@eth0 macvlan', 'other@net1 ptp'],
  },
  {
    does: 'lets a default network be of any namespace under isolation',
    conf: { clusterNetwork: 'stored', namespaceIsolation: true },
    asked: { annotations: { [DEFAULT]: 'net/stored', [NETWORKS]: 'own,default/global' } },
    gives: ['net/stored@eth0 macvlan', 'pod/own@net1 ipvlan', 'default/global@net2 ipvlan'],
  },
  {
    does: 'runs the plugins of the auxiliary chain last',
    conf: { clusterNetwork: '/alone', auxiliaryCNIChainName: 'extra' },
    asked: { annotations: { [NETWORKS]: 'own' } },
    gives: ['alone@eth0 calico', 'pod/own@net1 ipvlan', 'extra@net2 firewall'],
  },
  {
    does: 'has no auxiliary chain without a file of it',
    conf: { clusterNetwork: '/alone', auxiliaryCNIChainName: 'none' },
    gives: ['alone@eth0 calico'],
  },
]) {
  test(`wantedAttachments() ${does}`, async () => {
    deepEqual((await attach(conf, asked)).map(shown), gives)
  })
}

for (const { what, conf, annotations = {}, code, message } of [
  {
    what: 'no network at all',
    conf: {},
    code: 'multus-conf-invalid',
    message: 'LoadNetConf: at least one delegate/clusterNetwork must be specified',
  },
  {
    what: 'a delegate without type',
    conf: { delegates: [{ name: 'x' }] },
    code: 'multus-conf-invalid',
    message: "LoadDelegateNetConfList: delegate must have the 'type' or 'plugin' field",
  },
  {
    what: 'a plugin of a delegate without type',
    conf: { delegates: [{ plugins: [{}] }] },
    code: 'multus-conf-invalid',
    message: "LoadDelegateNetConfList: a plugin delegate must have the 'type' field",
  },
  {
    what: 'a key of another type',
    conf: { clusterNetwork: 'stored', namespaceIsolation: 'yes' },
    code: 'multus-conf-invalid',
    message: /^LoadNetConf: namespaceIsolation: Invalid value: "yes": must be of type boolean/,
  },
  {
    what: 'a network that is nowhere',
    conf: { clusterNetwork: 'nowhere' },
    code: 'cluster-network-missing',
    message: 'getNetDelegate: cannot find network: nowhere',
  },
  {
    what: 'a folder without a configuration of the runtime',
    conf: { clusterNetwork: '/json' },
    code: 'cluster-network-missing',
    message: 'getNetDelegate: cannot find network: /json',
  },
  {
    what: 'an auxiliary chain beside no path',
    conf: { clusterNetwork: 'stored', auxiliaryCNIChainName: 'extra' },
    code: 'auxiliary-chain-unplaced',
    message: 'auxiliary chain used but ClusterNetwork must be a path, and it is not a path: stored',
  },
  {
    what: 'a global namespace that was replaced',
    conf: { clusterNetwork: 'stored', namespaceIsolation: true, globalNamespaces: 'net' },
    annotations: { [NETWORKS]: 'default/global' },
    code: 'network-isolated',
    message:
      'GetNetworkDelegates: namespace isolation enabled, annotation violates permission, pod is ' +
      'in namespace pod but refers to target namespace default',
  },
  {
    what: 'the meta plugin in its own network',
    conf: { clusterNetwork: 'stored' },
    annotations: { [NETWORKS]: 'itself' },
    code: 'nad-config-invalid',
    message: /plugin multus would call itself$/,
  },
]) {
  test(`wantedAttachments() refuses ${what}`, async () => {
    await rejects(async () => attach(conf, { annotations }), { code, message })
  })
}

test('wantedAttachments() gives every network what the runtime knows', async () => {
  const runtimeConfig = { portMappings: [{ hostPort: 80, containerPort: 80 }], mac: 'x' }
  const own = { name: 'own', mac: '02:00:00:00:00:01' }
  const annotations = { [NETWORKS]: JSON.stringify([own]) }
  const wanted = await attach({ clusterNetwork: 'stored', runtimeConfig }, { annotations })
  deepEqual(
    wanted.map((one) => one.runtimeConfig),
    [runtimeConfig, { ...runtimeConfig, mac: own.mac }],
  )
})

test('readMultusConf() looks in the folder of Multus, then in that of the agent', () => {
  const clusterNetwork = { namespace: 'ns', name: 'n' }
  const conf = readMultusConf({ type: 'multus' }, { clusterNetwork, confFolder: '/etc/cni/net.d' })
  deepEqual(conf.confFolders, ['/etc/cni/multus/net.d', '/etc/cni/net.d'])
  deepEqual(conf.networks, [{ by: 'name', ...clusterNetwork }])
  equal(conf.isolation, undefined)
  throws(() => readMultusConf({ type: 'multus' }, { clusterNetwork: undefined, confFolder: '' }))
})
