/**
 * What ends a run early: Ctrl-C, a closed terminal or pipe, its own time limit.
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { fail } from '#apps/failures.ts'

/** Exit status after Ctrl-C, as a shell has it. */
export const INTERRUPTED = 130
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
/** The longest that a timer can be set to: 24 days. */
const LONGEST_MS = 2 ** 31 - 1

/**
 * Aborts when the run is to end. Signals stay caught after it is disposed: a
 * second Ctrl-C must neither stop the clean-up nor hide the exit status.
 */
export class EarlyEnd implements Disposable {
  readonly #controller = new AbortController()
  readonly #timer: NodeJS.Timeout
  #interrupted = false
  readonly #interrupt = (): void => {
    this.#interrupted = true
    this.#controller.abort(new Error('interrupted'))
  }

  constructor(timeoutMs: number) {
    const seconds = Math.round(timeoutMs / 1_000)
    this.#timer = setTimeout(() => {
      this.#controller.abort(fail('lab-waited', { what: 'the whole run to end', seconds }))
    }, timeoutMs)
    for (const name of SIGNALS) process.on(name, this.#interrupt)
    // nobody reads any more: others end the process at once then, a run has to clean up
    for (const stream of [process.stdout, process.stderr]) {
      stream.removeAllListeners('error')
      stream.on('error', this.#interrupt)
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** By a person, or by who read the output: not by its own time limit. */
  get interrupted(): boolean {
    return this.#interrupted
  }

  /** Takes the time limit away; resolves when the run is to end. */
  async untilInterrupted(): Promise<void> {
    clearTimeout(this.#timer)
    await sleep(LONGEST_MS, undefined, { signal: this.signal }).catch(() => undefined)
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
  }
}
