/**
 * What is tried again because another wrote the same record meanwhile.
 * @module
 */
import { failureIn } from '#values/failure.ts'

const TRIES = 8

/** Runs `work` until no other write meets it; it must leave nothing behind when it throws. */
export async function again<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (cause) {
      const code = failureIn(cause)?.code
      const isTold = code === 'record-conflict' || code === 'record-missing'
      if (!isTold || tries === TRIES) throw cause
    }
  }
}
