/**
 * Circles in a directed graph.
 * @module
 */

/**
 * One circle for every set of nodes that reach each other, each starting at
 * its smallest name. Targets that are no node are left out.
 */
export function cyclesOf(edges: ReadonlyMap<string, readonly string[]>): string[][] {
  const done = new Set<string>()
  const found = new Map<string, string[]>()
  const visit = (node: string, trail: readonly string[]): void => {
    const start = trail.indexOf(node)
    if (start >= 0) {
      const cycle = rotated(trail.slice(start))
      found.set(cycle.toSorted().join('\n'), cycle)
      return
    }
    if (done.has(node)) return
    for (const next of edges.get(node) ?? []) visit(next, [...trail, node])
    done.add(node)
  }
  for (const node of [...edges.keys()].toSorted()) visit(node, [])
  return [...found.values()]
}

function rotated(cycle: readonly string[]): string[] {
  const smallest = cycle.toSorted()[0] ?? ''
  const at = cycle.indexOf(smallest)
  return [...cycle.slice(at), ...cycle.slice(0, at)]
}
