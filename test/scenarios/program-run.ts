/**
 * Programs that a test executes, bounded in time.
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'

export type Exit = {
  /** Undefined: it was killed. */
  readonly status: number | undefined
  readonly stdout: string
  readonly stderr: string
}
export type Running = { readonly child: ChildProcess; readonly ended: Promise<Exit> }

const TIMEOUT_MS = 30_000
const PATH = '/usr/sbin:/usr/bin:/sbin:/bin'

/** Starts a program without the environment of the test. */
export function start(
  [program = '', ...args]: readonly string[],
  { env = {}, stdin = '' }: { env?: Readonly<Record<string, string>>; stdin?: string } = {},
): Running {
  const child = spawn(program, args, {
    env: { PATH, ...env },
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
  })
  child.stdin.on('error', () => undefined)
  child.stdin.end(stdin)
  const exit = new Promise<number | undefined>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (status) => resolve(status ?? undefined))
  })
  const ended = Promise.all([exit, text(child.stdout), text(child.stderr)]).then(
    ([status, stdout, stderr]): Exit => ({ status, stdout, stderr }),
  )
  return { child, ended }
}

/** Its standard output. @throws {Error} when it does not succeed */
export async function run(words: readonly string[], stdin = ''): Promise<string> {
  const { status, stdout, stderr } = await start(words, { stdin }).ended
  if (status === 0) return stdout
  throw new Error(`${words.join(' ')}: status ${status}: ${stderr || stdout}`)
}
