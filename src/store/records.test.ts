import { deepEqual, equal, match, notEqual, ok, rejects, throws } from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { promisify } from 'node:util'
import type { Change, Records } from '#needs/records.ts'
import { recordsContract } from '#test/contract/records.ts'
import { openRecords } from './records.ts'

const POOL = { apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderIPPool' } as const
const run = promisify(execFile)

/** A folder of its own that goes with the test. */
async function folder() {
  const path = await mkdtemp(join(tmpdir(), 'verbena-store-'))
  return {
    file: join(path, 'store.db'),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}

recordsContract('SQLite in memory', async () => {
  const records = await openRecords({ path: ':memory:' })
  return { records, other: records, close: () => records[Symbol.asyncDispose]() }
})

recordsContract('a SQLite file with two agents', async () => {
  const dir = await folder()
  const records = await openRecords({ path: dir.file })
  const other = await openRecords({ path: dir.file })
  return {
    records,
    other,
    async close() {
      await records[Symbol.asyncDispose]()
      await other[Symbol.asyncDispose]()
      await dir[Symbol.asyncDispose]()
    },
  }
})

/** Writes pools in another process, as many as `count`. */
async function writeElsewhere(file: string, { prefix, count }: { prefix: string; count: number }) {
  const source = `
    import { openRecords } from '${import.meta.resolve('./records.ts')}'
    await using records = await openRecords({ path: ${JSON.stringify(file)} })
    let made = 0
    for (let i = 0; i < ${count}; i++) {
      const metadata = { name: '${prefix}-' + i }
      await records.create({ ...${JSON.stringify(POOL)}, metadata, spec: {} })
        .then(() => made++, (cause) => { if (cause.code !== 'record-exists') throw cause })
    }
    console.log(made)`
  const args = ['--input-type=module-typescript', '--eval', source]
  const { stdout } = await run(process.execPath, args, { timeout: 60_000 })
  return Number(stdout)
}

async function seen(records: Records, count: number, since = '0'): Promise<Change[]> {
  const changes: Change[] = []
  for await (const change of records.watch(POOL, since, AbortSignal.timeout(30_000))) {
    changes.push(change)
    if (changes.length === count) break
  }
  return changes
}

test('openRecords() watches what another process writes', { timeout: 60_000 }, async () => {
  await using dir = await folder()
  await using records = await openRecords({ path: dir.file })
  const watching = seen(records, 3)
  equal(await writeElsewhere(dir.file, { prefix: 'p', count: 3 }), 3)
  const names = (await watching).map(({ document }) => document.metadata.name)
  deepEqual(names, ['p-0', 'p-1', 'p-2'])
})

test(
  'three processes that create the same 200 names make each once',
  { timeout: 90_000 },
  async () => {
    await using dir = await folder()
    await using records = await openRecords({ path: dir.file })
    const made = await Promise.all(
      [1, 2, 3].map(() => writeElsewhere(dir.file, { prefix: 'p', count: 200 })),
    )
    equal(
      made.reduce((sum, one) => sum + one),
      200,
    )
    equal((await records.list(POOL)).items.length, 200)
  },
)

test('openRecords() keeps what was written before', async () => {
  await using dir = await folder()
  const before = await openRecords({ path: dir.file })
  const made = await before.create({ ...POOL, metadata: { name: 'a' }, spec: {} })
  await before[Symbol.asyncDispose]()
  await using after = await openRecords({ path: dir.file })
  deepEqual(await after.get({ ...POOL, namespace: undefined, name: 'a' }), made)
})

test('a write waits for the lock of another process, then gives up by name', async () => {
  await using dir = await folder()
  await using records = await openRecords({ path: dir.file, busyMs: 60 })
  const holder = new DatabaseSync(dir.file)
  holder.exec('BEGIN IMMEDIATE')
  const document = { ...POOL, metadata: { name: 'a' }, spec: {} }
  await rejects(records.create(document), {
    code: 'store-busy',
    message: `Cannot write ${dir.file}: another process keeps it locked`,
  })
  const waiting = records.create(document)
  setTimeout(() => holder.exec('ROLLBACK'), 20)
  equal((await waiting).metadata.name, 'a')
  holder.close()
})

test('watch() of versions that are no longer kept says so', async () => {
  await using records = await openRecords({ path: ':memory:', keptChanges: 100 })
  for (let i = 0; i < 400; i++) {
    await records.create({ ...POOL, metadata: { name: `p-${i}` }, spec: {} })
  }
  await rejects(seen(records, 1, '1'), { code: 'record-expired' })
  equal((await seen(records, 10, '390')).at(-1)?.document.metadata.name, 'p-399')
})

test('openRecords() refuses a file of a later layout', async () => {
  await using dir = await folder()
  const db = new DatabaseSync(dir.file)
  db.exec('PRAGMA user_version = 99')
  db.close()
  await rejects(openRecords({ path: dir.file }), (cause: Error) => {
    ok(cause.message.includes(dir.file) && cause.message.includes('99'), cause.message)
    return 'code' in cause && cause.code === 'store-version'
  })
})

test('openRecords() refuses what is no database', async () => {
  await using dir = await folder()
  await writeFile(dir.file, 'apiVersion: v1\n'.repeat(1_000))
  await rejects(openRecords({ path: dir.file }), { code: 'store-corrupt' })
})

test('openRecords() refuses the database of another program', async () => {
  await using dir = await folder()
  const db = new DatabaseSync(dir.file)
  db.exec('CREATE TABLE foreign_things (a)')
  db.close()
  await rejects(openRecords({ path: dir.file }), { code: 'store-corrupt' })
})

test('a damaged page is one failure that names the file', async () => {
  await using dir = await folder()
  const records = await openRecords({ path: dir.file })
  for (let i = 0; i < 500; i++) {
    await records.create({ ...POOL, metadata: { name: `p-${i}` }, spec: { i } })
  }
  await records[Symbol.asyncDispose]()
  const { open } = await import('node:fs/promises')
  await using file = await open(dir.file, 'r+')
  const { size } = await file.stat()
  for (let at = 4096; at < size; at += 4096) await file.write(Buffer.alloc(4096, 0xa5), 0, 4096, at)
  await rejects(
    (async () => {
      await using again = await openRecords({ path: dir.file })
      await again.list(POOL)
    })(),
    { code: 'store-corrupt' },
  )
})

test('get() gives the same object until it is written, and nobody can change it', async () => {
  await using records = await openRecords({ path: ':memory:' })
  const ref = { ...POOL, namespace: undefined, name: 'a' }
  await records.create({ ...POOL, metadata: { name: 'a' }, spec: { subnet: '10.1.0.0/16' } })
  const first = await records.get(ref)
  if (first === undefined) throw new TypeError('pool')
  equal(await records.get(ref), first)
  throws(() => Object.assign(first.metadata, { name: 'b' }), TypeError)
  await records.replace({ ...first, spec: { subnet: '10.2.0.0/16' } })
  deepEqual((await records.get(ref))?.['spec'], { subnet: '10.2.0.0/16' })
  await records.delete(ref)
  equal(await records.get(ref), undefined)
})

test('a full disk is one failure that names the file', async () => {
  await using dir = await folder()
  await using records = await openRecords({ path: dir.file, maxPages: 40 })
  const filling = async (): Promise<void> => {
    for (let i = 0; i < 1_000; i++) {
      const spec = { text: 'x'.repeat(4_000) }
      await records.create({ ...POOL, metadata: { name: `p-${i}` }, spec })
    }
  }
  await rejects(filling(), {
    code: 'store-full',
    message: `Cannot write ${dir.file}: the disk is full`,
  })
  ok((await records.list(POOL)).items.length > 0)
})

const root = process.getuid?.() === 0

test(
  'openRecords() refuses a read-only file (needs no root)',
  {
    skip: root && 'root may write every file',
  },
  async () => {
    await using dir = await folder()
    await (await openRecords({ path: dir.file }))[Symbol.asyncDispose]()
    await chmod(dir.file, 0o444)
    await rejects(openRecords({ path: dir.file }), { code: 'store-read-only' })
  },
)

test('openRecords() of a copy keeps the uid that a document brings', async () => {
  const document = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', uid: 'uid-of-a' } }
  await using copy = await openRecords({ path: ':memory:', keepsUid: true })
  equal((await copy.create(document)).metadata.uid, 'uid-of-a')
  const bare = { ...document, metadata: { name: 'b' } }
  match((await copy.create(bare)).metadata.uid, /^[0-9a-f-]{36}$/)
  await using store = await openRecords({ path: ':memory:' })
  notEqual((await store.create(document)).metadata.uid, 'uid-of-a')
})
