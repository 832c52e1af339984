/**
 * The test bed's own shell without a virtual machine: what it refuses, how it gives up on a mirror,
 * and that a signal leaves nothing behind. `apt-get` is a script of the test's own.
 */
import { deepEqual, equal, match } from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

const TESTBED = join(import.meta.dirname, 'testbed.sh')

/** A machine whose `apt-get` does what `script` says, with an empty cache. */
function machine(script: string) {
  const root = mkdtempSync(join(tmpdir(), 'verbena-testbed-'))
  const bin = join(root, 'bin')
  mkdirSync(bin)
  writeFileSync(join(bin, 'apt-get'), `#!/bin/bash\n${script}\n`, { mode: 0o755 })
  const env = {
    ...process.env,
    PATH: `${bin}:${process.env['PATH'] ?? ''}`,
    TESTBED_CACHE: join(root, 'cache'),
    TESTBED_SKIP_FILE: join(root, 'reason'),
    TESTBED_MARK: join(root, 'mark'),
    MIRROR: 'http://mirror.invalid/debian',
  }
  return {
    root,
    run: (...args: string[]) => spawn(TESTBED, args, { env, stdio: ['ignore', 'pipe', 'pipe'] }),
    cached: () => readdirSync(join(root, 'cache')).toSorted(),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  }
}

async function ended(child: ChildProcess): Promise<{ status: number | null; stderr: string }> {
  let stderr = ''
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  child.stdout?.resume()
  const [status]: (number | null)[] = await once(child, 'close')
  return { status: status ?? null, stderr }
}

/** Why the test bed cannot be tried here at all, if so. */
async function cannot(): Promise<string | false> {
  using here = machine('exit 0')
  const { status, stderr } = await ended(here.run('check'))
  return status === 77 ? stderr.trim() : false
}
const skip = await cannot()

for (const { does, args } of [
  { does: 'a verb it does not know', args: ['fly'] },
  { does: 'an option it does not know', args: ['run', '--kernal', '7', '--', 'true'] },
  { does: 'an option without its value', args: ['fetch', '--kernel'] },
  { does: 'a run without a command', args: ['run', '--'] },
  { does: 'a kernel it does not know', args: ['fetch', '--kernel', '5.10'] },
  {
    does: 'a shared folder that is not there',
    args: ['run', '--share', '/nonexistent', '--', 'true'],
  },
]) {
  test(`testbed.sh refuses ${does} with status 2`, { skip, timeout: 30_000 }, async () => {
    using here = machine('exit 0')
    equal((await ended(here.run(...args))).status, 2)
    equal(existsSync(join(here.root, 'cache', 'tools')), false)
  })
}

test(
  'testbed.sh fetch is skipped with the reason after three tries',
  { skip, timeout: 30_000 },
  async () => {
    using here = machine('echo x >> "$TESTBED_MARK"; echo "E: no such mirror" >&2; exit 100')
    const { status, stderr } = await ended(here.run('fetch'))
    equal(status, 77)
    equal(stderr.match(/trying again/g)?.length, 2)
    match(
      stderr,
      /SKIPPED: no package lists of .* from http:\/\/mirror\.invalid\/debian: no such mirror/,
    )
    deepEqual(here.cached(), ['apt', 'lock'])
  },
)

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test(
    `testbed.sh fetch leaves nothing behind on ${signal}`,
    { skip, timeout: 30_000 },
    async () => {
      using here = machine(
        'echo $$ > "$TESTBED_MARK.new"; mv "$TESTBED_MARK.new" "$TESTBED_MARK"; sleep 60',
      )
      const child = here.run('fetch')
      const end = ended(child)
      while (!existsSync(join(here.root, 'mark'))) await new Promise((go) => setTimeout(go, 20))
      child.kill(signal)
      equal((await end).status, { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }[signal])
      deepEqual(here.cached(), ['apt', 'lock'])
      const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
      const left = pids.filter((pid) => {
        try {
          return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(
            `TESTBED_MARK=${here.root}/`,
          )
        } catch {
          return false // gone meanwhile, or not ours
        }
      })
      deepEqual(left, [])
    },
  )
}
