/** Pods and network objects among the documents of `verbena render`. @module */
import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { makeBench } from './cli-in-memory.ts'
import type { Rendering } from './render.ts'

async function renderAll(...documents: readonly object[]): Promise<Rendering> {
  await using bench = await makeBench()
  const text = documents.map((one) => JSON.stringify(one)).join('\n---\n')
  const { stdout } = await bench.verbena(['render', '-f', '-', '-o', 'json'], text)
  return JSON.parse(stdout)
}

const WORD = 'cni.spidernet.io/rdma-resource-inject'
const smc = (name: string, master: string, annotations: object = { [WORD]: 'rails' }): object => ({
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderMultusConfig',
  metadata: { name, namespace: 'net', annotations },
  spec: { cniType: 'ipoib', ipoib: { master, ippools: { ipv4: ['v4'] } } },
})
const spec = { containers: [{ name: 'main' }] }
const podAsking = (word: string): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'app', annotations: { [WORD]: word } },
  spec,
})
const annotationsOf = ({ objects }: Rendering, kind: string) =>
  objects.find((one) => one.kind === kind)?.metadata.annotations

test('render shows a pod as the webhook leaves it, wherever its networks stand', async () => {
  const rendering = await renderAll(podAsking('rails'), smc('b', 'ib1'), smc('a', 'ib0'))
  deepEqual(rendering.errors, [])
  deepEqual(annotationsOf(rendering, 'Pod'), {
    [WORD]: 'rails',
    'k8s.v1.cni.cncf.io/networks': 'net/a,net/b',
  })
})

test('apply writes pods so too, and again the same', async () => {
  await using bench = await makeBench()
  const apply = async (document: object): Promise<string> => {
    return (await bench.verbena(['apply', '-f', '-'], JSON.stringify(document))).stdout
  }
  await apply(smc('a', 'ib0'))
  await apply({
    ...{ apiVersion: 'v1', kind: 'Namespace' },
    metadata: { name: 'app', annotations: { [WORD]: 'rails' } },
  })
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'app' }, spec }
  equal(await apply(pod), 'pod/p created\n')
  const { stdout } = await bench.verbena(['get', 'pod', 'p', '-n', 'app', '-o', 'json'])
  equal(JSON.parse(stdout).metadata.annotations['k8s.v1.cni.cncf.io/networks'], 'net/a')
  equal(await apply(pod), 'pod/p unchanged\n')
})

test('render refuses a pod that asks for networks that there are not', async () => {
  const { objects, errors } = await renderAll(podAsking('none'))
  deepEqual(objects, [])
  deepEqual(errors, [
    {
      object: 'Pod/app/p',
      reason: 'Invalid',
      field: 'metadata.annotations',
      message:
        `Invalid value: "none": annotation ${WORD}: no SpiderMultusConfig of any namespace has ` +
        'this label',
    },
  ])
})

test('render heeds the word of a namespace and the configuration of the chart', async () => {
  const namespace = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'app', annotations: { [WORD]: 'rails' } },
  }
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'app' }, spec }
  const conf = (text: string) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'spiderpool-conf', namespace: 'spiderpool' },
    data: { 'conf.yml': text },
  })
  const shown = await renderAll(namespace, pod, smc('a', 'ib0'))
  equal(annotationsOf(shown, 'Pod')?.['k8s.v1.cni.cncf.io/networks'], 'net/a')
  const off = await renderAll(namespace, pod, conf('podResourceInject: {enabled: false}'))
  equal(annotationsOf(off, 'Pod'), undefined)
  const bad = await renderAll(conf('podResourceInject: {enabled: "no"}'))
  deepEqual(
    bad.errors.map(({ object, reason, field }) => [object, reason, field]),
    [
      [
        'ConfigMap/spiderpool/spiderpool-conf',
        'TypeInvalid',
        'data["conf.yml"].podResourceInject.enabled',
      ],
    ],
  )
})

test('render warns of a workload whose pods would be refused', async () => {
  const labels = { app: 'x' }
  const { warnings } = await renderAll({
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'd', namespace: 'app' },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels, annotations: { [WORD]: 'none' } }, spec },
    },
  })
  equal(warnings.length, 1)
  equal(
    warnings[0],
    'DaemonSet/app/d: its pods will be refused: metadata.annotations: Invalid value: "none": ' +
      `annotation ${WORD}: no SpiderMultusConfig of any namespace has this label`,
  )
})

const RESOURCE = 'k8s.v1.cni.cncf.io/resourceName'
const handWritten = {
  apiVersion: 'k8s.cni.cncf.io/v1',
  kind: 'NetworkAttachmentDefinition',
  metadata: { name: 'a', namespace: 'net', annotations: { mine: 'x', [RESOURCE]: 'r/x' } },
  spec: { config: '{"type":"ptp"}' },
}

for (const [what, documents, warning] of [
  [
    'takes over a network object that stands before it',
    [handWritten, smc('a', 'ib0', {})],
    'SpiderMultusConfig/net/a: takes over NetworkAttachmentDefinition a, which was written by hand',
  ],
  [
    'keeps a network object that somebody changes',
    [smc('a', 'ib0', {}), handWritten],
    'NetworkAttachmentDefinition/net/a: follows from SpiderMultusConfig a: its own spec is ignored',
  ],
] as const) {
  test(`render ${what}`, async () => {
    const { generated, warnings, errors } = await renderAll(...documents)
    deepEqual(errors, [])
    deepEqual(warnings, [warning])
    equal(generated.length, 1)
    deepEqual(generated[0]?.metadata.annotations, { mine: 'x' })
    equal(generated[0]?.metadata.ownerReferences?.[0]?.name, 'a')
    equal(JSON.stringify(generated[0]?.['spec']).includes('ipoib'), true)
  })
}

test('render takes the NAD away whose name an update no longer asks for', async () => {
  const named = { 'multus.spidernet.io/cr-name': 'called' }
  const { generated } = await renderAll(smc('a', 'ib0', named), smc('a', 'ib0', {}))
  deepEqual(
    generated.map(({ metadata }) => metadata.name),
    ['a'],
  )
})

test('render does not put a document whose namespace is no text elsewhere', async () => {
  const { errors } = await renderAll({
    ...podAsking('x'),
    metadata: { name: 'p', namespace: true },
  })
  deepEqual(
    errors.map(({ reason, field }) => [reason, field]),
    [['TypeInvalid', 'metadata.namespace']],
  )
})
