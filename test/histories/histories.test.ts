/**
 * A short exploration of histories, the same each time, and proof that it finds
 * what is wrong on purpose. A million operations: `make histories`.
 * @module
 */
import { equal, match, notEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { recordsContract } from '#test/contract/records.ts'
import { explore, type Exploring } from './explore.ts'
import { memoryRecords } from './memory-records.ts'
import { MUTANTS } from './mutant.ts'

const SHORT = { lookEvery: 5, seed: 1, path: undefined, length: 80 } as const

for (const { level, operations } of [
  { level: 'addresses', operations: 5_000 },
  { level: 'whole', operations: 1_000 },
] as const) {
  test(`every law holds in histories of ${level}`, async (t) => {
    const explored = await explore({ ...SHORT, level, operations })
    equal(explored.broken, undefined)
    t.diagnostic(`${explored.operations} operations in ${explored.histories} histories`)
    ok(explored.operations >= operations)
  })
}

for (const mutant of MUTANTS) {
  test(`histories find an agent or a store that is wrong by ${mutant}`, async (t) => {
    const wrong: Exploring = {
      ...SHORT,
      level: mutant === 'late-journal' ? 'whole' : 'addresses',
      mutant,
      operations: 6_000,
      shrinks: false,
    }
    const found = await explore(wrong)
    notEqual(found.broken, undefined)
    t.diagnostic(`after ${found.operations} operations: ${found.broken?.split('\n')[0]}`)
    match(found.broken ?? '', /^again: npm run histories -- .*--seed \d+ --path [\d:]+$/m)
    const replayed = await explore({ ...wrong, seed: found.seed, path: found.path })
    equal(replayed.broken, found.broken)
  })
}

recordsContract('memory, for histories', async () => {
  const records = memoryRecords()
  return { records, other: records, close: async () => undefined }
})
