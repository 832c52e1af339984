/**
 * What this agent knows of a pool: which addresses are taken. A hint, never
 * the truth: the store decides. Lowest free first; after a refusal a random one.
 * @module
 */
import type { Random } from '#needs/clock.ts'
import { type IpRange, countOfRanges } from '#values/ip-range.ts'
import { type Family, type Ip, familyOf, ipFromBits, ipToBits } from '#values/ip.ts'

/** Tries of a random choice before the search goes on from there in order. */
const RANDOM_TRIES = 8
/** Random numbers go up to here. */
const MOST_RANDOM = 2 ** 47
/** Addresses that a list can count; of a larger pool the lowest so many are used. */
const MOST = Number.MAX_SAFE_INTEGER

/** Addresses of a pool by index, lowest first. */
export class FreeList {
  readonly #ranges: readonly IpRange[]
  readonly #family: Family
  /** How many addresses there are; more than 2^53-1 count as 2^53-1. */
  readonly size: number
  readonly #taken = new Set<number>()
  /** Every index below is taken. */
  #lowest = 0

  /** `ranges` are merged and of one family. */
  constructor(ranges: readonly IpRange[], family: Family) {
    this.#ranges = ranges
    this.#family = family
    const count = countOfRanges(ranges)
    this.size = count > BigInt(MOST) ? MOST : Number(count)
  }

  /** The lowest address that is not known to be taken, marked as taken; undefined when full. */
  takeLowest(): Ip | undefined {
    if (this.#taken.size >= this.size) return undefined
    while (this.#taken.has(this.#lowest)) this.#lowest++
    return this.#takeAt(this.#lowest)
  }

  /** A random one, marked as taken; undefined when full. */
  takeRandom(random: Pick<Random, 'below'>): Ip | undefined {
    if (this.#taken.size >= this.size) return undefined
    let index = 0
    for (let tries = 0; tries < RANDOM_TRIES; tries++) {
      index = random.below(Math.min(this.size, MOST_RANDOM))
      if (!this.#taken.has(index)) return this.#takeAt(index)
    }
    while (this.#taken.has(index)) index = (index + 1) % this.size
    return this.#takeAt(index)
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

  /** Every address that is marked. */
  taken(): Ip[] {
    return [...this.#taken].map((index) => this.#at(index))
  }

  #takeAt(index: number): Ip {
    this.#taken.add(index)
    return this.#at(index)
  }

  #at(index: number): Ip {
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
      if (bits >= first && bits <= last) return this.#indexAt(before + bits - first)
      before += last - first + 1n
    }
    return undefined
  }

  /** An address beyond what can be counted is not of this list. */
  #indexAt(index: bigint): number | undefined {
    return index < BigInt(this.size) ? Number(index) : undefined
  }
}
