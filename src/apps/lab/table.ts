/**
 * The table at the end of a run.
 * @module
 */
import type { Added, PodInterface } from './ground.ts'

/** One pod of the run. */
export type PodOutcome = {
  readonly pod: string
  readonly node: string
  readonly interfaces: readonly PodInterface[]
  readonly added: Extract<Added, { readonly added: true }>
}

const HEAD = ['POD', 'NODE', 'INTERFACE', 'ADDRESS', 'GUID', 'P_KEY', 'ADD (ms)']
const NONE = '-'

/** One row an interface; the time of the ADD, which makes all of a pod's, stands at the first. */
export function outcomeTable(outcomes: readonly PodOutcome[]): string {
  const rows = outcomes.flatMap(({ pod, node, interfaces, added }) =>
    interfaces.map(({ name, addresses, guid, pkey }, i) => [
      pod,
      node,
      name,
      addresses.join(',') || NONE,
      guid ?? NONE,
      pkey ?? NONE,
      i === 0 ? added.ms.toFixed(1) : '',
    ]),
  )
  return formatColumns([HEAD, ...rows])
}

/** Columns as wide as their widest cell, two blanks between them. */
export function formatColumns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  )
  return rows
    .map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
    .map((line) => `${line.trimEnd()}\n`)
    .join('')
}
