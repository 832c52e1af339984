/**
 * Long-lived processes of a run, known by their ids: they go on when a run is
 * kept, and another process can end them.
 * @module
 */
import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { fail } from '#apps/failures.ts'
import { bearsMark } from './observed.ts'
import type { Run } from './run.ts'

const POLL_MS = 20
const TERM_MS = 8_000
const KILL_MS = 4_000

/** Starts a program in a session of its own; its output goes to the file `log`. */
export function startProcess({
  words,
  env,
  log,
}: {
  readonly words: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly log: string
}): Promise<number> {
  const [program = '', ...args] = words
  const file = openSync(log, 'a', 0o600)
  return new Promise<number>((resolve, reject) => {
    const stdio = ['ignore', file, file] as const
    const child = spawn(program, args, { env: { ...env }, detached: true, stdio: [...stdio] })
    child.unref()
    child.once('spawn', () => resolve(child.pid ?? 0))
    child.once('error', (cause) => {
      const reason = cause.message
      reject(fail('lab-command-failed', { command: words.join(' '), reason }, cause))
    })
  }).finally(() => closeSync(file))
}

/** Lets a process of the run stop by itself, else ends it; true when it has ended. */
export async function stopProcess(pid: number, run: Run): Promise<boolean> {
  if (!(await bearsMark(pid, run))) return true
  signalTo(pid, 'SIGTERM')
  if (await hasEnded(pid, run, TERM_MS)) return true
  signalTo(pid, 'SIGKILL')
  return hasEnded(pid, run, KILL_MS)
}

/**
 * Ends a container by its first process: the one that waits for it ends then by
 * itself and leaves no zombie. True when both have ended.
 */
export async function endContainer(pid: number, run: Run): Promise<boolean> {
  if (!(await bearsMark(pid, run))) return true
  const first = await childrenOf(pid)
  for (const child of first) signalTo(child, 'SIGKILL')
  if (first.length > 0 && (await hasEnded(pid, run, KILL_MS))) return true
  signalTo(pid, 'SIGKILL')
  return hasEnded(pid, run, KILL_MS)
}

async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return text.split(' ').filter(Boolean).map(Number)
}

async function hasEnded(pid: number, run: Run, withinMs: number): Promise<boolean> {
  for (let waitedMs = 0; await bearsMark(pid, run); waitedMs += POLL_MS) {
    if (waitedMs >= withinMs) return false
    await setTimeout(POLL_MS)
  }
  return true
}

function signalTo(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, signal)
  } catch {
    // it has ended meanwhile
  }
}

/** Asks until it holds. @throws {Failure} `lab-waited` */
export async function waitUntil(
  what: string,
  holds: () => Promise<boolean>,
  { withinMs, signal }: { readonly withinMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const untilMs = performance.now() + withinMs
  while (!(await holds())) {
    if (performance.now() >= untilMs) {
      throw fail('lab-waited', { what, seconds: Math.round(withinMs / 1_000) })
    }
    await setTimeout(POLL_MS, undefined, { signal })
  }
}
