/**
 * Work side by side, but not too much of it: a call of the addon holds a thread
 * of the pool, which file reads need too.
 * @module
 */
import type { Limit } from './delete-links.ts'

const POOL_DEFAULT = 4

/** Threads of libuv's pool. */
function poolSize(): number {
  const given = Number(process.env['UV_THREADPOOL_SIZE'])
  return Number.isInteger(given) && given > 0 ? given : POOL_DEFAULT
}

/** One thread fewer than the pool has, and at least one, are used at a time. */
export function poolLimit(): Limit {
  return limitOf(Math.max(1, poolSize() - 1))
}

/** At most `most` works are running; the others wait in their order. */
export function limitOf(most: number): Limit {
  let running = 0
  const waiting: (() => void)[] = []
  return async (work) => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve))
    else running++
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) running--
      else next()
    }
  }
}
