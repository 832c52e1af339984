/**
 * Targets: documents, their admission, annotations, and files of the kubelet.
 * @module
 */
import { deepEqual } from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { admitPool, readAsPool } from './pools.ts'
import { poolsOfNamespace, poolsOfPod, routesOfPod } from '#ipam/annotation.ts'
import { dnsOfResolvConf } from '#ipam/resolv-conf.ts'
import { readNetworks } from '#network/annotation.ts'
import {
  admitSpiderCoordinator,
  admitSpiderMultusConfig,
  devicesInAnswer,
  devicesInCheckpoint,
  nadOf,
  parseConfList,
  parseDeviceFile,
  readMultusConf,
} from '#network/index.ts'
import { parseDocuments } from '#schema/documents.ts'
import { KINDS, placeDocument, warningsOf } from '#schema/kinds.ts'
import { isJsonObject } from '#wire/cni/conf.ts'
import { textOf } from './engine.ts'
import { jsonOf } from './targets-cni.ts'
import { must, type Target } from './target.ts'

const FOLDER = 'manifests'
const SPIDER = 'spiderpool.spidernet.io/v2beta1'

/** Files of the guides. */
function manifests(): string[] {
  return readdirSync(FOLDER).map((name) => readFileSync(`${FOLDER}/${name}`, 'utf8'))
}

/** One of each kind, as JSON. */
function documents(): string[] {
  const guides = manifests().flatMap((text) => parseDocuments(text, '').documents)
  const bare = KINDS.map(({ apiVersion, kind }) => ({
    apiVersion,
    kind,
    metadata: { name: 'a', namespace: 'default', labels: { a: 'b' }, annotations: { c: 'd' } },
    spec: { ips: ['10.0.0.1-10.0.0.9'], subnet: '10.0.0.0/8', cniType: 'ipoib', mode: 'auto' },
  }))
  return [...guides.map(({ document }) => document), ...bare].map((one) => JSON.stringify(one))
}

function jsonTarget(
  name: string,
  seeds: () => readonly string[],
  run: (raw: unknown, text: string) => void,
): Target {
  return {
    name,
    form: 'json',
    seeds,
    run(input) {
      const text = textOf(input)
      const raw = jsonOf(text)
      if (raw !== undefined) run(raw.json, text)
    },
  }
}

function readAll(text: string): void {
  for (const { document } of parseDocuments(text, 'f').documents) {
    const placed = placeDocument(document, 'default')
    if (!placed.ok) continue
    const read = placed.kind.read(placed.document)
    if (!read.ok) continue
    warningsOf(placed.document, read.value)
    const again = must('what was read reads', () => placed.kind.read(read.value))
    deepEqual(again, read)
  }
}

const POD = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'a',
    namespace: 'default',
    annotations: {
      'ipam.spidernet.io/ippools': '[{"interface":"eth0","ipv4":["v4"],"cleangateway":true}]',
      'ipam.spidernet.io/ippool': '{"ipv4":["v4"],"ipv6":["v6"]}',
      'ipam.spidernet.io/routes': '[{"dst":"10.0.0.0/16","gw":"192.168.1.1"}]',
      'ipam.spidernet.io/default-ipv4-ippool': '["a","b*"]',
      'k8s.v1.cni.cncf.io/networks': 'ns/net@eth1,other',
    },
  },
}
const NETWORKS = [
  'ns/net@eth1, other',
  '[{"name":"net","namespace":"ns","interface":"eth1","ips":["10.0.0.5/24"],"mac":' +
    '"02:00:00:00:00:01","infiniband-guid":"c2:11:22:33:44:55:66:77","default-route":' +
    '["10.0.0.1"],"portMappings":[{"hostPort":1,"containerPort":2,"protocol":"tcp"}],' +
    '"bandwidth":{"ingressRate":1},"cni-args":{"a":1},"deviceID":"0000:86:00.1"}]',
]
const CONF_LIST =
  '{"cniVersion":"1.0.0","name":"n","plugins":[{"type":"macvlan","master":"eth0",' +
  '"capabilities":{"ips":true}},{"type":"coordinator"}]}'
const MULTUS = JSON.stringify({
  name: 'multus',
  type: 'multus',
  clusterNetwork: 'default',
  defaultNetworks: ['a', 'b'],
  delegates: [{ type: 'bridge', name: 'x' }],
  systemNamespaces: ['kube-system'],
  multusNamespace: 'kube-system',
  namespaceIsolation: true,
  globalNamespaces: 'default,other',
  confDir: '/etc/cni/multus/net.d',
  runtimeConfig: { portMappings: [] },
})
const PODS = JSON.stringify({
  podResources: [
    {
      name: 'a',
      namespace: 'default',
      containers: [{ name: 'c', devices: [{ resourceName: 'x/y', deviceIds: ['0000:86:00.1'] }] }],
    },
  ],
})
const CHECKPOINT = JSON.stringify({
  Data: {
    PodDeviceEntries: [
      { PodUID: 'u', ContainerName: 'c', ResourceName: 'x/y', DeviceIDs: { '0': ['d'] } },
    ],
    RegisteredDevices: {},
  },
  Checksum: 1,
})

export const DOCUMENT_TARGETS: readonly Target[] = [
  {
    name: 'documents-yaml',
    form: 'text',
    seeds: manifests,
    run: (input) => readAll(textOf(input)),
  },
  { name: 'documents-json', form: 'json', seeds: documents, run: (i) => readAll(textOf(i)) },
  ...KINDS.map(({ apiVersion, kind, plural }) =>
    jsonTarget(
      `kind-${plural}-${apiVersion.split('.')[0]?.replace('/', '-')}`,
      documents,
      (raw) => {
        if (isJsonObject(raw)) readAll(JSON.stringify({ ...raw, apiVersion, kind }))
      },
    ),
  ),
  jsonTarget('admit-pool', documents, (raw) => {
    const { document, faults } = admitPool(raw)
    if (document === undefined || faults.length > 0) return
    must('an admitted pool can be used', () => readAsPool(document))
    deepEqual(must('it is admitted again', () => admitPool(document)).document, document)
  }),
  jsonTarget('admit-network', documents, (raw) => {
    if (!isJsonObject(raw)) return
    const around = { nads: [], configs: [], previous: undefined }
    const whole = { ...raw, apiVersion: SPIDER, kind: 'SpiderMultusConfig' }
    const { document, faults } = admitSpiderMultusConfig(whole, around)
    if (document === undefined || faults.length > 0) return
    must('a NAD comes of it', () => nadOf(document))
  }),
  jsonTarget('admit-coordinator', documents, (raw) => {
    if (isJsonObject(raw)) {
      admitSpiderCoordinator({ ...raw, apiVersion: SPIDER, kind: 'SpiderCoordinator' })
    }
  }),
  {
    name: 'networks-annotation',
    form: 'json',
    seeds: () => NETWORKS,
    run: (input) => void readNetworks(textOf(input), { defaultNamespace: 'default' }),
  },
  jsonTarget(
    'pool-annotations',
    () => [JSON.stringify(POD.metadata.annotations)],
    (raw) => {
      if (!isJsonObject(raw)) return
      const texts = Object.entries(raw).map(([key, value]) => [key, textOrJson(value)] as const)
      const metadata = { ...POD.metadata, annotations: Object.fromEntries(texts) }
      const pod = { ...POD, metadata }
      // each by itself: what one refuses must not hide the others
      const works = [
        () => poolsOfPod(pod, 'eth0'),
        () => routesOfPod(pod),
        () => poolsOfNamespace(pod),
      ]
      const thrown = works.flatMap((work) => attempt(work))
      if (thrown.length > 0) throw thrown[0]
    },
  ),
  {
    name: 'conf-list',
    form: 'json',
    seeds: () => [CONF_LIST],
    run: (input) => void parseConfList(textOf(input), { namespace: 'ns', name: 'n' }),
  },
  jsonTarget(
    'multus-conf',
    () => [MULTUS, CONF_LIST],
    (raw) => {
      if (isJsonObject(raw)) readMultusConf(raw, { clusterNetwork: undefined, confFolder: '/etc' })
    },
  ),
  {
    name: 'pod-resources',
    form: 'json',
    seeds: () => [PODS],
    run(input) {
      devicesInAnswer({ file: 'f', text: textOf(input) }, { namespace: 'default', name: 'a' })
    },
  },
  {
    name: 'kubelet-checkpoint',
    form: 'json',
    seeds: () => [CHECKPOINT],
    run(input) {
      devicesInCheckpoint({ file: 'f', text: textOf(input) }, { uid: 'u', containers: ['c'] })
    },
  },
  {
    name: 'device-info',
    form: 'json',
    seeds: () => ['{"type":"pci","version":"1.1.0","pci":{"pci-address":"0000:86:00.1"}}'],
    run: (input) => void parseDeviceFile(textOf(input)),
  },
  {
    name: 'resolv-conf',
    form: 'text',
    seeds: () => ['nameserver 10.0.0.1\nsearch a b\noptions ndots:5\ndomain x\n# c\n'],
    run: (input) => void dnsOfResolvConf(textOf(input)),
  },
]

function textOrJson(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** What it throws, unless it is a failure. */
function attempt(work: () => unknown): unknown[] {
  try {
    work()
    return []
  } catch (thrown) {
    return thrown instanceof Error && thrown.name === 'Failure' ? [] : [thrown]
  }
}
