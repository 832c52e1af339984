/**
 * Runs plugins of other vendors as the shim does: found in CNI_PATH by their
 * type, with the caller's environment, bounded in what they may print.
 *
 * Spec: CNI 1.1.0, section 2. Status 128 + signal, -1 for what could not be run.
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { constants as os } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Foreign, Ran } from '#attach/index.ts'
import { textOfThrown } from '#values/failure.ts'

/** Set for what runs below us: its own calls are part of ours. */
export const NESTED = 'VERBENA_CNI_NESTED'
/** Bytes that are kept of each output. */
const OUTPUT_MAX = 8 << 20
/** Tries at a file that somebody is just writing. */
const BUSY = { tries: 5, pauseMs: 100 } as const

/** `env` is the caller's whole environment, CNI_PATH among it. */
export function foreignOf(env: Readonly<Record<string, string | undefined>>): Foreign {
  return {
    async run({ type, env: overrides, stdin }) {
      const folders = overrides['CNI_PATH'] ?? env['CNI_PATH'] ?? ''
      const path = await findPlugin(type, folders)
      if (path === undefined) {
        const where = folders.replaceAll(':', ' ')
        return notRun(`failed to find plugin "${type}" in path [${where}]`)
      }
      const whole = { ...env, ...overrides, [NESTED]: '1' }
      for (let tries = 1; ; tries++) {
        const ran = await runOnce(path, whole, stdin)
        if (ran !== 'busy') return ran
        if (tries === BUSY.tries) return notRun(`cannot run plugin ${path}: Text file busy`)
        await sleep(BUSY.pauseMs)
      }
    },
  }
}

function notRun(reason: string): Ran {
  return { status: -1, stdout: '', stderr: reason }
}

/** The first file of that name that can be executed. */
async function findPlugin(type: string, path: string): Promise<string | undefined> {
  if (type.includes('/')) return undefined
  for (const folder of path.split(':').filter((one) => one !== '')) {
    const file = join(folder, type)
    const found = await stat(file).catch(() => undefined)
    if (found?.isFile() !== true) continue
    const runs = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (runs) return file
  }
  return undefined
}

async function runOnce(
  path: string,
  env: Readonly<Record<string, string | undefined>>,
  stdin: string,
): Promise<Ran | 'busy'> {
  try {
    return await attend(spawn(path, [], { env, stdio: 'pipe' }), stdin)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (code === 'ETXTBSY') return 'busy'
    return notRun(`cannot run plugin ${path}: ${textOfThrown(cause)}`)
  }
}

/** Until it has ended; a process that it leaves behind may hold its output open. */
async function attend(child: ChildProcess, stdin: string): Promise<Ran> {
  const [stdout, stderr] = [outputOf(child.stdout), outputOf(child.stderr)]
  // a plugin that does not read its input may still succeed
  child.stdin?.on('error', () => undefined)
  child.stdin?.end(stdin)
  const status = await new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      resolve(code ?? 128 + (signal === null ? 0 : os.signals[signal]))
    })
  })
  // what it wrote last is still on its way
  await Promise.race([Promise.all([stdout.end, stderr.end]), sleep(200)])
  child.stdout?.destroy()
  child.stderr?.destroy()
  return { status, stdout: stdout.text(), stderr: stderr.text() }
}

function outputOf(stream: ChildProcess['stdout']): { end: Promise<void>; text(): string } {
  const pieces: Buffer[] = []
  let size = 0
  const end = new Promise<void>((resolve) => {
    if (stream === null) return resolve()
    stream.on('data', (piece: Buffer) => {
      if (size < OUTPUT_MAX) pieces.push(piece.subarray(0, OUTPUT_MAX - size))
      size += piece.length
    })
    stream.once('close', resolve)
  })
  return { end, text: () => Buffer.concat(pieces).toString('utf8') }
}
