import { equal, rejects, throws } from 'node:assert/strict'
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { journalContract, rowOf } from '#test/contract/journal.ts'
import { failureOf } from './database.ts'
import { openJournal } from './journal.ts'

/** A folder of its own that goes with the test. */
async function folder() {
  const path = await mkdtemp(join(tmpdir(), 'verbena-journal-'))
  return {
    path,
    file: join(path, 'journal.db'),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}

journalContract('a SQLite file', async () => {
  const dir = await folder()
  const journal = openJournal({ path: dir.file })
  const copies: { [Symbol.asyncDispose](): Promise<void> }[] = [journal]
  return {
    journal,
    // the files as they stand when a process is killed: nothing was closed or checkpointed
    async reopen() {
      const file = join(dir.path, 'after.db')
      for (const end of ['', '-wal']) await copyFile(dir.file + end, file + end)
      const after = openJournal({ path: file })
      copies.push(after)
      return after
    },
    async close() {
      for (const open of copies) await open[Symbol.asyncDispose]()
      await dir[Symbol.asyncDispose]()
    },
  }
})

journalContract('SQLite in memory', async () => {
  const journal = openJournal({ path: ':memory:' })
  return {
    journal,
    reopen: () => Promise.resolve(journal),
    close: () => journal[Symbol.asyncDispose](),
  }
})

test('write() of several rows writes all or none', async () => {
  await using dir = await folder()
  await using journal = openJournal({ path: dir.file })
  const holder = new DatabaseSync(dir.file)
  holder.exec('BEGIN IMMEDIATE')
  throws(() => journal.write([rowOf('a'), rowOf('b')]), { code: 'store-busy' })
  throws(() => journal.write([rowOf('a')]), { code: 'store-busy' })
  holder.exec('ROLLBACK')
  holder.close()
  equal(journal.all().length, 0)
  journal.write([rowOf('a')])
  equal(journal.all().length, 1)
})

test('openJournal() refuses a damaged file and one of another layout', async () => {
  await using dir = await folder()
  await writeFile(dir.file, 'no database '.repeat(1_000))
  throws(() => openJournal({ path: dir.file }), { code: 'store-corrupt' })
  await rm(dir.file)
  const db = new DatabaseSync(dir.file)
  db.exec('PRAGMA user_version = 7')
  db.close()
  throws(() => openJournal({ path: dir.file }), {
    code: 'store-version',
    message: `Cannot use ${dir.file}: its layout is version 7, this program knows 1`,
  })
})

test('openJournal() names the folder that it cannot make', async () => {
  await using dir = await folder()
  await writeFile(join(dir.path, 'file'), '')
  await rejects(async () => openJournal({ path: join(dir.path, 'file', 'journal.db') }), {
    code: 'store-failed',
  })
})

for (const { sqlite, code } of [
  { sqlite: 5, code: 'store-busy' },
  { sqlite: 6, code: 'store-busy' },
  { sqlite: 8, code: 'store-read-only' },
  { sqlite: 8 | (3 << 8), code: 'store-read-only' },
  { sqlite: 10, code: 'store-failed' },
  { sqlite: 11, code: 'store-corrupt' },
  { sqlite: 13, code: 'store-full' },
  { sqlite: 14, code: 'store-failed' },
  { sqlite: 26, code: 'store-corrupt' },
]) {
  test(`failureOf() tells SQLite's ${sqlite} as ${code} with the path`, () => {
    const cause = Object.assign(new Error('words of SQLite'), { errcode: sqlite })
    throws(
      () => {
        throw failureOf(cause, '/var/lib/verbena/store.db')
      },
      (failure: Error) => {
        equal('code' in failure && failure.code, code)
        equal(failure.message.includes('/var/lib/verbena/store.db'), true)
        equal(failure.cause, cause)
        return true
      },
    )
  })
}
