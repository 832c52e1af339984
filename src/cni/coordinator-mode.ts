/**
 * Which part an interface has in its pod, and which routing table is its own.
 * @module
 */
import { type IfName, parseIfName } from '#values/if-name.ts'
import type { CoordinatorConf } from './coordinator-conf.ts'
import { POD_VETH } from './coordinator-steps.ts'
import { type PodView, linkIn } from './coordinator-view.ts'
import { fail } from './failures.ts'

/**
 * `none`: not coordinated. `first`: gets the veth pair. `later`: uses it.
 * `overlay-first` and `overlay`: use the pod's first interface, which another
 * network made and which leads to the host.
 */
export type Part = 'none' | 'first' | 'later' | 'overlay-first' | 'overlay'

const LOOPBACK = parseIfName('lo')
const FIRST_TABLE = 101
/** Tables of the kernel's own: default, main, local. */
const KERNEL_TABLES = { from: 253, to: 255 } as const

/**
 * @throws {Failure} `coordinator-veth-missing`, `coordinator-overlay-first`,
 *   `coordinator-overlay-veth`, `coordinator-first-missing`
 */
export function partOf(
  { conf, ifName }: { readonly conf: CoordinatorConf; readonly ifName: IfName },
  view: PodView,
): Part {
  const { mode, firstNic } = conf
  if (mode === 'disabled') return 'none'
  const isFirst = ifName === firstNic
  const hasPair = linkIn(view, POD_VETH) !== undefined
  if (mode === 'overlay') {
    if (isFirst) throw fail('coordinator-overlay-first', { ifName })
    if (hasPair) throw fail('coordinator-overlay-veth', { ifName, name: POD_VETH })
  }
  if (isFirst) return 'first'
  if (mode === 'underlay' && !hasPair) {
    throw fail('coordinator-veth-missing', { ifName, name: POD_VETH, first: firstNic })
  }
  if (hasPair) return 'later'
  if (linkIn(view, firstNic) === undefined) {
    throw fail('coordinator-first-missing', { ifName, first: firstNic })
  }
  return othersUp(view, ifName) === 1 ? 'overlay-first' : 'overlay'
}

/**
 * Number of the interface's own table: 101 for the first that is coordinated;
 * then by the links that are up, which is what the replaced plugin counts, or
 * the next one that nothing uses.
 */
export function tableOf(part: Part, ifName: IfName, view: PodView): number {
  if (part === 'first') return FIRST_TABLE
  return freeTable(view, FIRST_TABLE - 1 + othersUp(view, ifName))
}

/** The first number from `from` on that no route and no rule of the pod bears. */
export function freeTable({ routes, rules }: PodView, from: number): number {
  const used = new Set([...routes, ...rules].map(({ table }) => table))
  let table = from
  for (;;) {
    const isKernels = table >= KERNEL_TABLES.from && table <= KERNEL_TABLES.to
    if (!isKernels && !used.has(table)) return table
    table++
  }
}

/** Links that are up beside loopback and the interface itself. */
function othersUp({ links }: PodView, ifName: IfName): number {
  return links.filter(({ name, up }) => up && name !== LOOPBACK && name !== ifName).length
}
