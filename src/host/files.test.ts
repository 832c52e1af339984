import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { hostFiles } from './files.ts'

const ADDON = process.env['VERBENA_NATIVE'] ?? join(import.meta.dirname, '../../build/netns.node')
const skip = existsSync(ADDON) ? false : 'build/netns.node is absent: run make native'
const TIMEOUT_MS = 30_000

function fileTest(does: string, act: (folder: string) => Promise<void>): void {
  test(does, { timeout: TIMEOUT_MS, skip: does.startsWith('locked()') && skip }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vbn-files-'))
    try {
      await act(folder)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
}

fileTest('createExclusive() makes folders and a file once, for its owner alone', async (folder) => {
  const files = hostFiles()
  const path = join(folder, 'net', 'a', '10.1.0.5')
  equal(await files.createExclusive(path, 'id\r\neth0'), true)
  equal(await files.createExclusive(path, 'other'), false)
  equal(await files.read(path), 'id\r\neth0')
  equal(statSync(path).mode & 0o777, 0o600)
})

fileTest('createExclusive() of many at once has one winner', async (folder) => {
  const files = hostFiles()
  const all = Array.from({ length: 20 }, (_, n) =>
    files.createExclusive(join(folder, 'x'), String(n)),
  )
  equal((await Promise.all(all)).filter(Boolean).length, 1)
})

fileTest('replace() leaves nothing but the file', async (folder) => {
  const files = hostFiles()
  await files.replace(join(folder, 'last'), 'one')
  await files.replace(join(folder, 'last'), 'two')
  equal(await files.read(join(folder, 'last')), 'two')
  deepEqual(await files.list(folder), ['last'])
})

fileTest('remove(), read() and list() answer for what is not there', async (folder) => {
  const files = hostFiles()
  const path = join(folder, 'none')
  equal(await files.remove(path), false)
  equal(await files.read(path), undefined)
  deepEqual(await files.list(path), [])
  await files.createExclusive(path, '')
  equal(await files.remove(path), true)
  equal(await files.read(join(path, 'below')), undefined)
})

fileTest('a path that is a folder is file-failed with the code', async (folder) => {
  mkdirSync(join(folder, 'net'))
  await rejects(hostFiles().read(join(folder, 'net')), {
    code: 'file-failed',
    details: { action: 'read', path: join(folder, 'net'), reason: 'EISDIR' },
  })
})

fileTest("paths are looked for below the host's root", async (folder) => {
  await hostFiles({ hostRoot: folder }).createExclusive('/var/lib/x', 'here')
  equal(await hostFiles().read(join(folder, 'var/lib/x')), 'here')
})

fileTest('locked() runs one work at a time, in the order of the calls', async (folder) => {
  const files = hostFiles()
  const seen: string[] = []
  const work = (n: number) =>
    files.locked(join(folder, 'lock'), async () => {
      seen.push(`${n} in`)
      await new Promise((resolve) => setImmediate(resolve))
      seen.push(`${n} out`)
      return n
    })
  deepEqual(await Promise.all([work(0), work(1), work(2)]), [0, 1, 2])
  deepEqual(seen, ['0 in', '0 out', '1 in', '1 out', '2 in', '2 out'])
})

fileTest('locked() lets go when its work throws', async (folder) => {
  const files = hostFiles()
  const path = join(folder, 'lock')
  await rejects(
    files.locked(path, async () => {
      throw new Error('no')
    }),
    { message: 'no' },
  )
  equal(await files.locked(path, async () => 'again'), 'again')
})

fileTest('locked() waits for flock(1) of another program, and gives up', async (folder) => {
  const path = join(folder, 'lock')
  const holder = spawn('flock', [path, 'sh', '-c', 'echo held; read line'])
  await once(holder.stdout, 'data')
  const before = hostFiles({ lockWaitMs: 50 }).locked(path, async () => {})
  await rejects(before, { code: 'file-failed', message: /held for 50 ms/ })
  const after = hostFiles().locked(path, async () => 'mine')
  holder.stdin.end()
  equal(await after, 'mine')
  ok(holder.exitCode === null || holder.exitCode >= 0)
})

fileTest('locked() keeps flock(1) of another program out', async (folder) => {
  const path = join(folder, 'lock')
  await hostFiles().locked(path, async () => {
    const other = spawn('flock', ['--nonblock', path, 'true'])
    deepEqual(await once(other, 'exit'), [1, null])
  })
})
