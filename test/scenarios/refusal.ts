/**
 * What a call came to, where it was refused: as the runtime would be told.
 * @module
 */
import { failureIn } from '#values/failure.ts'
import { cniErrorOf } from '#wire/cni/error-json.ts'

export type Refused = {
  /** Code of the Failure; `defect` for anything else that was thrown. */
  readonly code: string
  /** Code of the CNI error object. */
  readonly cni: number
  /** Its `msg` and `details`. */
  readonly text: string
}

/** How `work` was refused, undefined when it was not. */
export async function refusalOf(work: Promise<unknown>): Promise<Refused | undefined> {
  try {
    await work
    return undefined
  } catch (cause) {
    const { code: cni, msg, details } = cniErrorOf(cause)
    return { code: failureIn(cause)?.code ?? 'defect', cni, text: `${msg} ${details}` }
  }
}
