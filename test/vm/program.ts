/**
 * Programs of the guest, run with a bound.
 * @module
 */
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'

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
