/**
 * Time and chance of the machine.
 * @module
 */
import { randomInt, randomUUID } from 'node:crypto'
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

/** The system's generator of random numbers. */
export function hostRandom(): Random {
  return { below: (below) => randomInt(below), uuid: () => randomUUID() }
}
