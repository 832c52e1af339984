import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { asWritten } from './as-written.ts'

const before = {
  links: [
    { name: 'lo', index: 1 },
    { name: 'eth0', index: 2, up: true },
  ],
  files: {},
}
const raw = { links: [{ name: 'eth0' }] }

for (const { does, after, is } of [
  { does: 'gives back what was written where nothing changed', after: before, is: raw },
  {
    does: 'puts what is new behind it',
    after: { ...before, links: [...before.links, { name: 'net1', index: 3 }] },
    is: { links: [{ name: 'eth0' }, { name: 'net1', index: 3 }] },
  },
  {
    does: 'says of a thing what changed of it',
    after: { ...before, links: [before.links[0], { name: 'eth0', index: 2, up: false }] },
    is: { links: [{ name: 'eth0', up: false }] },
  },
  {
    does: 'leaves out what is gone',
    after: { links: [before.links[0]], files: {} },
    is: { links: [] },
  },
  {
    does: 'names what was left out and changed',
    after: { ...before, links: [{ name: 'lo', index: 1, up: true }, before.links[1]] },
    is: { links: [{ name: 'eth0' }, { name: 'lo', index: 1, up: true }] },
  },
  {
    does: 'writes a new key behind the others',
    after: { ...before, files: { '/a': 'x' } },
    is: { links: [{ name: 'eth0' }], files: { '/a': 'x' } },
  },
]) {
  test(`asWritten() ${does}`, () => {
    deepEqual(asWritten({ raw, before, after }), is)
  })
}

test('asWritten() of a list that was left out gives what is new in it', () => {
  const [lo, net1] = [{ name: 'lo' }, { name: 'net1' }]
  const lists = { before: { links: [lo] }, after: { links: [lo, net1] } }
  deepEqual(asWritten({ raw: {}, ...lists }), { links: [net1] })
})

test('asWritten() gives lists of things without names as they are now', () => {
  const list = { raw: ['10.0.0.1/8'], before: ['10.0.0.1/8'], after: ['10.0.0.2/8'] }
  deepEqual(asWritten(list), ['10.0.0.2/8'])
})
