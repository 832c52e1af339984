/**
 * On a ground without HCAs a macvlan stands in for an IPoIB child: one document
 * of the lab's own for each IPoIB network, and what it changes as a text.
 * @module
 */
import { stringify } from 'yaml'
import type { Document, Stored } from '#needs/records.ts'
import { isRecord } from '#schema/zod.ts'

/** The documents that stand in, for the networks of cniType ipoib among `networks`. */
export function standInsFor(networks: readonly Stored[]): Document[] {
  return networks.flatMap((network) => {
    const { spec } = network
    if (!isRecord(spec) || spec['cniType'] !== 'ipoib') return []
    const { ipoib, ...rest } = spec
    const { master, ...block } = isRecord(ipoib) ? ipoib : {}
    const macvlan = { master: [master], ...block }
    const { name, namespace = 'default', labels, annotations } = network.metadata
    const metadata = {
      name,
      namespace,
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
    }
    const { apiVersion, kind } = network
    return [{ apiVersion, kind, metadata, spec: { ...rest, cniType: 'macvlan', macvlan } }]
  })
}

/** As a file of its own. */
export function textOfDocuments(documents: readonly Document[]): string {
  return documents.map((one) => stringify(one, { lineWidth: 0 })).join('---\n')
}

/** The stand-in beside the network that it stands in for, both as they are written. */
export function standInDifference(network: Document, standIn: Document): string {
  const { apiVersion, kind, metadata, spec } = network
  const { name, namespace } = metadata
  const before = stringify({ apiVersion, kind, metadata: { name, namespace }, spec })
  const own = { name: standIn.metadata.name, namespace: standIn.metadata.namespace }
  const after = stringify({ ...standIn, metadata: own })
  return formatDifference(before, after)
}

/** Lines of both texts: ` ` in both, `-` in the first alone, `+` in the second alone. */
export function formatDifference(before: string, after: string): string {
  const [a, b] = [before, after].map((text) => text.replace(/\n$/, '').split('\n'))
  if (a === undefined || b === undefined) return ''
  const longest = commonLengths(a, b)
  const lines: string[] = []
  let [i, j] = [0, 0]
  while (i < a.length || j < b.length) {
    const same = i < a.length && j < b.length && a[i] === b[j]
    const [down, right] = [longest[i + 1]?.[j] ?? -1, longest[i]?.[j + 1] ?? -1]
    if (same) {
      lines.push(` ${a[i++]}`)
      j++
    } else if (i < a.length && (j === b.length || down >= right)) lines.push(`-${a[i++]}`)
    else lines.push(`+${b[j++]}`)
  }
  return lines.map((line) => `${line}\n`).join('')
}

/** Length of the longest common sequence of what follows line i of `a` and line j of `b`. */
function commonLengths(a: readonly string[], b: readonly string[]): number[][] {
  const table = Array.from({ length: a.length + 1 }, () =>
    Array.from({ length: b.length + 1 }, () => 0),
  )
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const row = table[i]
      const below = table[i + 1]
      if (row === undefined || below === undefined) continue
      row[j] = a[i] === b[j] ? 1 + (below[j + 1] ?? 0) : Math.max(below[j] ?? 0, row[j + 1] ?? 0)
    }
  }
  return table
}
