import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { anchorsOf, checkLinks } from './check-docs.ts'
import { checkHeaders, checkPackageLicences } from './check-licences.ts'
import { checkTextSizes } from './check-sizes.ts'
import { checkPlaces, faultOfName } from './check-words.ts'

for (const { name, fault } of [
  { name: 'planDetach', fault: false },
  { name: 'doctorOf', fault: false },
  { name: 'processes', fault: false },
  { name: 'handleAdd', fault: true },
  { name: 'ensurePool', fault: true },
  { name: 'doIt', fault: true },
  { name: 'PoolManager', fault: true },
  { name: 'LinkInfo', fault: true },
  { name: 'LINK_DATA', fault: true },
  { name: 'Data', fault: false },
  { name: 'subnetOf', fault: true },
  { name: 'subnetManager', fault: false },
  { name: 'SpiderSubnet', fault: false },
  { name: 'adapterName', fault: true },
]) {
  test(`faultOfName() ${fault ? 'refuses' : 'allows'} ${name}`, () => {
    equal(faultOfName(name) !== undefined, fault)
  })
}

for (const { does, path, text, faults } of [
  { does: 'refuses a home folder', path: 'a.ts', text: "'/home/ann/x'", faults: 1 },
  { does: 'allows a path inside the tree', path: 'a.md', text: 'test/work/plan', faults: 0 },
  {
    does: 'refuses a host in the lock',
    path: 'package-lock.json',
    text: '"resolved": "https://h/x"',
    faults: 1,
  },
]) {
  test(`checkPlaces() ${does}`, () => {
    equal(checkPlaces([{ path, text }]).length, faults)
  })
}

test('checkTextSizes() counts lines and columns by the kind of file', () => {
  const long = 'x\n'.repeat(301)
  const wide = `${'x'.repeat(120)}\n`
  const faults = checkTextSizes([
    { path: 'src/a.ts', text: long },
    { path: 'src/b.ts', text: wide },
    { path: 'test/b.sh', text: wide },
    { path: 'docs/a.md', text: long },
    { path: 'docs/decisions/0001-a.md', text: long },
    { path: 'bin/a.ts', text: 'x\n'.repeat(21) },
  ])
  deepEqual(
    faults.map(({ path, text }) => `${path}: ${text}`),
    [
      'src/a.ts: 301 lines, at most 300',
      'src/b.ts: 120 columns, at most 100',
      'docs/decisions/0001-a.md: 301 lines, at most 60',
      'bin/a.ts: 21 lines, at most 20',
    ],
  )
})

test('anchorsOf() makes the anchors of the forges', () => {
  deepEqual(anchorsOf('# One ADD\n```\n# no\n```\n## `lab`, and *more*!\n'), [
    'one-add',
    'lab-and-more',
  ])
})

test('checkLinks() finds a page and a heading that are not there', () => {
  const text = '[a](README.md) `[b](none.md)` [c](none.md) [d](#there) [e](https://x.org/)\n'
  const faults = checkLinks([{ path: 'CONTRIBUTING.md', text }])
  equal(
    faults.some((fault) => fault.text.includes('there is no none.md')),
    true,
  )
  equal(
    faults.some((fault) => fault.text.includes('no heading #there')),
    true,
  )
})

test('checkPackageLicences() looks at the product, not at its tools', () => {
  const faults = checkPackageLicences({
    packages: {
      '': {},
      'node_modules/a': { license: 'MIT' },
      'node_modules/b': { license: 'GPL-3.0' },
      'node_modules/c': {},
      'node_modules/d': { license: 'GPL-3.0', dev: true },
    },
  })
  deepEqual(
    faults.map(({ text }) => text),
    ['b: licence GPL-3.0 is refused', 'c: licence unknown is refused'],
  )
})

test('checkHeaders() wants SPDX in the head of a C file', () => {
  const faults = checkHeaders([
    { path: 'a.c', text: '/* SPDX-License-Identifier: Apache-2.0 */\n' },
    { path: 'b.c', text: '/* b */\n\n\n\n/* SPDX-License-Identifier: MIT */\n' },
  ])
  deepEqual(
    faults.map(({ path }) => path),
    ['b.c'],
  )
})
