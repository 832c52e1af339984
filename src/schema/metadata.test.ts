/** Names, labels and annotations. @module */
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { anyDocument } from './metadata.ts'
import { readWith } from './zod.ts'

const read = (metadata: unknown) => {
  const result = readWith(anyDocument, { apiVersion: 'v1', kind: 'A', metadata, spec: { kept: 1 } })
  return result.ok ? [] : result.faults.map(({ reason, field }) => [reason, field])
}

for (const [what, metadata, fault] of [
  ['a plain name', { name: 'a' }, undefined],
  ['dots and dashes', { name: 'v4-91.pool.1' }, undefined],
  ['a long name', { name: 'a'.repeat(254) }, ['Invalid', 'metadata.name']],
  ['an upper-case name', { name: 'A' }, ['Invalid', 'metadata.name']],
  ['an empty name', { name: '' }, ['Invalid', 'metadata.name']],
  ['no name', {}, ['Required', 'metadata.name']],
  ['a namespace with a dot', { name: 'a', namespace: 'a.b' }, ['Invalid', 'metadata.namespace']],
  ['a long namespace', { name: 'a', namespace: 'a'.repeat(64) }, ['Invalid', 'metadata.namespace']],
  ['good labels', { name: 'a', labels: { 'a.b/C_d': 'E-f_1.g', x: '' } }, undefined],
  ['a bad label key', { name: 'a', labels: { 'a b': 'x' } }, ['Invalid', 'metadata.labels']],
  [
    'a key with two slashes',
    { name: 'a', labels: { 'a/b/c': 'x' } },
    ['Invalid', 'metadata.labels'],
  ],
  ['a bad label value', { name: 'a', labels: { a: 'x y' } }, ['Invalid', 'metadata.labels']],
  ['a number as a label', { name: 'a', labels: { a: 1 } }, ['TypeInvalid', 'metadata.labels.a']],
  ['any annotation text', { name: 'a', annotations: { a: '{"x": 1}\n' } }, undefined],
  [
    'a bad annotation key',
    { name: 'a', annotations: { '-a': '' } },
    ['Invalid', 'metadata.annotations'],
  ],
  [
    'an owner without uid',
    { name: 'a', ownerReferences: [{ apiVersion: 'v1', kind: 'A', name: 'b' }] },
    ['Required', 'metadata.ownerReferences[0].uid'],
  ],
] as const) {
  test(`metadata with ${what}`, () => {
    deepEqual(read(metadata), fault === undefined ? [] : [fault])
  })
}
