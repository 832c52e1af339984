/**
 * How what Verbena made can be told from anything else: links by group and
 * alias, routes and rules by protocol number, nf_tables rules by their table.
 *
 * A group is taken when a link is made, an alias only afterwards: in between a
 * group that tells the owner stands for both.
 * @module
 */
import { shortHash } from './hash.ts'
import type { Link } from './link.ts'

/** IFLA_GROUP of every link that Verbena made and marked: ASCII `vb`. */
export const VERBENA_GROUP = 0x7662
/** `proto` of every route and rule that Verbena makes; no name in rt_protos has this number. */
export const VERBENA_PROTOCOL = 118
/** nf_tables table that holds every rule of ours in a namespace. */
export const VERBENA_TABLE = 'verbena'

type Marked = Pick<Link, 'group' | 'alias'>

/** First byte of the group of links that are being made: ASCII `m`. */
const MAKING = 0x6d
/** First byte of the group of links that were moved: ASCII `v`. */
const MOVED = 0x76

/**
 * IFLA_GROUP of a link from its creation until it is marked, which gives it
 * {@link VERBENA_GROUP} and the mark as its alias at once.
 */
export function makingGroup(mark: string): number {
  return groupOf(MAKING, mark)
}

/** True for a link that was made for the owner with this mark, marked or not yet. */
export function isMadeFor(link: Marked, mark: string): boolean {
  if (link.alias === undefined) return link.group === makingGroup(mark)
  return link.group === VERBENA_GROUP && link.alias === mark
}

/**
 * The same for a link that has one of the owner's names: it may also bear our group
 * alone, as one that an agent before this one left half-made.
 */
export function bearsMark(link: Marked, mark: string): boolean {
  return isMadeFor(link, mark) || (link.group === VERBENA_GROUP && link.alias === undefined)
}

/**
 * IFLA_GROUP of a link of the host's that was moved into a pod for the owner with
 * this mark. Its IFALIAS is its name on the host, as the replaced plugin has it.
 */
export function movedGroup(mark: string): number {
  return groupOf(MOVED, mark)
}

/** True for the group of a link that was moved, whoever it was moved for. */
export function isMovedGroup(group: number): boolean {
  return group >>> 24 === MOVED
}

function groupOf(first: number, mark: string): number {
  const bits = Number.parseInt(shortHash(mark).slice(-5), 36) & 0xffffff
  return ((first << 24) | bits) >>> 0
}
