/**
 * Turns by key: work of one key waits for the work before it, other keys run
 * side by side. A retry that arrives while its first try still runs waits here.
 * @module
 */

/** Runs `work` when every earlier work of `key` has ended. */
export type Turns = <T>(key: string, work: () => Promise<T>) => Promise<T>

export function makeTurns(): Turns {
  const last = new Map<string, Promise<unknown>>()
  return async (key, work) => {
    const before = last.get(key)
    const mine = before === undefined ? work() : before.then(work, work)
    const settled = mine.then(
      () => undefined,
      () => undefined,
    )
    last.set(key, settled)
    try {
      return await mine
    } finally {
      if (last.get(key) === settled) last.delete(key)
    }
  }
}
