/**
 * How what Verbena made can be told from anything else: links by group and
 * alias, routes and rules by protocol number, nf_tables rules by their table.
 * @module
 */
import { shortHash } from './hash.ts'
import type { Link } from './link.ts'

/** IFLA_GROUP of every link that Verbena makes: ASCII `vb`. */
export const VERBENA_GROUP = 0x7662
/** `proto` of every route and rule that Verbena makes; no name in rt_protos has this number. */
export const VERBENA_PROTOCOL = 118
/** nf_tables table that holds every rule of ours in a namespace. */
export const VERBENA_TABLE = 'verbena'

/** True for a link that bears our group, and our mark once it has one. */
export function bearsMark(link: Pick<Link, 'group' | 'alias'>, mark: string): boolean {
  if (link.group !== VERBENA_GROUP) return false
  return link.alias === undefined || link.alias === mark
}

/** First byte of the group of links that were moved: ASCII `v`. */
const MOVED = 0x76

/**
 * IFLA_GROUP of a link of the host's that was moved into a pod for the owner with
 * this mark. Its IFALIAS is its name on the host, as the replaced plugin has it.
 */
export function movedGroup(mark: string): number {
  const bits = Number.parseInt(shortHash(mark).slice(-5), 36) & 0xffffff
  return ((MOVED << 24) | bits) >>> 0
}

/** True for the group of a link that was moved, whoever it was moved for. */
export function isMovedGroup(group: number): boolean {
  return group >>> 24 === MOVED
}
