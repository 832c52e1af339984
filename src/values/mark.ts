/**
 * How what Verbena made can be told from anything else: links by group and
 * alias, routes and rules by protocol number, nf_tables rules by their table.
 * @module
 */
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
