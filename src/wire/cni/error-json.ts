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

/** The error for anything thrown; a defect (no Failure) has code 999. */
export function cniErrorOf(thrown: unknown): CniError {
  const failure = failureIn(thrown)
  if (failure === undefined) return { code: NO_CODE, msg: textOfThrown(thrown), details: '' }
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

function print(value: unknown): string {
  return JSON.stringify(value)
}
