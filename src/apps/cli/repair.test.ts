import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { allocation, type Bench } from './cli-in-memory.ts'
import { filled, FREE, HELD, inFile, journalOf, PLANTINGS } from './planted-damage.ts'
import { runCli } from './run.ts'

/** What stands in the files, byte by byte what a reader can see. */
function contentOf(bench: Bench): string {
  const texts = [bench.store, journalOf(bench)].map((path) => {
    const db = new DatabaseSync(path, { readOnly: true })
    const table = path === bench.store ? 'documents' : 'attachments'
    const rows = db.prepare(`SELECT * FROM ${table} ORDER BY 1`).all()
    db.close()
    return JSON.stringify(rows)
  })
  return texts.join('\n')
}

for (const { damage, plant, says, holds = [HELD], words = () => [] } of PLANTINGS) {
  test(`repair mends ${damage}: ${says.source.slice(0, 50)}`, async () => {
    await using bench = await filled()
    equal(
      (await bench.verbena(['check'])).stdout,
      '1 allocations of 1 pools: all is as it must be\n',
    )
    await plant(bench)
    const more = words(bench)
    const checked = await bench.verbena(['check', ...more])
    match(checked.stdout, says)
    equal(checked.status, 1)

    const before = contentOf(bench)
    const shown = await bench.verbena(['repair', '--dry-run', '-o', 'json', ...more])
    equal(shown.status, 1)
    equal(contentOf(bench), before)
    const { plan } = JSON.parse(shown.stdout)
    ok(
      plan.some((one: { damage: string }) => one.damage === damage),
      shown.stdout,
    )

    const mended = await bench.verbena(['repair', '--yes', ...more])
    equal(mended.stderr, '')
    match(mended.stdout, /\d mended: all is as it must be\n$/)
    equal(mended.status, 0)
    match((await bench.verbena(['check', ...more])).stdout, /: all is as it must be\n$/)
    deepEqual(await bench.verbena(['repair', '--yes', '-o', 'json', ...more]), {
      status: 0,
      stdout: '{\n  "mended": [],\n  "plan": []\n}\n',
      stderr: '',
    })
    const { stdout } = await bench.verbena(['get', 'allocation', '-o', 'name'])
    deepEqual(
      stdout.split('\n').filter((line) => line !== ''),
      holds.map((address) => `allocation.verbena.dev/${address}`),
    )
  })
}

test('repair frees nothing that an interface has', async () => {
  await using bench = await filled()
  await bench.put(allocation(FREE, 'gone'))
  bench.live.set(FREE, 'net1 in /proc/77/ns/net')
  const { status, stdout } = await bench.verbena(['repair', '--yes'])
  equal(status, 1)
  match(stdout, /none: net1 in \/proc\/77\/ns\/net has 172\.91\.0\.105, delete its pod/)
  match(stdout, /0 mended: 1 damages are left\n$/)
})

test('repair frees nothing where nobody could look', async () => {
  await using bench = await filled()
  await bench.put(allocation(FREE, 'gone'))
  let stdout = ''
  const status = await runCli({
    argv: ['repair', '--yes', '--store', bench.store],
    env: {},
    stdin: (async function* () {})(),
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: () => undefined },
    look: async () => ({ looked: false, reason: 'nobody could look: it wants root' }),
  })
  equal(status, 1)
  match(stdout, /none: an interface may have it, nobody could look: it wants root/)
})

test('what a row said is kept beside the file', async () => {
  await using bench = await filled()
  inFile(journalOf(bench), `INSERT INTO attachments VALUES ('a', 'c1', 'what it said')`)
  equal((await bench.verbena(['repair', '--yes'])).status, 0)
  const kept = await readFile(`${journalOf(bench)}.removed`, 'utf8')
  equal(JSON.parse(kept).body, 'what it said')
})

for (const { answer, status, says } of [
  { answer: 'y\n', status: 0, says: /1 mended: all is as it must be\n$/ },
  { answer: '\n', status: 1, says: /0 mended: 1 damages are left\n$/ },
]) {
  test(`repair on a terminal waits to be told: ${JSON.stringify(answer)}`, async () => {
    await using bench = await filled()
    await bench.put(allocation(FREE, 'gone'))
    const written = { stdout: '', stderr: '' }
    const stdin = (async function* () {
      yield answer
    })()
    const { live, netns } = bench
    const ran = await runCli({
      argv: ['repair', '--store', bench.store],
      env: {},
      stdin: Object.assign(stdin, { isTTY: true }),
      stdout: { write: (text) => (written.stdout += text) },
      stderr: { write: (text) => (written.stderr += text) },
      look: async () => ({ looked: true, live, netns, marks: new Set() }),
    })
    equal(ran, status)
    equal(written.stderr, 'Mend this? [y/N] ')
    match(written.stdout, says)
  })
}

test('repair without a terminal wants --yes', async () => {
  await using bench = await filled()
  await bench.put(allocation(FREE, 'gone'))
  const { status, stderr } = await bench.verbena(['repair'])
  equal(status, 2)
  match(stderr, /nobody can be asked here: give --yes or --dry-run/)
})
