/**
 * What this agent knows of a pool: which addresses are taken. A hint, never
 * the truth: the store decides. Lowest free first; after a refusal a random one.
 * @module
 */
import type { Random } from '#needs/clock.ts'
import { type IpRange, countOfRanges } from '#values/ip-range.ts'
import { type Family, type Ip, familyOf, ipFromBits, ipToBits } from '#values/ip.ts'

/** Tries of a random choice before the search goes on from there in order. */
const RANDOM_TRIES = 16
/** Longest search in one go; a pool of more taken addresses in a row is looked at in pieces. */
const LAST_INDEX = Number.MAX_SAFE_INTEGER

/** Addresses of a pool by index, lowest first. */
export class FreeList {
  readonly #ranges: readonly IpRange[]
  readonly #family: Family
  /** How many addresses there are; more than 2^53 count as 2^53. */
  readonly size: number
  readonly #taken = new Set<number>()
  /** Every index below is taken. */
  #lowest = 0

  constructor(ranges: readonly IpRange[], family: Family) {
    this.#ranges = ranges
    this.#family = family
    const count = countOfRanges(ranges)
    this.size = count > BigInt(LAST_INDEX) ? LAST_INDEX : Number(count)
  }

  /** The lowest address that is not known to be taken, marked as taken; undefined when full. */
  takeLowest(): Ip | undefined {
    if (this.#taken.size >= this.size) return undefined
    while (this.#taken.has(this.#lowest)) this.#lowest++
    return this.#lowest < this.size ? this.#takeAt(this.#lowest) : undefined
  }

  /** A random one, marked as taken; undefined when full. */
  takeRandom(random: Pick<Random, 'below'>): Ip | undefined {
    if (this.#taken.size >= this.size) return undefined
    for (let tries = 0; tries < RANDOM_TRIES; tries++) {
      const index = random.below(this.size)
      if (!this.#taken.has(index)) return this.#takeAt(index)
    }
    return this.takeLowest()
  }

  /** Marks an address that somebody has. */
  mark(ip: Ip): void {
    const index = this.#indexOf(ip)
    if (index !== undefined) this.#taken.add(index)
  }

  /** Forgets a mark. */
  free(ip: Ip): void {
    const index = this.#indexOf(ip)
    if (index === undefined || !this.#taken.delete(index)) return
    if (index < this.#lowest) this.#lowest = index
  }

  has(ip: Ip): boolean {
    return this.#indexOf(ip) !== undefined
  }

  #takeAt(index: number): Ip {
    this.#taken.add(index)
    let left = BigInt(index)
    for (const { first, last } of this.#ranges) {
      const length = last - first + 1n
      if (left < length) return ipFromBits(this.#family, first + left)
      left -= length
    }
    throw new RangeError(`index ${index} is not in the pool`)
  }

  #indexOf(ip: Ip): number | undefined {
    if (familyOf(ip) !== this.#family) return undefined
    const bits = ipToBits(ip)
    let before = 0n
    for (const { first, last } of this.#ranges) {
      if (bits >= first && bits <= last) return Number(before + bits - first)
      before += last - first + 1n
    }
    return undefined
  }
}
