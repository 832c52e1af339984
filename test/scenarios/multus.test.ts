/**
 * The meta plugin on the kernel of this machine, under the name and with the
 * configuration of the one that it replaces.
 * @module
 */
import { deepEqual, equal, match } from 'node:assert/strict'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import type { Document } from '#needs/records.ts'
import { nad } from './documents.ts'
import { macvlan, opened, podOn, RECORDER, resultOf } from './multus-node.ts'
import { NEEDS_NODE } from './real-node.ts'

const DEFAULT = 'v1.multus-cni.io/default-network'
const NETWORKS = 'k8s.v1.cni.cncf.io/networks'
const RESOURCE = 'k8s.v1.cni.cncf.io/resourceName'

const ASKS = { capabilities: { ips: true, mac: true } }
async function recorded(calls: string, name: string) {
  return JSON.parse(await readFile(join(calls, `${name}.json`), 'utf8'))
}

test(
  "an existing configuration of Multus works under Multus' name (root)",
  NEEDS_NODE,
  async () => {
    const { node, calls } = await opened([nad('by-file', [])].map(withoutConfig))
    await using _ = node
    const folder = join(node.folder, 'net.d')
    await files(folder, {
      '00-multus.conf': '{"name":"multus-cni-network","type":"multus"}',
      '10-lan.conflist': JSON.stringify({
        cniVersion: '0.4.0',
        name: 'lan',
        plugins: [macvlan({ addresses: [{ address: '10.7.0.5/16' }] })],
      }),
      'lan/sub.conf': '{"type":"recorder","from":"lan"}',
      'extra/z.conf': '{"type":"recorder","from":"extra"}',
      '20-by-file.conf': '{"name":"by-file","type":"recorder","from":"by-file"}',
    })
    const conf = {
      cniVersion: '0.3.1',
      name: 'multus-cni-network',
      clusterNetwork: join(folder, '10-lan.conflist'),
      confDir: folder,
      auxiliaryCNIChainName: 'extra',
      capabilities: { portMappings: true, bandwidth: true },
      kubeconfig: '/etc/cni/net.d/multus.d/multus.kubeconfig',
      logLevel: 'verbose',
      logToStderr: false,
      namespaceIsolation: false,
      cniDir: '/var/lib/cni/multus',
    }
    const call = await podOn(node, { [NETWORKS]: 'kube-system/by-file' }, conf)
    const empty = await node.state()
    for (const type of ['multus', 'multus-shim']) {
      const result = resultOf(await node.plugin('ADD', { ...call, type }))
      deepEqual(
        result.ips?.map(({ address }) => address),
        ['10.7.0.5/16'],
      )
      const chained = await recorded(calls, 'ADD-eth0')
      deepEqual([chained.from, chained.name, chained.cniVersion], ['lan', 'lan', '0.4.0'])
      equal(chained.prevResult.ips[0].address, '10.7.0.5/16')
      deepEqual((await recorded(calls, 'ADD-net1')).from, 'by-file')
      const last = await recorded(calls, 'ADD-net2')
      deepEqual([last.from, last.name], ['extra', 'extra'])
      equal(typeof last.prevResult, 'object')
      equal((await node.plugin('DEL', { ...call, type })).status, 0)
      equal(await node.state(), empty)
    }
  },
)

test(
  'what a network declares reaches its plugins, the default one too (root)',
  NEEDS_NODE,
  async () => {
    const capabilities = { mac: true, ips: true, infinibandGUID: true, portMappings: true }
    const recorder = { type: 'recorder', capabilities, args: { cni: { kept: 1 } } }
    const deaf = { type: 'recorder', second: true }
    const { node, calls } = await opened([
      nad('first', [recorder]),
      nad('other', [{ type: 'recorder', capabilities: { bandwidth: true } }, deaf]),
    ])
    await using _ = node
    const guid = '02:00:00:00:00:00:00:01'
    const element = {
      name: 'first',
      mac: '02:00:00:00:00:09',
      ips: ['10.9.0.7/16', 'fd09::7'],
      'infiniband-guid': guid,
      'cni-args': { rail: 3 },
    }
    const bandwidth = { ingressRate: 1000, egressRate: 2000 }
    const call = await podOn(
      node,
      {
        [DEFAULT]: JSON.stringify([element]),
        [NETWORKS]: JSON.stringify([{ name: 'other', namespace: 'kube-system', bandwidth }]),
      },
      { runtimeConfig: { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: 'tcp' }] } },
    )
    resultOf(await node.plugin('ADD', call))
    const main = await recorded(calls, 'ADD-eth0')
    deepEqual(main.runtimeConfig, {
      portMappings: [{ hostPort: 8080, containerPort: 80, protocol: 'tcp' }],
      ips: element.ips,
      mac: element.mac,
      infinibandGUID: guid,
    })
    deepEqual(main.args, { cni: { kept: 1, rail: 3 } })
    match(
      await readFile(join(calls, 'ADD-eth0.args'), 'utf8'),
      /;MAC=02:00:00:00:00:09;IP=10\.9\.0\.7\/16,fd09::7$/m,
    )
    // the second plugin of the chain wrote over the first, and declares nothing
    const second = await recorded(calls, 'ADD-net1')
    deepEqual([second.second, second.runtimeConfig], [true, undefined])
    equal((await node.plugin('DEL', call)).status, 0)
    deepEqual((await recorded(calls, 'DEL-eth0')).runtimeConfig, main.runtimeConfig)
  },
)

test('a pod has the address and the MAC that it asks for (root)', NEEDS_NODE, async () => {
  const { node } = await opened([
    nad('first', [macvlan({}, ASKS)]),
    nad('second', [macvlan({}, ASKS)]),
  ])
  await using _ = node
  const element = (name: string, n: number) => ({
    ...{ name, namespace: 'kube-system', interface: `rail${n}` },
    mac: `02:00:00:00:00:0${n}`,
    ips: [`10.8.0.${n}/16`],
  })
  const call = await podOn(node, {
    [DEFAULT]: JSON.stringify([{ ...element('first', 1), interface: 'eth0' }]),
    [NETWORKS]: JSON.stringify([element('second', 2)]),
  })
  resultOf(await node.plugin('ADD', call))
  for (const [link, n] of [
    ['eth0', 1],
    ['rail2', 2],
  ] as const) {
    const { stdout } = await node.in('a', 'ip', 'addr', 'show', 'dev', link)
    match(stdout, new RegExp(`02:00:00:00:00:0${n}[^]*10\\.8\\.0\\.${n}/16`))
  }
  equal((await node.plugin('DEL', call)).status, 0)
})

test('two rails of one resource have two devices (root)', NEEDS_NODE, async () => {
  const rail = (name: string): Document => {
    const network = nad(name, [{ type: 'recorder' }])
    const annotations = { [RESOURCE]: 'spidernet.io/rail' }
    return { ...network, metadata: { ...network.metadata, annotations } }
  }
  const { node, calls } = await opened([rail('first'), rail('rail1'), rail('rail2')])
  await using _ = node
  const call = await podOn(node, { [NETWORKS]: 'kube-system/rail1,kube-system/rail2' })
  const entry = (ids: readonly string[]) => ({
    ...{ PodUID: call.ref?.uid, ContainerName: 'main', ResourceName: 'spidernet.io/rail' },
    DeviceIDs: { 0: ids },
  })
  const checkpoint = join(node.folder, 'checkpoint')
  const entries = [entry(['0000:01:00.3', '0000:01:00.1']), entry(['0000:01:00.2'])]
  await writeFile(checkpoint, JSON.stringify({ Data: { PodDeviceEntries: entries } }))
  await node.kill()
  await node.boot({
    under: ['unshare', '-m', '--propagation', 'slave', 'sh', '-ec', BESIDE, checkpoint],
  })
  resultOf(await node.plugin('ADD', call))
  const given = await Promise.all(
    ['eth0', 'net1', 'net2'].map(async (name) => {
      const { deviceID, pciBusID } = await recorded(calls, `ADD-${name}`)
      return [deviceID, pciBusID]
    }),
  )
  deepEqual(
    given,
    ['0000:01:00.1', '0000:01:00.2', '0000:01:00.3'].map((id) => [id, id]),
  )
  equal((await node.plugin('DEL', call)).status, 0)
})

test(
  'plugins of the folder of binaries go before those of CNI_PATH (root)',
  NEEDS_NODE,
  async () => {
    const { node } = await opened([nad('first', [{ type: 'recorder' }])])
    await using _ = node
    const binDir = join(node.folder, 'own/bin')
    await mkdir(binDir, { recursive: true })
    await writeFile(join(binDir, 'recorder'), `#!/bin/sh\n${RECORDER}\n`, { mode: 0o755 })
    const call = await podOn(node, {}, { binDir })
    resultOf(await node.plugin('ADD', call))
    equal((await node.plugin('DEL', call)).status, 0)
    deepEqual((await readdir(join(node.folder, 'own/calls'))).toSorted(), [
      'ADD-eth0.args',
      'ADD-eth0.json',
      'DEL-eth0.args',
      'DEL-eth0.json',
    ])
  },
)

for (const [what, conf, annotations, code, text] of [
  [
    'a configuration without networks',
    { clusterNetwork: '' },
    {},
    7,
    /^LoadNetConf: at least one delegate\/clusterNetwork must be specified$/,
  ],
  [
    'an annotation that is no list',
    {},
    { [NETWORKS]: '{"name":"first"}' },
    7,
    /failed to parse pod Network Attachment Selection Annotation JSON format: it is not an array/,
  ],
  [
    'a network of another namespace',
    { namespaceIsolation: true },
    { [NETWORKS]: 'kube-system/first' },
    7,
    /pod is in namespace default but refers to target namespace kube-system$/,
  ],
  [
    'two default routes',
    {},
    {
      [NETWORKS]:
        '[{"name":"first","namespace":"kube-system","default-route":["10.0.0.1"]},' +
        '{"name":"first","namespace":"kube-system","default-route":["10.0.0.2"]}]',
    },
    7,
    /^multus does not support ECMP for default-route$/,
  ],
] as const) {
  test(`Multus' words refuse ${what} (root)`, NEEDS_NODE, async () => {
    const { node } = await opened([nad('first', [{ type: 'recorder' }])])
    await using _ = node
    const { status, stdout } = await node.plugin('ADD', await podOn(node, annotations, conf))
    equal(status, 1)
    const error: { code: number; msg: string } = JSON.parse(stdout)
    equal(error.code, code, stdout)
    match(error.msg, text)
  })
}

test('an interface of somebody else is left to him (root)', NEEDS_NODE, async () => {
  const { node, calls } = await opened([nad('first', [{ type: 'recorder' }])])
  await using _ = node
  const call = await podOn(node, {})
  await node.in('a', 'ip', 'link', 'add', 'eth0', 'type', 'veth')
  const { status, stdout } = await node.plugin('ADD', call)
  equal(status, 1)
  const error: { msg: string } = JSON.parse(stdout)
  match(error.msg, /name to "eth0": validateIfName: interface name eth0 already exists$/)
  equal((await node.in('a', 'ip', 'link', 'show', 'eth0')).status, 0)
  deepEqual(await readdir(calls).catch(() => []), [])
})

test("another pod under the name says whose uid is the store's (root)", NEEDS_NODE, async () => {
  const { node } = await opened([nad('first', [{ type: 'recorder' }])])
  await using _ = node
  const call = await podOn(node, {})
  const ref = { namespace: 'default', name: 'a', uid: 'another' }
  const { status, stdout } = await node.plugin('ADD', { ...call, ref })
  equal(status, 1)
  match(stdout, new RegExp(`expected pod UID \\\\"another\\\\" but got \\\\"${call.ref?.uid}`))
})

/** In a mount namespace of its own the agent finds the kubelet's checkpoint where it belongs. */
const BESIDE = `mount -t tmpfs none /var/lib
mkdir -p /var/lib/kubelet/device-plugins
cp "$0" /var/lib/kubelet/device-plugins/kubelet_internal_checkpoint
exec "$@"`

function withoutConfig(network: Document): Document {
  return { ...network, spec: {} }
}

async function files(folder: string, texts: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(texts)) {
    const path = join(folder, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
  }
}
