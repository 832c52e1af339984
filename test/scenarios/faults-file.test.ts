/**
 * The store and the journal damaged, or locked by another process, at the start
 * of the agent and while it runs. What must happen is in docs/reference/faults.md.
 * @module
 */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { open, rename, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { FaultBench, FILES, type FileOf, Lock } from './fault-bench.ts'
import { NEEDS_NODE } from './real-node.ts'
import { demand, resultOf } from './real-pods.ts'
import { linksIn } from './real-state.ts'

const BOTH: readonly FileOf[] = ['store', 'journal']
const PAGE = 4_096

/** Everything in the file itself, and none in its -wal. */
async function settle(path: string): Promise<void> {
  const db = new DatabaseSync(path)
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  db.close()
  for (const more of ['-wal', '-shm']) await rm(`${path}${more}`, { force: true })
}

/** Garbage in place of every page from number `first` on, counted from 0. */
async function spoil(path: string, first: number): Promise<void> {
  const file = await open(path, 'r+')
  const { size } = await file.stat()
  const garbage = Buffer.alloc(PAGE, 0xa5)
  for (let at = first * PAGE; at < size; at += PAGE) await file.write(garbage, 0, PAGE, at)
  await file.close()
}

const DAMAGES = [
  { does: 'is another file', act: (path: string) => writeFile(path, 'no database '.repeat(500)) },
  { does: 'has a spoilt head', act: (path: string) => spoil(path, 0) },
  {
    does: 'is cut in its middle',
    act: async (path: string) =>
      truncate(path, Math.floor((await stat(path)).size / PAGE / 2) * PAGE),
  },
] as const

for (const which of BOTH) {
  for (const { does, act } of DAMAGES) {
    test(
      `the ${which} ${does}: the agent does not start, and names it (root)`,
      NEEDS_NODE,
      async () => {
        await using bench = await FaultBench.open()
        const { node } = bench
        const path = bench.path(which)
        // some pages of it
        const calls = await Promise.all(['a', 'b', 'c', 'd'].map((name) => bench.pod(name)))
        for (const call of calls) resultOf(await node.plugin('ADD', call))
        await node.kill()
        if (which === 'store') await node.closeRecords()
        await settle(path)
        await act(path)
        const words = await bench.words()
        match(
          words,
          /^exit 1: verbena agent: Cannot use \S+: it is not a database of Verbena, or is /,
        )
        ok(words.includes(path), words)
        // what mends it: the file out of the way
        await rename(path, `${path}.damaged`)
        for (const more of ['-wal', '-shm']) await rm(`${path}${more}`, { force: true })
        await bench.boot()
        if (which === 'store') return
        for (const call of calls) await demand(node, 'DEL', call)
        equal(await bench.allocations(), 0, 'DEL goes by the store where the journal says nothing')
        for (const { pod } of calls) deepEqual(await linksIn(node, pod), [])
      },
    )
  }
}

test(
  'pages of the store are spoilt while it runs: code 11 names it (root)',
  NEEDS_NODE,
  async () => {
    await using bench = await FaultBench.open()
    const { node } = bench
    const call = await bench.pod('a')
    await node.kill()
    await node.closeRecords()
    await settle(bench.path('store'))
    await spoil(bench.path('store'), 1)
    await bench.boot()
    const { code, msg } = await bench.refused('ADD', call)
    equal(code, 11)
    match(msg, /^Cannot use \S+store\.db: it is not a database of Verbena, or is damaged: /)
    equal((await node.in('a', 'ip', '-br', 'link')).stdout.trim().split('\n').length, 1)
  },
)

test(
  'the store is locked for a second: ADD and DEL wait, others are served (root)',
  NEEDS_NODE,
  async () => {
    await using bench = await FaultBench.open()
    const { node } = bench
    const call = await bench.pod('a')
    const before = await bench.whole()
    for (const verb of ['ADD', 'DEL']) {
      let running: ReturnType<typeof node.plugin>
      {
        using _lock = new Lock(bench.path('store'))
        running = node.plugin(verb, call)
        await delay(200)
        const askedMs = performance.now()
        await demand(node, 'STATUS', { ...call, conf: { cniVersion: '1.1.0' } })
        ok(performance.now() - askedMs < 500, 'STATUS waits for no lock')
        await delay(600)
      }
      equal((await running).status, 0, verb)
    }
    equal(await bench.whole(), before)
  },
)

test('the store is locked for longer: code 11, then a retry (root)', NEEDS_NODE, async () => {
  await using bench = await FaultBench.open()
  const { node } = bench
  const call = await bench.pod('a')
  const before = await bench.whole()
  {
    using _lock = new Lock(bench.path('store'))
    const startedMs = performance.now()
    const { code, msg } = await bench.refused('ADD', call)
    equal(code, 11)
    match(msg, /^Cannot write \S+store\.db: another process keeps it locked$/)
    ok(performance.now() - startedMs < 8_000)
  }
  equal(await bench.whole(), before)
  resultOf(await node.plugin('ADD', call))
  await demand(node, 'DEL', call)
  equal(await bench.whole(), before)
})

test('the journal is locked: code 11 at once, nothing is done (root)', NEEDS_NODE, async () => {
  await using bench = await FaultBench.open()
  const { node } = bench
  const call = await bench.pod('a')
  const before = await bench.whole()
  for (const verb of ['ADD', 'DEL']) {
    const then = await bench.whole()
    {
      using _lock = new Lock(bench.path('journal'))
      const { code, msg } = await bench.refused(verb, call)
      equal(code, 11)
      match(msg, /^Cannot write \S+journal\.db: another process keeps it locked$/)
    }
    equal(await bench.whole(), then)
    await demand(node, verb, call)
  }
  equal(await bench.whole(), before)
})

for (const which of BOTH) {
  test(`the ${which} is locked at start: waited for, then named (root)`, NEEDS_NODE, async () => {
    await using bench = await FaultBench.open()
    await bench.node.kill()
    const path = bench.path(which)
    {
      using lock = new Lock(path)
      setTimeout(() => lock[Symbol.dispose](), 700)
      await bench.boot()
    }
    await bench.node.kill()
    using _lock = new Lock(path)
    const words = await bench.words()
    match(words, new RegExp(`^exit 1: .*Cannot write ${path}: another process keeps it locked`))
    ok(words.includes(FILES[which]))
  })
}
