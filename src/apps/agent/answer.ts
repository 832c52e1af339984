/**
 * A request's end: what is printed and what is logged, one line an outcome.
 * The one place of the agent where a Failure becomes a CNI error object.
 *
 * Spec: CNI 1.1.0, section 5 (Error).
 * @module
 */
import type { Note } from '#attach/index.ts'
import type { Log } from '#needs/log.ts'
import { failureIn } from '#values/failure.ts'
import { cniErrorOf, formatError } from '#wire/cni/error-json.ts'
import { EVENTS } from './events.ts'
import type { Refusals } from './refusals.ts'
import type { Answer, ShimRequest } from './server.ts'

/** Where the end of a request is told. */
export type AnswerNeeds = { readonly log: Log; readonly refusals: Refusals }

/** Never throws. */
export async function answerWith(
  request: ShimRequest,
  work: (from: ShimRequest) => Promise<string>,
  { log, refusals }: AnswerNeeds,
): Promise<Answer> {
  const startedMs = performance.now()
  const { CNI_COMMAND: verb, CNI_CONTAINERID: container, CNI_IFNAME: ifName } = request.env
  const about = { verb, type: request.argv0, container, ifName }
  try {
    const stdout = await work(request)
    refusals.forget(request)
    const ms = since(startedMs)
    // when the answer is on its way: nobody waits for a line of the log
    setImmediate(() => log.info({ ...about, ms }, EVENTS.answered))
    return { status: 0, stdout }
  } catch (cause) {
    const failure = failureIn(cause)
    const error = cniErrorOf(cause)
    const text = [error.msg, error.details].filter((part) => part !== '').join(': ')
    if (failure === undefined) log.error({ ...about, cause: stackOf(cause) }, EVENTS.defect)
    else log.warn({ ...about, code: failure.code, text, ms: since(startedMs) }, EVENTS.refused)
    refusals.note(request, { code: failure?.code ?? 'defect', text }, Date.now())
    const version = /"cniVersion"\s*:\s*"([0-9.]+)"/.exec(request.stdin)?.[1] ?? '1.1.0'
    return { status: 1, stdout: `${formatError(error, version)}\n` }
  }
}

/** Milliseconds with two decimals. */
function since(startedMs: number): number {
  return Math.round((performance.now() - startedMs) * 100) / 100
}

function stackOf(cause: unknown): string {
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
}

/** What happened to an attachment beside its answer. */
export function logNote({ note, attachment, text }: Note, log: Log): void {
  if (note === 'undo-failed') log.error({ attachment, note, text }, EVENTS.noted)
  else if (note === 'warning') log.warn({ attachment, note, text }, EVENTS.noted)
  else log.info({ attachment, note, text }, EVENTS.noted)
}
