/**
 * Entry of the CLI: argv and streams in, exit status out. The one place of the
 * app where a Failure becomes a line on stderr and an exit status.
 * @module
 */
import { CommanderError } from 'commander'
import { type Failure, failureIn, textOfThrown } from '#values/failure.ts'
import { fail } from '#apps/failures.ts'
import type { Context } from './context.ts'
import { makeProgram } from './program.ts'

/** What the process has for the CLI. */
export type Invocation = Omit<Context, 'clock'> & {
  /** The system's when absent. */
  readonly clock?: Context['clock']
}

/** Exit status when a command met something that no failure describes: a defect. */
const DEFECT_STATUS = 70

/** Runs one command. Never throws: what went wrong is on stderr and in the status. */
export async function runCli({ argv, clock, ...rest }: Invocation): Promise<number> {
  const context: Context = { ...rest, argv, clock: clock ?? { nowMs: () => Date.now() } }
  let status = 0
  const program = makeProgram(async (task) => {
    status = await task(context)
  }, context)
  try {
    await program.parseAsync(wordsOf(argv), { from: 'user' })
    return status
  } catch (cause) {
    if (cause instanceof CommanderError && cause.exitCode === 0) return 0
    return report(cause, { json: wantsJson(argv), context })
  }
}

function wordsOf(argv: readonly string[]): string[] {
  const [first, ...others] = argv
  return first === '--version' || first === '-V' ? ['version', ...others] : [...argv]
}

/** True when errors are to be problem objects: whatever else is wrong with the arguments. */
function wantsJson(argv: readonly string[]): boolean {
  return argv.some((word, index) => {
    const [option, value = argv[index + 1]] = word.startsWith('--') ? word.split('=') : [word]
    if (option === '-o' || option === '--output') return value === 'json'
    return word === '-ojson' || word === '-o=json'
  })
}

function report(thrown: unknown, { json, context }: { json: boolean; context: Context }): number {
  const failure = failureIn(thrown) ?? usageFailure(thrown)
  if (json) context.stderr.write(`${JSON.stringify(problemOf(failure, thrown))}\n`)
  else context.stderr.write(`verbena: ${oneLine(textOfThrown(failure ?? thrown))}\n`)
  return failure?.row.exit ?? DEFECT_STATUS
}

/** The command line was wrong: commander's own words, without its prefix. */
function usageFailure(thrown: unknown): Failure | undefined {
  if (!(thrown instanceof CommanderError)) return undefined
  const reason = thrown.message.replace(/^error: /, '')
  const missing = thrown.code === 'commander.help'
  return fail('command-invalid', { reason: missing ? 'no command was given' : reason })
}

/** Problem object, after RFC 9457, with the code and the details of the failure. */
function problemOf(failure: Failure | undefined, thrown: unknown): Record<string, unknown> {
  return {
    type: `urn:verbena:failure:${failure?.code ?? 'defect'}`,
    title: failure?.code ?? 'defect',
    status: failure?.row.http ?? 500,
    detail: textOfThrown(failure ?? thrown),
    ...(failure === undefined ? {} : { details: failure.details }),
  }
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, '; ')
}
