/**
 * The virtual machine that the tests of tier 2 run in: its programs, run with a
 * bound, and what says that a test is not in it.
 * @module
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'

/** These tests load kernel modules: never on a machine that somebody needs. */
export const OUTSIDE: string | false = existsSync('/run/testbed/conf')
  ? false
  : 'not in the virtual machine of test/testbed'

/** What a program left. */
export type Ran = {
  /** Exit status; 128 when a signal ended it. */
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

export type RunOptions = {
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly stdin?: string
  readonly timeoutMs?: number
  /** Ends the program with SIGKILL. */
  readonly signal?: AbortSignal
}

const RUN_MS = 30_000
const POLL_MS = 20
/** Emulated: many times slower than the machine it runs on. */
const TEST_MS = 60_000

/** Runs a program to its end, whatever its exit status; killed after `timeoutMs`. */
export async function run(words: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const [program = '', ...args] = words
  const { env = process.env, stdin = '', timeoutMs = RUN_MS, signal } = options
  const child = spawn(program, args, {
    env: { ...env },
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    ...(signal === undefined ? {} : { signal }),
  })
  child.stdin.on('error', () => undefined)
  child.stdin.end(stdin)
  const ended = new Promise<number>((resolve, reject) => {
    child.once('close', (status) => resolve(status ?? 128))
    child.once('error', (cause) => (cause.name === 'AbortError' ? resolve(128) : reject(cause)))
  })
  const [status, stdout, stderr] = await Promise.all([
    ended,
    text(child.stdout).catch(() => ''),
    text(child.stderr).catch(() => ''),
  ])
  return { status, stdout, stderr }
}

/** Standard output of a program that must succeed. */
export async function demand(words: readonly string[], options: RunOptions = {}): Promise<string> {
  const ran = await run(words, options)
  if (ran.status === 0) return ran.stdout
  throw new Error(`${words.join(' ')}: status ${ran.status}: ${ran.stderr || ran.stdout}`)
}

export const ip = (...words: readonly string[]): Promise<string> => demand(['ip', ...words])

/** One `ip` for several changes: starting it costs a tenth of a second. */
export const ipBatch = (lines: readonly string[], netns?: string): Promise<string> =>
  demand(['ip', ...(netns === undefined ? [] : ['-n', netns]), '-batch', '-'], {
    stdin: `${lines.join('\n')}\n`,
  })

/** Words that run a program in a namespace; `/sys` stays that of the machine. */
export const within = (netns: string): string[] => ['nsenter', `--net=/run/netns/${netns}`]

/** Asks until it holds. @throws {Error} naming `what`, after `withinMs` */
export async function waitFor(
  what: string,
  holds: () => Promise<boolean>,
  withinMs = 20_000,
): Promise<void> {
  const untilMs = performance.now() + withinMs
  while (!(await holds())) {
    if (performance.now() >= untilMs) throw new Error(`waited ${withinMs} ms for ${what}`)
    await setTimeout(POLL_MS)
  }
}

/** Registers a test of the virtual machine. */
export function vmTest(
  does: string,
  act: (t: { diagnostic(text: string): void }) => Promise<void>,
  timeoutMs = TEST_MS,
): void {
  void test(does, { skip: OUTSIDE, timeout: timeoutMs }, async (t) => act(t))
}
