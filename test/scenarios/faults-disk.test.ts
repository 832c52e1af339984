/**
 * The store and the journal on disks that fail: full, read-only, broken, at the
 * start of the agent and while it runs. What must happen is in
 * docs/reference/faults.md.
 * @module
 */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { FaultBench, FILES, type FileOf } from './fault-bench.ts'
import { run, start } from './program-run.ts'
import { NEEDS_NODE } from './real-node.ts'
import { demand, resultOf } from './real-pods.ts'

/** Numbers of the kernel, and what is said of each. */
const ERRNOS = [
  { does: 'breaks (EIO)', errno: 5, says: /^Cannot use \S+: disk I\/O error$/ },
  { does: 'is full (ENOSPC)', errno: 28, says: /^Cannot write \S+: the disk is full$/ },
  { does: 'became read-only (EROFS)', errno: 30, says: /^Cannot use \S+: disk I\/O error$/ },
] as const
const BOTH: readonly FileOf[] = ['store', 'journal']

for (const which of BOTH) {
  for (const { does, errno, says } of ERRNOS) {
    test(
      `the disk of the ${which} ${does}: code 11, nothing is left (root)`,
      NEEDS_NODE,
      async () => {
        await using bench = await FaultBench.open()
        const { node, mortal } = bench
        const call = await bench.pod('a')
        const before = await bench.whole()
        mortal.failWith(errno, `write ${FILES[which]}`)
        const added = await bench.refused('ADD', call)
        equal(added.code, 11)
        match(added.msg, says)
        match(added.msg, new RegExp(FILES[which]))
        equal(await bench.whole(), before)
        mortal.disarm()
        resultOf(await node.plugin('ADD', call))
        mortal.failWith(errno, `write ${FILES[which]}`)
        const deleted = await bench.refused('DEL', call)
        equal(deleted.code, 11)
        match(deleted.msg, new RegExp(FILES[which]), 'DEL names the cause, too')
        const status = { ...call, conf: { cniVersion: '1.1.0' } }
        equal((await node.plugin('STATUS', status)).status, 0, 'the agent answers')
        mortal.disarm()
        await demand(node, 'DEL', call)
        equal(await bench.whole(), before)
      },
    )
  }

  test(
    `the disk of the ${which} fills up in mid ADD, at every write (root)`,
    NEEDS_NODE,
    async (t) => {
      await using bench = await FaultBench.open()
      const { node, mortal } = bench
      const call = await bench.pod('a')
      const before = await bench.whole()
      let refusals = 0
      for (let first = 1; ; first++) {
        mortal.failWith(28, `write ${FILES[which]}`, first)
        const exit = await node.plugin('ADD', call)
        mortal.disarm()
        const links = (await node.in('a', 'ip', '-br', 'link')).stdout.trim().split('\n')
        if (exit.status !== 0) {
          equal(JSON.parse(exit.stdout).code, 11, exit.stdout)
          deepEqual([first, links.length], [first, 1], 'only lo is left')
          refusals++
        }
        resultOf(await node.plugin('ADD', call))
        equal(await bench.allocations(), 1)
        await demand(node, 'DEL', call)
        equal(await bench.whole(), before, `after a disk that was full from write ${first} on`)
        if (exit.status === 0) break
      }
      t.diagnostic(`${refusals} writes`)
      ok(refusals >= 2)
    },
  )

  test(
    `the ${which} on a disk that is full: code 11 until there is room (root)`,
    NEEDS_NODE,
    async () => {
      await using bench = await FaultBench.open()
      const { node } = bench
      const call = await bench.pod('a')
      const folder = await bench.onDisk(which, 2_048)
      await bench.boot(bench.on(which))
      const before = await bench.whole()
      await start(['dd', 'if=/dev/zero', `of=${folder}/ballast`, 'bs=4k']).ended
      let exits = 0
      // what a disk has reserved for the file already may still serve
      for (; exits < 20; exits++) {
        const exit = await node.plugin('ADD', call)
        if (exit.status !== 0) {
          const { code, msg } = JSON.parse(exit.stdout)
          deepEqual(
            [code, msg],
            [11, `Cannot write ${join(folder, FILES[which])}: the disk is full`],
          )
          break
        }
        await node.plugin('DEL', call)
      }
      ok(exits < 20, 'the disk was never full')
      await node.kill()
      const words = await bench.words(bench.on(which))
      ok(words === 'it started' || /the disk is full/.test(words), words)
      await rm(join(folder, 'ballast'))
      await bench.boot(bench.on(which))
      resultOf(await node.plugin('ADD', call))
      await demand(node, 'DEL', call)
      equal(await bench.whole(), before)
    },
  )

  test(
    `the ${which} on a read-only disk: the agent does not start (root)`,
    NEEDS_NODE,
    async () => {
      await using bench = await FaultBench.open()
      const folder = await bench.onDisk(which, 2_048)
      const path = join(folder, FILES[which])
      for (const ended of ['after a crash', 'after a clean stop']) {
        await run(['mount', '-o', 'remount,rw', folder])
        await bench.boot(bench.on(which))
        if (ended === 'after a clean stop') await bench.stop()
        else await bench.node.kill()
        await run(['mount', '-o', 'remount,ro', folder])
        const words = await bench.words(bench.on(which))
        match(
          words,
          new RegExp(`^exit 1: verbena agent: Cannot write ${path}: it is read-only`),
          ended,
        )
      }
      await run(['mount', '-o', 'remount,rw', folder])
      await bench.boot(bench.on(which))
    },
  )
}

test('a state folder that cannot be made: the agent says which (root)', NEEDS_NODE, async () => {
  await using bench = await FaultBench.open()
  const folder = join(bench.node.folder, 'file')
  await run(['touch', folder])
  match(await bench.words({ more: ['--state', `${folder}/state`] }), /^exit 1: .*file\/state/)
})
