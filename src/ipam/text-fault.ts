/**
 * What a parser of `values/` makes of a text, where a wrong one is no failure
 * but an answer.
 * @module
 */
import { failureIn } from '#values/failure.ts'

/** A value, or why there is none. */
export type Attempt<T> = { readonly value: T | undefined; readonly cause: unknown }

/** Runs a parser. A `T` must not be undefined. */
export function readOr<T>(parse: () => T): Attempt<T> {
  try {
    return { value: parse(), cause: undefined }
  } catch (cause) {
    return { value: undefined, cause }
  }
}

/** Why there is no value, in the parser's words. */
export function faultIn({ cause }: Attempt<unknown>): string {
  const reason = failureIn(cause)?.details['reason']
  return typeof reason === 'string' ? reason : 'it cannot be read'
}
