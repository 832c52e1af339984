/**
 * The one error class of the project and the maker of a folder's `fail`.
 *
 * A Failure is what should not happen: it is thrown, carries a code, details
 * and its cause. What may happen is in the return type instead.
 * @module
 */

/** Values that name what a failure is about; printed in its message by `{name}`. */
export type Details = Readonly<Record<string, unknown>>

/** One row of a folder's failure table: the single place where a code is defined. */
export type FailureRow = {
  /** Sentence without full stop; `{name}` is replaced by the detail of that name. */
  readonly message: string
  /** Whether the same call can succeed later (`later`), at once (`now`), or not (`never`). */
  readonly retry: 'never' | 'later' | 'now'
  /** Code of the CNI error object (CNI 1.1.0, section 5; 100 and above are ours). */
  readonly cni: number
  /** Exit status of the CLI. */
  readonly exit: number
  /** HTTP status of a problem answer. */
  readonly http: number
}

/** What is thrown where something that should not happen did. */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly code: string
  readonly details: Details
  readonly row: FailureRow

  constructor(made: { code: string; details: Details; row: FailureRow; cause: unknown }) {
    super(format(made.row.message, made.details), { cause: made.cause })
    this.code = made.code
    this.details = made.details
    this.row = made.row
  }
}

/** A table of failures: what each first-level folder exports from its `failures.ts`. */
export type FailureTable = Readonly<Record<string, FailureRow>>

/** Makes the `fail` of a folder from its table. */
export function failOf<T extends FailureTable>(
  table: T,
): (code: keyof T & string, details?: Details, cause?: unknown) => Failure {
  return (code, details = {}, cause = undefined) => {
    const row = table[code]
    if (row === undefined) throw new TypeError(`No such failure: ${code}`)
    return new Failure({ code, details, row, cause })
  }
}

/** The failure in `thrown`, or undefined when it is something else (a defect). */
export function failureIn(thrown: unknown): Failure | undefined {
  return thrown instanceof Failure ? thrown : undefined
}

/** Text of anything thrown, with the chain of its causes, outermost first. */
export function textOfThrown(thrown: unknown): string {
  const texts: string[] = []
  let at: unknown = thrown
  for (let depth = 0; at !== undefined && at !== null && depth < 8; depth++) {
    const text = at instanceof Error ? at.message : String(at)
    // a message often quotes its cause, or the reason in it, already
    const reason = at instanceof Failure ? at.details['reason'] : undefined
    const said = [text, ...(typeof reason === 'string' && reason !== '' ? [reason] : [])]
    if (!texts.some((one) => said.some((part) => one.includes(part)))) texts.push(text)
    at = at instanceof Error ? at.cause : undefined
  }
  return texts.join(': ')
}

function format(template: string, details: Details): string {
  return template.replaceAll(/\{(\w+)\}/g, (_, name: string) => textOf(details[name]))
}

function textOf(detail: unknown): string {
  if (detail === undefined) return '-'
  if (typeof detail === 'string') return detail
  if (typeof detail === 'bigint') return detail.toString()
  return JSON.stringify(detail)
}
