/**
 * `verbena lab exec RUN [NAME] -- COMMAND`: a command in a node or a pod of a
 * run that was kept, or on its ground.
 * @module
 */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { fail } from '#apps/failures.ts'
import type { LabContext } from './context.ts'
import { keptMachine } from './keeper.ts'
import { runInGuest } from './kept.ts'
import type { LabExec } from './options.ts'
import { readRecord } from './record.ts'
import { type Run, installed, netnsName, runOf, storeOf } from './run.ts'
import { TESTBED } from './testbed.ts'

type Env = LabContext['env']

/**
 * The command's exit status. In a machine its output comes when it has ended,
 * and it reads nothing.
 * @throws {Failure} `lab-run-unknown`, `lab-command-failed`
 */
export async function executeIn(exec: LabExec, { env }: LabContext): Promise<number> {
  const run = runOf(exec.run)
  const kept = await keptMachine(run, env)
  if (kept === undefined) {
    await readRecord(run)
    const path = `${env['PATH']}:/usr/sbin:/sbin`
    const words = wordsIn(run, exec, process.execPath)
    return foreground(words, { ...env, PATH: path, VERBENA_STORE: storeOf(run) })
  }
  const guest = runInGuest(run)
  const place = ['env', '-C', installed('.'), `VERBENA_STORE=${storeOf(guest)}`]
  const words = [...place, ...wordsIn(guest, exec, 'node')]
  return foreground([TESTBED, 'exec', '--run', String(kept.testbed), '--', ...words], kept.env)
}

/** `verbena` is this installation's own. */
function wordsIn(run: Run, { name, words }: LabExec, node: string): string[] {
  const [program = '', ...args] = words
  const inside = name === undefined ? [] : ['ip', 'netns', 'exec', netnsName(run, name)]
  const all = program === 'verbena' ? [node, installed('dist/verbena.js')] : [program]
  return [...inside, ...all, ...args]
}

/** With the terminal of the lab: Ctrl-C is for the command. */
function foreground([program = '', ...args]: readonly string[], env: Env): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: { ...env }, stdio: 'inherit' })
    const ignore = (): void => undefined
    const pass = (signal: NodeJS.Signals): void => void child.kill(signal)
    process.on('SIGINT', ignore).on('SIGTERM', pass).on('SIGHUP', pass)
    const done = (): void => {
      process.off('SIGINT', ignore).off('SIGTERM', pass).off('SIGHUP', pass)
    }
    child.once('error', (cause) => {
      done()
      reject(fail('lab-command-failed', { command: program, reason: cause.message }, cause))
    })
    child.once('close', (code, signal) => {
      done()
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]))
    })
  })
}
