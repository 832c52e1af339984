/**
 * Work that no answer waits for: what a pod's networks came to, for people and
 * controllers to read. It begins when the pods of the moment have their answers,
 * so that it does not share the cores with them, and all of it together, so that
 * what is about one document can be one write.
 * @module
 */
import type { Log } from '#needs/log.ts'
import { textOfThrown } from '#values/failure.ts'
import { EVENTS } from './events.ts'

/** An ADD of many interfaces takes about half of it. */
const PAUSE_MS = 10

/** Disposing of it does what waits, and waits for what is under way. */
export class Afterwards implements AsyncDisposable {
  readonly #log: Log
  readonly #underWay = new Set<Promise<void>>()
  #waiting: (() => Promise<void>)[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(log: Log) {
    this.#log = log
  }

  /** What it throws is logged. */
  take(work: () => Promise<void>): void {
    this.#waiting.push(work)
    this.#timer ??= setTimeout(() => this.#begin(), PAUSE_MS)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#begin()
    await Promise.all(this.#underWay)
  }

  #begin(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const works = this.#waiting
    this.#waiting = []
    for (const work of works) {
      const done = work()
        .catch((cause: unknown) => {
          this.#log.warn({ cause: textOfThrown(cause) }, EVENTS.statusFailed)
        })
        .finally(() => this.#underWay.delete(done))
      this.#underWay.add(done)
    }
  }
}
