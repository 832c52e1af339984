/**
 * Plugins of other vendors that the CNI shim executes because the agent says so
 * (`native/shim.c`): lookup, environment, input, outputs, status.
 * @module
 */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { chmod, mkdir, open, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { encodeResult, encodeRun, type Ran } from './frames.ts'
import { execShim, NEEDS_SHIM, ScriptedAgent, SHIM } from './shim.ts'

const MIB = 1 << 20

type Run = { readonly type: string; readonly env?: readonly string[]; readonly stdin?: string }
type Given = {
  /** Shell scripts by path under the agent's directory; mode 755. */
  readonly scripts?: Readonly<Record<string, string>>
  /** Directories of CNI_PATH under the agent's directory. */
  readonly path?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly before?: (directory: string) => Promise<void>
}

/** Lets an agent answer with the runs, one after the other; gives what came back of each. */
async function runAll(
  runs: readonly Run[],
  given: Given = {},
): Promise<{ ran: Ran[]; at: string }> {
  const ran: Ran[] = []
  await using agent = await ScriptedAgent.start((frame, connection) => {
    if (frame.kind === 'ran') ran.push(frame.ran)
    const next = runs[ran.length]
    if (next === undefined) connection.write(encodeResult(0, 'done'))
    else connection.write(encodeRun({ env: [], stdin: '', ...next }))
  })
  const at = agent.directory
  for (const directory of given.path ?? ['bin']) await mkdir(join(at, directory))
  for (const [name, script] of Object.entries(given.scripts ?? {})) {
    await writeFile(join(at, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  }
  await given.before?.(at)
  const path = (given.path ?? ['bin']).map((directory) => join(at, directory)).join(':')
  const env = { PATH: '/usr/bin:/bin', CNI_COMMAND: 'ADD', CNI_PATH: path, ...given.env }
  const exit = await execShim({ env: { ...env, VERBENA_SOCKET: agent.socket }, stdin: '{}' })
  deepEqual(exit, { status: 0, stdout: 'done', stderr: '' })
  return { ran, at }
}

async function runOne(run: Run, given: Given = {}): Promise<{ ran: Ran | undefined; at: string }> {
  const { ran, at } = await runAll([run], given)
  equal(ran.length, 1)
  return { ran: ran[0], at }
}

test('run gives status, both outputs, the input and the environment', NEEDS_SHIM, async () => {
  const script = 'cat; echo "$CNI_COMMAND|$CNI_ARGS|$OWN|$NEW" >&2; exit 3'
  const env = ['CNI_COMMAND=DEL', 'CNI_ARGS=', 'NEW=a=b']
  const { ran } = await runOne(
    { type: 'tuning', env, stdin: '{"name":"x"}' },
    { scripts: { 'bin/tuning': script }, env: { CNI_ARGS: 'K=V', OWN: 'kept' } },
  )
  deepEqual(ran, { status: 3, stdout: '{"name":"x"}', stderr: 'DEL||kept|a=b\n' })
})

test('run replaces variables and does not repeat them', NEEDS_SHIM, async () => {
  const { ran } = await runOne(
    { type: 'env', env: ['CNI_COMMAND=GC', 'CNI=short'] },
    { scripts: { 'bin/env': 'tr "\\0" "\\n" </proc/$$/environ | grep ^CNI_COMMAND' } },
  )
  deepEqual(ran, { status: 0, stdout: 'CNI_COMMAND=GC\n', stderr: '' })
})

test('run is repeated as often as the agent asks', NEEDS_SHIM, async () => {
  const scripts = { 'bin/a': 'echo a', 'bin/b': 'echo b; exit 1' }
  const { ran } = await runAll([{ type: 'a' }, { type: 'b' }, { type: 'a' }], { scripts })
  deepEqual(
    ran.map((r) => `${r.status} ${r.stdout.trim()}`),
    ['0 a', '1 b', '0 a'],
  )
})

test('run reports 128 + signal', NEEDS_SHIM, async () => {
  const { ran } = await runOne({ type: 'dies' }, { scripts: { 'bin/dies': 'kill -TERM $$' } })
  equal(ran?.status, 143)
})

test('run gives a plugin the default of SIGPIPE', NEEDS_SHIM, async () => {
  const scripts = { 'bin/pipe': 'grep SigIgn /proc/self/status' }
  const { ran } = await runOne({ type: 'pipe' }, { scripts })
  // of all that the test's own caller may ignore, only this one is the shim's affair
  const ignored = /^SigIgn:\s([0-9a-f]{16})\n$/.exec(ran?.stdout ?? '')?.[1] ?? 'ffff'
  equal(BigInt(`0x${ignored}`) & (1n << 12n), 0n)
})

test('run takes the first runnable file of CNI_PATH', NEEDS_SHIM, async () => {
  const { ran } = await runOne(
    { type: 'x' },
    {
      path: ['none', 'folder', 'plain', 'good', 'late'],
      scripts: { 'plain/x': 'echo plain', 'good/x': 'echo good', 'late/x': 'echo late' },
      before: async (at) => {
        await mkdir(join(at, 'folder/x'))
        await chmod(join(at, 'plain/x'), 0o644)
      },
    },
  )
  deepEqual(ran, { status: 0, stdout: 'good\n', stderr: '' })
})

for (const type of ['', '.', '..', 'a/b', '/bin/sh', '../bin/x']) {
  test(`run refuses the type ${JSON.stringify(type)}`, NEEDS_SHIM, async () => {
    const { ran, at } = await runOne({ type }, { scripts: { 'bin/x': 'echo ran' } })
    const stderr = `failed to find plugin "${type}" in path [${at}/bin]`
    deepEqual(ran, { status: -1, stdout: '', stderr })
  })
}

test('run says where a plugin was not found', NEEDS_SHIM, async () => {
  const { ran, at } = await runOne({ type: 'nope' }, { path: ['a', 'b'] })
  const stderr = `failed to find plugin "nope" in path [${at}/a ${at}/b]`
  deepEqual(ran, { status: -1, stdout: '', stderr })
})

test('run without CNI_PATH says so', NEEDS_SHIM, async () => {
  const { ran } = await runOne({ type: 'nope' }, { env: { CNI_PATH: '' } })
  deepEqual(ran, { status: -1, stdout: '', stderr: 'failed to find plugin "nope" in path []' })
})

test('run never executes the shim itself', NEEDS_SHIM, async () => {
  const before = (directory: string): Promise<void> => symlink(SHIM, join(directory, 'bin/bridge'))
  const { ran, at } = await runOne({ type: 'bridge' }, { before })
  const stderr = `failed to find plugin "bridge" in path [${at}/bin]`
  deepEqual(ran, { status: -1, stdout: '', stderr })
})

test('run tries again while the file is being written', NEEDS_SHIM, async () => {
  const { ran } = await runOne(
    { type: 'busy' },
    {
      scripts: { 'bin/busy': 'echo late' },
      before: async (at) => {
        const writer = await open(join(at, 'bin/busy'), 'r+')
        void delay(250).then(() => writer.close())
      },
    },
  )
  deepEqual(ran, { status: 0, stdout: 'late\n', stderr: '' })
})

test('run says why a file could not be executed', NEEDS_SHIM, async () => {
  const { ran, at } = await runOne(
    { type: 'bad' },
    {
      before: (directory) => writeFile(join(directory, 'bin/bad'), '\0\0', { mode: 0o755 }),
    },
  )
  const stderr = `cannot run plugin ${at}/bin/bad: Exec format error`
  deepEqual(ran, { status: -1, stdout: '', stderr })
})

test('run feeds and reads more than a pipe holds, both ways at once', NEEDS_SHIM, async () => {
  const stdin = 'x'.repeat(4 * MIB)
  const { ran } = await runOne({ type: 'cat', stdin }, { scripts: { 'bin/cat': 'cat' } })
  equal(ran?.status, 0)
  ok(ran.stdout === stdin, `${ran.stdout.length} bytes came back`)
})

test('run succeeds for a plugin that does not read its input', NEEDS_SHIM, async () => {
  const stdin = 'x'.repeat(MIB)
  const { ran } = await runOne({ type: 'deaf', stdin }, { scripts: { 'bin/deaf': 'echo ok' } })
  deepEqual(ran, { status: 0, stdout: 'ok\n', stderr: '' })
})

test('run keeps the first 8 MiB of output and of errors', NEEDS_SHIM, async () => {
  const script = 'head -c 20000000 /dev/zero; head -c 20000000 /dev/zero >&2'
  const { ran } = await runOne({ type: 'loud' }, { scripts: { 'bin/loud': script } })
  const kept = 8 * MIB - 64
  deepEqual([ran?.status, ran?.stdout.length, ran?.stderr.length], [0, kept, kept])
})

test('run ends though a process that is left writes for ever', NEEDS_SHIM, async () => {
  const scripts = { 'bin/noisy': 'yes & echo $! >&2' }
  const { ran } = await runOne({ type: 'noisy' }, { scripts })
  equal(ran?.status, 0)
  try {
    process.kill(Number(ran.stderr))
  } catch {
    // SIGPIPE ended it.
  }
})

test('run ends with the plugin though a process it left holds the output', NEEDS_SHIM, async () => {
  const before = performance.now()
  const { ran } = await runOne(
    { type: 'leaves' },
    { scripts: { 'bin/leaves': 'sleep 3 & echo ok' } },
  )
  deepEqual(ran, { status: 0, stdout: 'ok\n', stderr: '' })
  ok(performance.now() - before < 2500)
})
