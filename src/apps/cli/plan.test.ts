import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { MANIFESTS } from './cli-in-memory.ts'
import type { Plan } from './plan-json.ts'
import { CONTAINERS, nad, networks, planned, pod, POOL } from './plan-in-memory.ts'
import { runText, withFile } from './world-in-memory.ts'

const GUIDE = ['ipoib-network.yaml', 'ipoib-daemonset.yaml'].flatMap((file) => [
  '-f',
  `${MANIFESTS}/${file}`,
])
test('plan of the IPoIB guide: one attachment with all that belongs to it', async () => {
  const where = ['--pod', 'default/ipoib', '--node', 'node-1', '-o', 'json']
  const { status, stdout } = await runText(['plan', ...GUIDE, ...where])
  const plan: Plan = JSON.parse(stdout)
  deepEqual([status, plan.errors, plan.attachments.length], [0, [], 1])
  const [one] = plan.attachments
  ok(one !== undefined)
  deepEqual([one.interface, one.network, one.default], ['eth0', 'kube-system/ipoib', true])
  deepEqual(
    one.plugins.map(({ type, name, cniVersion }) => [type, name, cniVersion]),
    [
      ['ipoib', 'ipoib', '0.3.1'],
      ['coordinator', 'ipoib', '0.3.1'],
    ],
  )
  deepEqual(
    one.addresses.map(({ family, address, pool }) => [family, address, pool]),
    [[4, '172.91.0.100/16', 'v4-91']],
  )
  match(one.addresses[0]?.why ?? '', /lowest free/)
  equal(one.steps[0]?.do, 'create-link')
  equal(one.undo.at(-1)?.do, 'delete-link')
  match(plan.warnings.join('\n'), /host is assumed to have ibs5f0 \(InfiniBand/)
})

test('plan prints a tree for people, and warnings beside it', async () => {
  const where = ['--pod', 'default/ipoib', '--node', 'node-1']
  const { status, stdout, stderr } = await runText(['plan', ...GUIDE, ...where])
  equal(status, 0)
  for (const line of [
    /^pod default\/ipoib on node node-1: 1 attachment$/m,
    /^eth0$/m,
    /^ {2}network +kube-system\/ipoib \(default\)$/m,
    /^ {2}address +172\.91\.0\.100\/16 of v4-91: /m,
    /^ {4}link add \w+ kind ipoib move on ibs5f0$/m,
    /^ {2}undo$/m,
  ]) {
    match(stdout, line)
  }
  match(stderr, /^Warning: the host is assumed/m)
})

test('plan gives capability arguments to who declares them, and cni-args to all', async () => {
  const plugins = [{ type: 'macvlan', master: 'eth1', capabilities: { mac: true } }]
  const asked = [{ name: 'n', mac: '02:00:00:00:00:01', 'cni-args': { colour: 'blue' } }]
  const { attachments } = await planned([
    nad('n', { plugins }),
    pod(networks(JSON.stringify(asked))),
  ])
  const [one] = attachments
  deepEqual(one?.runtimeConfig, { mac: '02:00:00:00:00:01' })
  deepEqual(one?.plugins[0], {
    type: 'macvlan',
    master: 'eth1',
    capabilities: { mac: true },
    cniVersion: '1.0.0',
    name: 'n',
    runtimeConfig: { mac: '02:00:00:00:00:01' },
    args: { cni: { colour: 'blue' } },
  })
  equal(one?.default, false)
})

test('plan says what it does not know of plugins of other vendors', async () => {
  const ipam = { type: 'spiderpool', default_ipv4_ippool: ['v4'] }
  const { attachments, status } = await planned([
    POOL,
    nad('b', { plugins: [{ type: 'bridge', ipam }, { type: 'coordinator' }] }),
    nad('m', { plugins: [{ type: 'macvlan', master: 'eth1' }, { type: 'portmap' }] }),
    nad('w', { plugins: [{ type: 'macvlan', master: 'eth1', ipam: { type: 'whereabouts' } }] }),
    pod(networks('b,m,w')),
  ])
  equal(status, 0)
  const [bridge, macvlan, whereabouts] = attachments
  deepEqual(bridge?.steps, [])
  deepEqual(bridge?.unknown, [
    'plugin bridge is of another vendor: its steps are not known',
    'plugin coordinator follows bridge: its steps are not known',
  ])
  equal(bridge?.addresses[0]?.address, '10.6.0.10/16')
  equal(bridge?.plugins[0]?.['type'], 'bridge')
  equal(macvlan?.steps[0]?.do, 'create-link')
  match(macvlan?.unknown[0] ?? '', /^plugin portmap is of another vendor/)
  deepEqual(whereabouts?.addresses, [])
  match(whereabouts?.unknown[0] ?? '', /^IPAM whereabouts is of another vendor/)
})

for (const [does, documents, error] of [
  [
    'a network that is not there',
    [pod(networks('x'))],
    {
      object: 'Pod/default/a',
      reason: 'NotFound',
      field: 'metadata.annotations[k8s.v1.cni.cncf.io/networks]',
      message: /\(x\)/,
    },
  ],
  [
    'a pool that is not there',
    [
      nad('n', {
        type: 'macvlan',
        master: 'e',
        ipam: { type: 'spiderpool', default_ipv4_ippool: ['y'] },
      }),
      pod(networks('n')),
    ],
    { object: 'NetworkAttachmentDefinition/default/n', message: /pool y/ },
  ],
  [
    'a configuration that is no JSON',
    [{ ...nad('n', {}), spec: { config: '{' } }, pod(networks('n'))],
    {
      object: 'NetworkAttachmentDefinition/default/n',
      reason: 'Invalid',
      field: 'spec.config',
      message: /./,
    },
  ],
  [
    'a pod that is not there',
    [POOL],
    { object: 'Pod/default/a', reason: 'NotFound', field: '', message: /default\/a/ },
  ],
  [
    'a pod without networks',
    [pod({})],
    { object: 'Pod/default/a', reason: 'NotFound', field: '', message: /names no network/ },
  ],
  [
    'a mode that macvlan has not',
    [nad('n', { type: 'macvlan', master: 'eth1', mode: 'moist' }), pod(networks('n'))],
    {
      object: 'NetworkAttachmentDefinition/default/n',
      field: 'spec.config',
      reason: 'Invalid',
      message: /moist/,
    },
  ],
] as const) {
  test(`plan tells of ${does}: one error, no attachment, exit status 1`, async () => {
    const { status, attachments, errors } = await planned(documents)
    deepEqual([status, attachments, errors.length], [1, [], 1])
    const { message, ...rest } = error
    match(errors[0]?.message ?? '', message)
    for (const [key, value] of Object.entries(rest)) equal(Object(errors[0])[key], value, key)
  })
}

test('plan tells of a document with an error as render does, and goes on', async () => {
  const bad = {
    ...POOL,
    metadata: { name: 'bad' },
    spec: { subnet: '10.7.0.0/16', ips: ['10.8.0.1'] },
  }
  const { status, attachments, errors } = await planned([
    bad,
    nad('n', { type: 'macvlan', master: 'eth1' }),
    pod(networks('n')),
  ])
  deepEqual([status, attachments.length], [1, 1])
  deepEqual([errors[0]?.object, errors[0]?.field], ['SpiderIPPool/bad', 'spec.ips[0]'])
})

test('plan knows the pod of a workload', async () => {
  const of = (kind: string) => ({
    apiVersion: 'apps/v1',
    kind,
    metadata: { name: 'a', namespace: 'default' },
    spec: {
      selector: { matchLabels: { app: 'a' } },
      template: {
        metadata: { labels: { app: 'a' }, annotations: networks('n') },
        spec: CONTAINERS,
      },
    },
  })
  for (const kind of ['DaemonSet', 'Deployment', 'StatefulSet']) {
    const network = nad('n', { type: 'macvlan', master: 'eth1' })
    const { status, attachments, warnings } = await planned([network, of(kind)])
    deepEqual([status, attachments.length], [0, 1], kind)
    ok(warnings.includes(`pod default/a-0 is one that ${kind} default/a would have`))
  }
})

test('plan of a world is for its links, and leaves it alone', async () => {
  const world = {
    netns: { host: { links: [{ name: 'ib7', kind: 'ipoib', driver: 'ibfake' }] } },
    objects: [nad('n', { type: 'ipoib', master: 'ib7' })],
  }
  await withFile(world, async (file) => {
    const { status, attachments, warnings } = await planned([pod(networks('n'))], ['--world', file])
    equal(status, 0)
    equal(Object(attachments[0]?.steps[0]).way, 'in-place')
    deepEqual(
      warnings.filter((text) => text.includes('assumed')),
      [],
    )
    const missing = await planned(
      [nad('m', { type: 'ipoib', master: 'ib8' }), pod(networks('m'))],
      ['--world', file],
    )
    match(missing.errors[0]?.message ?? '', /ib8/)
  })
})

test('plan keeps the address that the interface holds, and gives the one asked for', async () => {
  const ipam = { type: 'spiderpool', default_ipv4_ippool: ['v4'] }
  const network = nad('n', { type: 'macvlan', master: 'eth1', capabilities: { ips: true }, ipam })
  const [first] = (await planned([POOL, network, pod(networks('n'))])).attachments
  equal(first?.addresses[0]?.address, '10.6.0.10/16')
  const asked = JSON.stringify([{ name: 'n', ips: ['10.6.0.15/16'] }])
  const [second] = (await planned([POOL, network, pod(networks(asked))])).attachments
  equal(second?.addresses[0]?.address, '10.6.0.15/16')
  match(second?.addresses[0]?.why ?? '', /asked for/)
})

test('plan refuses a pod that is not NAMESPACE/NAME', async () => {
  const { status, stderr } = await runText(['plan', '--pod', 'a/b/c', '--node', 'n'])
  equal(status, 2)
  match(stderr, /--pod a\/b\/c is not NAMESPACE\/NAME/)
})
