/**
 * Runs a program in the place of the lab: its output is the lab's, and what
 * ends the lab ends it. It cleans up after itself and is given the time.
 * @module
 */
import { spawn } from 'node:child_process'
import { fail } from '#apps/failures.ts'

export type Passed = {
  readonly words: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: string
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const GRACE_MS = 25_000
const INTERRUPTED = 130

/** The program's exit status; 130 after a signal. */
export function passThrough({ words, env, stdin }: Passed): Promise<number> {
  const [program = '', ...args] = words
  return new Promise((resolve, reject) => {
    // ends with this process, even when that is killed
    const all = ['--pdeathsig', 'TERM', program, ...args]
    const child = spawn('setpriv', all, { env: { ...env }, stdio: ['pipe', 'inherit', 'inherit'] })
    let interrupted = false
    const interrupt = (): void => {
      if (interrupted) return
      interrupted = true
      child.kill('SIGTERM')
      setTimeout(() => child.kill('SIGKILL'), GRACE_MS).unref()
    }
    const done = (): void => {
      for (const name of SIGNALS) process.off(name, interrupt)
    }
    for (const name of SIGNALS) process.on(name, interrupt)
    child.stdin.on('error', () => undefined)
    child.stdin.end(stdin)
    child.once('error', (cause) => {
      done()
      reject(fail('lab-command-failed', { command: program, reason: cause.message }, cause))
    })
    child.once('close', (code) => {
      done()
      resolve(interrupted ? INTERRUPTED : (code ?? INTERRUPTED))
    })
  })
}
