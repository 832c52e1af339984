/** Texts of files → documents, as kubectl reads them. @module */
import { deepEqual, equal } from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseDocuments } from './documents.ts'

const MANIFESTS = new URL('../../manifests/', import.meta.url)

/** `Kind name@line` of each document. */
function found(text: string): string[] {
  const { documents, faults } = parseDocuments(text, 'f')
  return [
    ...documents.map(({ document, where }) => `${document.kind} ${where}`),
    ...faults.map(({ where, field, message }) => `${where} ${field}: ${message}`),
  ]
}

for (const [file, kinds] of [
  ['ib-sriov-daemonset.yaml', ['DaemonSet:1']],
  ['ib-sriov-network.yaml', ['SpiderIPPool:1', 'SpiderMultusConfig:11']],
  ['ib-sriov-nodepolicy.yaml', ['SriovNetworkNodePolicy:1']],
  ['ib-sriov-pkey.yaml', ['SpiderMultusConfig:1']],
  ['ipoib-daemonset.yaml', ['DaemonSet:1']],
  ['ipoib-network.yaml', ['SpiderIPPool:1', 'SpiderMultusConfig:11']],
  ['roce-sriov-nodepolicy.yaml', ['SriovNetworkNodePolicy:1']],
  ['ufm-secret.yaml', ['Secret:1']],
] as const) {
  test(`parseDocuments() reads ${file}`, () => {
    const { documents, faults } = parseDocuments(
      readFileSync(new URL(file, MANIFESTS), 'utf8'),
      file,
    )
    deepEqual(faults, [])
    const read = documents.map(
      ({ document, where }) => `${document.kind}${where.slice(file.length)}`,
    )
    deepEqual(read, kinds)
  })
}

test('parseDocuments() is tried on every manifest', () => {
  equal(readdirSync(MANIFESTS).filter((name) => name.endsWith('.yaml')).length, 8)
})

test('parseDocuments() types scalars as kubectl does', () => {
  const text = [
    'apiVersion: v1',
    'kind: T',
    'bool: [yes, No, on, y, true]',
    'octal: 0755',
    'hex: 0x1000',
    'sign: [1_000, 1e3, -5]',
    'date: 2001-01-01',
    'mac: 10:20',
    'pci: 0000:04:00.0',
    'ip: 172.91.0.1',
    'id: 1017',
    'link: [e1, E0, ., -.5, ._]',
    'quoted: "1017"',
    'none: [~, null, ""]',
    'base: &b {k: 1}',
    'merged: {<<: *b, l: 2}',
    'block: |',
    '  a',
    '  b',
  ].join('\n')
  deepEqual(parseDocuments(text, 'f').documents[0]?.document, {
    apiVersion: 'v1',
    kind: 'T',
    bool: [true, false, true, true, true],
    octal: 0o755,
    hex: 4096,
    sign: [1000, 1000, -5],
    date: '2001-01-01',
    mac: '10:20',
    pci: '0000:04:00.0',
    link: ['e1', 'E0', '.', -0.5, '._'],
    ip: '172.91.0.1',
    id: 1017,
    quoted: '1017',
    none: [null, null, ''],
    base: { k: 1 },
    merged: { k: 1, l: 2 },
    block: 'a\nb\n',
  })
})

for (const [does, text, expected] of [
  ['finds nothing in an empty text', '', []],
  ['skips empty documents', '---\n# nothing\n---\n', []],
  ['reads JSON', '{"apiVersion": "v1",\n\t"kind": "A"}', ['A f:1']],
  [
    'takes a list apart',
    'apiVersion: v1\nkind: List\nitems:\n' +
      '- {apiVersion: v1, kind: A}\n- {apiVersion: v1, kind: B}\n',
    ['A f:1', 'B f:1'],
  ],
  [
    'wants a kind',
    'apiVersion: v1\nmetadata: {name: a}',
    ['f:1 kind: Required value: it is not there'],
  ],
  [
    'wants texts for kind and version',
    'apiVersion: 1\nkind: [A]',
    [
      'f:1 apiVersion: Invalid value: 1: must be of type string, it is of type integer',
      'f:1 kind: Invalid value: ["A"]: must be of type string, it is of type array',
    ],
  ],
  [
    'refuses what is no object',
    '---\n\n- 1\n',
    ['f:3 : Invalid value: [1]: must be of type object, it is of type array'],
  ],
  [
    'refuses a key twice, and goes on',
    'a: 1\na: 2\n---\napiVersion: v1\nkind: A\n',
    ['A f:4', 'f:2 : Cannot read the text: Map keys must be unique'],
  ],
  [
    'refuses an unknown alias',
    'apiVersion: v1\nkind: A\nx: *y\n',
    ['f:1 : Cannot read the text: Unresolved alias (the anchor must be set before the alias): y'],
  ],
] as const) {
  test(`parseDocuments() ${does}`, () => {
    deepEqual(found(text), expected)
  })
}

test('parseDocuments() does not expand a bomb of aliases', () => {
  const levels = Array.from({ length: 12 }, (_, i) => {
    const of = i === 0 ? 'x' : `*a${i - 1}`
    return `a${i}: &a${i} [${Array.from({ length: 10 }, () => of).join(', ')}]`
  })
  const { documents, faults } = parseDocuments(
    ['apiVersion: v1', 'kind: A', ...levels].join('\n'),
    'f',
  )
  deepEqual([documents.length, faults.length], [0, 1])
})
