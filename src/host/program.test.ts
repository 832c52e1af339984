import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { errnoName, errnoWords } from './errno.ts'
import { limitOf } from './limit.ts'
import { LinkBook } from './link-book.ts'
import { decodeResults, encodeProgram } from './program.ts'
import { parseIfName } from '#values/if-name.ts'

test('encodeProgram() writes each operation as the addon reads it', () => {
  const program = encodeProgram([
    { op: 'netlink', netns: -1, protocol: 12, messages: Uint8Array.of(1, 2, 3) },
    { op: 'write-file', netns: 7, path: '/p', content: 'v', goOn: true },
    { op: 'read-file', netns: 7, path: '/q' },
    { op: 'lock-file', netns: -1, path: '/l' },
  ])
  equal(
    program.toHex(),
    [
      '01000000 ffffffff 0c000000 03000000 010203',
      '02010000 07000000 02000000 03000000 2f7076',
      '03000000 07000000 00000000 02000000 2f71',
      '04000000 ffffffff 00000000 02000000 2f6c',
    ]
      .join('')
      .replaceAll(' ', ''),
  )
})

test('decodeResults() reads a status and data for each operation', () => {
  const bytes = Uint8Array.fromHex('0000000002000000abcd83ffffff00000000')
  deepEqual(
    decodeResults(bytes).map(({ status, data }) => [status, data.toHex()]),
    [
      [0, 'abcd'],
      [-125, ''],
    ],
  )
})

test('errnoName() and errnoWords() have a word for every number', () => {
  equal(errnoName(19), 'ENODEV')
  equal(errnoWords(19), 'no such device')
  equal(errnoName(4000), '4000')
  equal(errnoWords(4000), '4000')
})

test('limitOf() runs as many as it may, and all in the end', async () => {
  const limit = limitOf(3)
  let [running, most] = [0, 0]
  const work = async (): Promise<void> => {
    most = Math.max(most, ++running)
    await new Promise((resolve) => setImmediate(resolve))
    running--
  }
  await Promise.all(Array.from({ length: 20 }, () => limit(work)))
  deepEqual([running, most], [0, 3])
})

test('limitOf() goes on after a failure', async () => {
  const limit = limitOf(1)
  const results = await Promise.allSettled([
    limit(async () => {
      throw new Error('no')
    }),
    limit(async () => 'yes'),
  ])
  deepEqual(
    results.map(({ status }) => status),
    ['rejected', 'fulfilled'],
  )
})

test('LinkBook follows a link through its names', () => {
  const book = new LinkBook({ below: () => 7, uuid: () => '' })
  const [temp, net1] = [parseIfName('temp'), parseIfName('net1')]
  const made = book.make('host', temp)
  equal(made.index, 1007)
  book.rename(made, net1)
  equal(book.find('host', net1), made)
  equal(book.find('host', temp).index, undefined)
  deepEqual(
    book.lookedUp().map(({ name }) => name),
    ['temp'],
  )
})
