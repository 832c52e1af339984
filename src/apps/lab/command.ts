/**
 * Runs programs: each in a process group of its own, so that Ctrl-C at the
 * terminal reaches the lab alone, and each bounded in time.
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { fail } from '#apps/failures.ts'

export type Command = {
  /** Program and arguments. */
  readonly words: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin?: string
  readonly timeoutMs?: number
  /** Ends the program when it aborts. */
  readonly signal?: AbortSignal | undefined
}

export type Ran = {
  /** Exit status, or 128 and the number of the signal. */
  readonly status: number
  readonly stdout: string
  /** Both streams in the order in which they came. */
  readonly all: string
  readonly ms: number
}

const TIMEOUT_MS = 30_000
const KILLED = 137

/**
 * Resolves with whatever the program's status was.
 * @throws {Failure} `lab-command-failed`: it cannot be started, or took too long
 */
export function execute(command: Command): Promise<Ran> {
  const { words, env, stdin = '', timeoutMs = TIMEOUT_MS, signal } = command
  const [program = '', ...args] = words
  signal?.throwIfAborted()
  return new Promise((resolve, reject) => {
    const startedMs = performance.now()
    const stdout: Buffer[] = []
    const all: Buffer[] = []
    let cut: 'time' | 'signal' | undefined
    const child = spawn(program, args, { env: { ...env }, detached: true })
    const end = (why: 'time' | 'signal') => () => {
      cut ??= why
      killGroup(child)
    }
    const abort = end('signal')
    const timer = setTimeout(end('time'), timeoutMs)
    signal?.addEventListener('abort', abort, { once: true })
    const done = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
    child.stdout.on('data', (data: Buffer) => {
      stdout.push(data)
      all.push(data)
    })
    child.stderr.on('data', (data: Buffer) => all.push(data))
    // a program that does not read its input ends the pipe
    child.stdin.on('error', () => undefined)
    child.stdin.end(stdin)
    child.once('error', (cause) => {
      done()
      reject(fail('lab-command-failed', { command: words.join(' '), reason: cause.message }, cause))
    })
    child.once('close', (code) => {
      done()
      const ms = performance.now() - startedMs
      if (cut === 'signal') reject(signal?.reason)
      else if (cut === 'time') {
        const reason = `it took longer than ${timeoutMs / 1_000} s`
        reject(fail('lab-command-failed', { command: words.join(' '), reason }))
      } else {
        const status = code ?? KILLED
        resolve({ status, stdout: textOf(stdout), all: textOf(all), ms })
      }
    })
  })
}

/** The output of a program that must succeed. @throws {Failure} `lab-command-failed` */
export async function demand(command: Command): Promise<Ran> {
  const ran = await execute(command)
  if (ran.status === 0) return ran
  const reason = ran.all.trim() || `exit status ${ran.status}`
  throw fail('lab-command-failed', { command: command.words.join(' '), reason })
}

/** Ends a program that was started detached, with what it started. */
export function killGroup({ pid }: Pick<ChildProcess, 'pid'>): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // it has ended meanwhile
  }
}

function textOf(pieces: readonly Buffer[]): string {
  return Buffer.concat(pieces).toString('utf8')
}
