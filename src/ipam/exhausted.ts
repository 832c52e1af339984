/**
 * Why pools have no address left: which, how many addresses they have, and who
 * holds them.
 * @module
 */
import type { Document } from '#needs/records.ts'
import type { Failure } from '#values/failure.ts'
import { countOfRanges, subtractRanges } from '#values/ip-range.ts'
import type { SpiderIpPool } from '#schema/spider-ip-pool.ts'
import { fieldOf, holderOf } from './allocation.ts'
import { isKept } from './allocation-state.ts'
import { fail } from './failures.ts'
import { rangesOfPool, sizeOfPool } from './pool.ts'
import type { Reserved } from './reserved-ip.ts'

/** Holders named in a failure. */
const SHOWN_HOLDERS = 3

/** `pool-exhausted`, naming every pool. */
export function exhausted(
  pools: readonly SpiderIpPool[],
  { holders, reserved }: { holders: readonly Document[]; reserved: readonly Reserved[] },
): Failure {
  const shown = holders.slice(0, SHOWN_HOLDERS)
  const texts = shown.map((item) => `${fieldOf(item, 'address')} ${holderText(item)}`).join(', ')
  const more = holders.length > shown.length ? ` and ${holders.length - shown.length} more` : ''
  const size = pools.reduce((sum, pool) => sum + sizeOfPool(pool), 0n)
  const apart = reserved.filter(({ range }) => pools.some((pool) => meets(pool, range)))
  const names = [...new Set(apart.map(({ name }) => name))].join(', ')
  const rest = names === '' ? '' : `; SpiderReservedIP ${names} reserves some`
  return fail('pool-exhausted', {
    pool: pools.map(({ metadata }) => metadata.name).join(', '),
    size: String(size),
    holders: `${texts}${more}${rest}` || 'nobody',
    family: pools[0]?.spec.ipVersion,
  })
}

function holderText(item: Document): string {
  return isKept(item) ? `${holderOf(item)} (kept)` : holderOf(item)
}

function meets(pool: SpiderIpPool, range: Reserved['range']): boolean {
  const ranges = rangesOfPool(pool).filter(({ family }) => family === range.family)
  return countOfRanges(subtractRanges(ranges, [range])) < countOfRanges(ranges)
}
