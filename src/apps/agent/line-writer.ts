/**
 * Writes log lines together: a write for each would cost as much as all else
 * that an ADD does here.
 * @module
 */
import { writeSync } from 'node:fs'

/** How long a line may wait, in milliseconds. */
const WAIT_MS = 25
/** Characters that are not kept waiting. */
const MOST = 65_536

/** A destination of pino. What waits is lost with a process that is killed. */
export class LineWriter {
  readonly #fd: number
  #waiting = ''
  #timer: NodeJS.Timeout | undefined

  constructor(fd: number) {
    this.#fd = fd
  }

  write(line: string): void {
    this.#waiting += line
    if (this.#waiting.length > MOST) this.flush()
    else this.#timer ??= setTimeout(() => this.flush(), WAIT_MS)
  }

  /** A reader that is gone or slow costs lines, never the agent. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const text = this.#waiting
    this.#waiting = ''
    try {
      if (text !== '') writeSync(this.#fd, text)
    } catch {
      // EAGAIN or EPIPE
    }
  }
}
