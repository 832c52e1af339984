/** Kinds by their names, and documents in their places. @module */
import { deepEqual, equal } from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseDocuments, type RawDocument } from './documents.ts'
import { kindNamed, kindOf, KINDS, placeDocument, warningsOf } from './kinds.ts'
import { isRecord } from './zod.ts'

const MANIFESTS = new URL('../../manifests/', import.meta.url)

for (const [word, kind] of [
  ['sp', 'SpiderIPPool'],
  ['pools', 'SpiderIPPool'],
  ['spiderippools.spiderpool.spidernet.io', 'SpiderIPPool'],
  ['smc', 'SpiderMultusConfig'],
  ['SpiderMultusConfig', 'SpiderMultusConfig'],
  ['scc', 'SpiderCoordinator'],
  ['net-attach-def', 'NetworkAttachmentDefinition'],
  ['network-attachment-definitions.k8s.cni.cncf.io', 'NetworkAttachmentDefinition'],
  ['allocations', 'Allocation'],
  ['pod', 'Pod'],
  ['po', 'Pod'],
  ['ds', 'DaemonSet'],
  ['daemonsets.apps', 'DaemonSet'],
  ['ns', 'Namespace'],
  ['pods.apps', undefined],
  ['', undefined],
  ['thing', undefined],
] as const) {
  test(`kindNamed() takes ${word} for ${kind ?? 'nothing'}`, () => {
    equal(kindNamed(word)?.kind, kind)
  })
}

test('no two kinds share a name', () => {
  const names = KINDS.flatMap(({ plural, names: others }) => [plural, ...others])
  deepEqual(
    names.filter((name, index) => names.indexOf(name) !== index),
    [],
  )
})

for (const file of readdirSync(MANIFESTS).filter((name) => name.endsWith('.yaml'))) {
  test(`every document of ${file} has a kind`, () => {
    const { documents } = parseDocuments(readFileSync(new URL(file, MANIFESTS), 'utf8'), file)
    deepEqual(
      documents.filter(({ document }) => kindOf(document) === undefined),
      [],
    )
  })
}

for (const file of ['ipoib-daemonset.yaml', 'ib-sriov-daemonset.yaml', 'ipoib-network.yaml']) {
  test(`the documents of ${file} are read without a warning, and nothing is lost`, () => {
    const { documents } = parseDocuments(readFileSync(new URL(file, MANIFESTS), 'utf8'), file)
    for (const { document } of documents) {
      const placed = placeDocument(document, 'default')
      if (!placed.ok) throw new TypeError(placed.object)
      const read = placed.kind.read(placed.document)
      deepEqual(read.ok ? warningsOf(placed.document, read.value) : read.faults, [])
    }
  })
}

const rawOf = (kind: string, apiVersion: string, metadata: unknown): RawDocument => ({
  apiVersion,
  kind,
  metadata,
})

for (const [what, raw, object, namespace] of [
  ['gives a namespace', rawOf('Pod', 'v1', { name: 'a' }), 'Pod/lab/a', 'lab'],
  ['keeps a namespace', rawOf('Pod', 'v1', { name: 'a', namespace: 'b' }), 'Pod/b/a', 'b'],
  [
    'takes default from a cluster-scoped one',
    rawOf('Node', 'v1', { name: 'a', namespace: 'default' }),
    'Node/a',
    undefined,
  ],
  ['does without metadata', rawOf('Pod', 'v1', undefined), 'Pod/lab/', 'lab'],
  ['does without metadata of a Node', rawOf('Node', 'v1', undefined), 'Node/', undefined],
] as const) {
  test(`placeDocument() ${what}`, () => {
    const placed = placeDocument(raw, 'lab')
    equal(placed.object, object)
    const metadata = placed.ok ? placed.document['metadata'] : undefined
    equal(isRecord(metadata) ? metadata['namespace'] : undefined, namespace)
  })
}

for (const [what, raw, object, reason, field] of [
  [
    'an unknown kind',
    rawOf('Thing', 'v1', { name: 'a', namespace: 'b' }),
    'Thing/b/a',
    'NotSupported',
    'kind',
  ],
  [
    'a known kind of another version',
    rawOf('Pod', 'v2', { name: 'a' }),
    'Pod/a',
    'NotSupported',
    'kind',
  ],
  [
    'a namespace on a cluster-scoped one',
    rawOf('Node', 'v1', { name: 'a', namespace: 'b' }),
    'Node/a',
    'Forbidden',
    'metadata.namespace',
  ],
] as const) {
  test(`placeDocument() refuses ${what}`, () => {
    const placed = placeDocument(raw, 'lab')
    if (placed.ok) throw new TypeError('it was placed')
    deepEqual([placed.object, placed.fault.reason, placed.fault.field], [object, reason, field])
  })
}

const SPEC = {
  containers: [{ name: 'c', command: ['sleep', '1'], unknown: { kept: 1 } }],
  other: true,
}

test('a Pod keeps what is not looked at', () => {
  const raw = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' }, spec: SPEC }
  const read = kindOf(raw)?.read(raw)
  deepEqual(read, { ok: true, value: raw })
})

for (const [what, spec, field] of [
  ['no containers', { containers: [] }, 'spec.containers'],
  [
    'a command that is no list',
    { containers: [{ name: 'c', command: 'x' }] },
    'spec.containers[0].command',
  ],
] as const) {
  test(`a Pod is refused with ${what}`, () => {
    const raw = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' }, spec }
    const read = kindOf(raw)?.read(raw)
    deepEqual(read?.ok === false && read.faults.map((fault) => fault.field), [field])
  })
}

test('a DaemonSet is refused when its selector does not match its template', () => {
  const raw = {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'a' },
    spec: {
      selector: { matchLabels: { app: 'a' } },
      template: { metadata: { labels: { app: 'b' } }, spec: SPEC },
    },
  }
  const read = kindOf(raw)?.read(raw)
  deepEqual(read?.ok === false && read.faults.map(({ field }) => field), [
    'spec.template.metadata.labels',
  ])
})
