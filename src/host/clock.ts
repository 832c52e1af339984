/**
 * Time and chance of the machine.
 * @module
 */
import { randomFillSync, randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type { Clock, Random } from '#needs/clock.ts'

/** The system's clock. */
export function hostClock(): Clock {
  return {
    nowMs: () => Date.now(),
    sleep: async (ms, signal) => {
      try {
        await setTimeout(ms, undefined, signal === undefined ? {} : { signal })
      } catch (cause) {
        if (signal?.aborted !== true) throw cause
      }
    },
  }
}

/** The system's generator of random numbers; `below` at most 2^32. */
export function hostRandom(): Random {
  return { below, uuid: () => randomUUID() }
}

/** Drawn from the system many at a time: each draw costs more than what it gives. */
const drawn = new Uint32Array(256)
let left = 0

function below(limit: number): number {
  // what is over the greatest multiple would make small numbers likelier
  const fair = 2 ** 32 - (2 ** 32 % limit)
  for (;;) {
    if (left === 0) {
      randomFillSync(drawn)
      left = drawn.length
    }
    const number = drawn[--left] ?? 0
    if (number < fair) return number % limit
  }
}
