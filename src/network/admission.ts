/**
 * What admission makes of one document.
 * @module
 */
import type { FieldFault } from '#values/admission.ts'

/**
 * The document after defaults and mutation, what is wrong with it and what
 * should be known. `document` is undefined where it does not fit its schema;
 * with faults of rules it is there, for people to look at, and must not be stored.
 */
export type Admission<T> = {
  readonly document: T | undefined
  readonly faults: readonly FieldFault[]
  readonly warnings: readonly string[]
}
