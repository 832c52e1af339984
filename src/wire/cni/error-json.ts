/**
 * The error object that a plugin prints: code, one sentence, and what is known
 * beyond it. The detail `more` of a failure is what becomes `details`; without
 * it, the texts of its causes do.
 *
 * Spec: CNI 1.1.0, section 5 (Error). 999 is the reference library's code for
 * what has none.
 * @module
 */
import { failureIn, textOfThrown } from '#values/failure.ts'

/** An error before it is known which version it is printed in. */
export type CniError = { readonly code: number; readonly msg: string; readonly details: string }

const NO_CODE = 999
const TRY_AGAIN = 11
/** Characters printed of each: what a user wrote, or another's plugin said, can be any size. */
const MOST = { msg: 1_024, details: 2_048 } as const

/** The error for anything thrown, bounded in length; a defect (no Failure) has code 999. */
export function cniErrorOf(thrown: unknown): CniError {
  const { code, msg, details } = errorOf(thrown)
  return { code, msg: cut(msg, MOST.msg), details: cut(details, MOST.details) }
}

function errorOf(thrown: unknown): CniError {
  const failure = failureIn(thrown)
  if (failure === undefined) return { code: codeOf(thrown), msg: textOfThrown(thrown), details: '' }
  const more = failure.details['more']
  const causes = failure.cause === undefined ? '' : textOfThrown(failure.cause)
  const details = more === undefined ? causes : typeof more === 'string' ? more : print(more)
  return { code: failure.row.cni, msg: failure.message, details }
}

/**
 * The text to print on standard output. `version` is the configuration's, as
 * given: an error must be printable for a version that is not known, too.
 */
export function formatError({ code, msg, details }: CniError, version: string): string {
  const object = { cniVersion: version, code, msg, ...(details === '' ? {} : { details }) }
  return JSON.stringify(object, undefined, 4)
}

/** What the machine has no more of now is no defect. */
function codeOf(thrown: unknown): number {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined
  return code === 'EMFILE' || code === 'ENFILE' || code === 'ENOMEM' ? TRY_AGAIN : NO_CODE
}

function cut(text: string, most: number): string {
  if (text.length <= most) return text
  return `${text.slice(0, most)} … ${text.length - most} characters more`
}

function print(value: unknown): string {
  return JSON.stringify(value)
}
