/**
 * Chance that is the same in every run: a seed is the whole of it (mulberry32).
 * @module
 */

export type Rng = {
  /** A whole number in 0..below-1; 0 where `below` is 0. */
  below(below: number): number
  /** One of a list that is not empty. */
  pick<T>(list: readonly T[]): T
  /** True in one of `n` cases. */
  oneIn(n: number): boolean
}

/** `seed` counts as 32 bits. */
export function rngOf(seed: number): Rng {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  const below = (most: number): number => Math.floor((next() / 2 ** 32) * most)
  return {
    below,
    pick<T>(list: readonly T[]): T {
      const [first] = list
      const found = list[below(list.length)] ?? first
      if (found === undefined) throw new RangeError('nothing to pick from')
      return found
    },
    oneIn: (n) => below(n) === 0,
  }
}
