import { deepEqual, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '#values/failure.ts'
import { DEFAULT_FILES, parseLabOptions } from './options.ts'

const DEFAULTS = {
  files: DEFAULT_FILES,
  ground: undefined,
  keep: false,
  nodes: 2,
  parent: undefined,
  timeoutMs: 300_000,
}

for (const { argv, options } of [
  { argv: [], options: {} },
  { argv: ['-f', 'a', 'b', '--keep'], options: { files: ['a', 'b'], keep: true } },
  { argv: ['-f', 'a', '-f', '-'], options: { files: ['a', '-'] } },
  { argv: ['--filename=a', '--ground', 'host'], options: { files: ['a'], ground: 'host' } },
  {
    argv: ['--nodes=3', '--parent', 'ib0', '--timeout', '60'],
    options: { nodes: 3, parent: 'ib0', timeoutMs: 60_000 },
  },
]) {
  test(`parseLabOptions() reads: ${argv.join(' ')}`, () => {
    deepEqual(parseLabOptions(argv), { verb: 'run', options: { ...DEFAULTS, ...options } })
  })
}

test('parseLabOptions() reads the end of a run', () => {
  deepEqual(parseLabOptions(['end', 'abc234']), { verb: 'end', run: 'abc234' })
})

for (const { argv, name } of [
  { argv: ['exec', 'abc234', '--', 'ip', '-n', 'x', 'a'], name: undefined },
  { argv: ['exec', 'abc234', 'node-a', '--', 'ip', '-n', 'x', 'a'], name: 'node-a' },
]) {
  test(`parseLabOptions() reads a command in a run: ${argv.join(' ')}`, () => {
    const words = ['ip', '-n', 'x', 'a']
    deepEqual(parseLabOptions(argv), { verb: 'exec', run: 'abc234', name, words })
  })
}

for (const argv of [
  ['end'],
  ['end', '../etc'],
  ['end', 'abc234', 'more'],
  ['end', 'abc234', '--', 'true'],
  ['exec', 'abc234'],
  ['exec', 'abc234', 'node-a', 'true'],
  ['exec', 'abc234', 'node-a', 'node-b', '--', 'true'],
  ['--', 'true'],
  ['begin'],
  ['-f'],
  ['--nodes', '0'],
  ['--nodes', '17'],
  ['--ground', 'moon'],
  ['--parent'],
  ['--loud'],
]) {
  test(`parseLabOptions() refuses: ${argv.join(' ')}`, () => {
    throws(
      () => parseLabOptions(argv),
      (thrown) => thrown instanceof Failure && thrown.code === 'command-invalid',
    )
  })
}
