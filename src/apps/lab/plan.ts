/**
 * What the nodes of a run must have, read from the files before they are
 * applied: parents by the masters that networks name, and an address on each
 * from the pools of its network, outside what the pools give to pods.
 *
 * Read liberally: what is wrong with a document is for admission to say.
 * @module
 */
import type { FoundDocument } from '#schema/documents.ts'
import { isRecord } from '#schema/zod.ts'
import { type IpRange, parseRange, rangeOfCidr } from '#values/ip-range.ts'
import { type Cidr, cidrOf, cidrParts, parseCidr } from '#values/cidr.ts'
import { ipFromBits } from '#values/ip.ts'
import type { NodePlan, ParentPlan } from './node-plan.ts'

/** A document as a file has it. */
type Raw = FoundDocument['document']

/** Parent of a network that names none, as in the guide. */
const USUAL_PARENT = 'ibs5f0'
/** The guide's first node is 172.91.0.10. */
const FIRST_HOST = 10n

/** Plans `count` nodes called node-a, node-b, ... `parent` is the name of their one parent. */
export function planNodes(
  documents: readonly Raw[],
  { count, parent }: { readonly count: number; readonly parent: string | undefined },
): NodePlan[] {
  const wanted = parentsOf(documents)
  const [first] = wanted
  const kind = first?.kind ?? 'ipoib'
  const all = wanted.flatMap(({ pools }) => pools)
  const parents =
    parent === undefined
      ? wanted
      : [wanted.find(({ name }) => name === parent) ?? { name: parent, kind, pools: all }]
  const pools = new Map(
    parents.map(({ name, pools: names }) => [
      name,
      names.map((pool) => nodeAddresses(specOf(poolNamed(documents, pool)), count)),
    ]),
  )
  return Array.from({ length: count }, (_, node) => ({
    name: `node-${String.fromCodePoint(0x61 + node)}`,
    parents: parents.map(({ name, kind: of }): ParentPlan => {
      const addresses = (pools.get(name) ?? []).flatMap((list) => list[node] ?? [])
      return { name, kind: of, addresses }
    }),
  }))
}

type WantedParent = Pick<ParentPlan, 'name' | 'kind'> & { readonly pools: readonly string[] }

/** One for each master that a SpiderMultusConfig of the files names. */
function parentsOf(documents: readonly Raw[]): WantedParent[] {
  const found = new Map<string, WantedParent>()
  for (const raw of documents.filter(({ kind }) => kind === 'SpiderMultusConfig')) {
    for (const parent of parentsOfNetwork(specOf(raw))) {
      const pools = [...(found.get(parent.name)?.pools ?? []), ...parent.pools]
      const kind = found.get(parent.name)?.kind ?? parent.kind
      found.set(parent.name, { name: parent.name, kind, pools: [...new Set(pools)] })
    }
  }
  if (found.size > 0) return [...found.values()]
  return [{ name: USUAL_PARENT, kind: 'ipoib', pools: [] }]
}

function parentsOfNetwork(spec: Record<string, unknown>): WantedParent[] {
  const ipoib = recordAt(spec, 'ipoib')
  const macvlan = recordAt(spec, 'macvlan')
  const names = [
    { kind: 'ipoib' as const, block: ipoib, masters: [ipoib['master']] },
    { kind: 'ethernet' as const, block: macvlan, masters: listAt(macvlan, 'master') },
  ]
  return names.flatMap(({ kind, block, masters }) =>
    textsOf(masters).map((name) => ({ name, kind, pools: poolsOf(recordAt(block, 'ippools')) })),
  )
}

function poolsOf(ippools: Record<string, unknown>): string[] {
  return textsOf([...listAt(ippools, 'ipv4'), ...listAt(ippools, 'ipv6')])
}

function textsOf(values: readonly unknown[]): string[] {
  return values.filter((value) => typeof value === 'string')
}

/** Addresses for nodes, with the prefix length of the pool; fewer when it has no room. */
export function nodeAddresses(pool: Record<string, unknown>, count: number): Cidr[] {
  const subnet = readOr(() => parseCidr(String(pool['subnet'])))
  if (subnet === undefined) return []
  const { prefix, family } = cidrParts(subnet)
  const { first, last } = rangeOfCidr(subnet)
  const taken = [...listAt(pool, 'ips').map(String), String(pool['gateway'] ?? '')].flatMap(
    (text) => readOr(() => parseRange(text)) ?? [],
  )
  const free: Cidr[] = []
  const from = first + FIRST_HOST < last ? first + FIRST_HOST : first + 1n
  for (let bits = from; bits < last && free.length < count; bits++) {
    const inside = rangeWith(taken, bits)
    if (inside === undefined) free.push(cidrOf(ipFromBits(family, bits), prefix))
    else bits = inside.last
  }
  return free
}

function rangeWith(ranges: readonly IpRange[], bits: bigint): IpRange | undefined {
  return ranges.find(({ first, last }) => first <= bits && bits <= last)
}

function poolNamed(documents: readonly Raw[], name: string): Raw | undefined {
  return documents.find(
    (raw) => raw.kind === 'SpiderIPPool' && recordAt(raw, 'metadata')['name'] === name,
  )
}

function specOf(raw: Raw | undefined): Record<string, unknown> {
  return recordAt(raw ?? {}, 'spec')
}

function recordAt(of: Readonly<Record<string, unknown>>, key: string): Record<string, unknown> {
  const value = of[key]
  return isRecord(value) ? value : {}
}

function listAt(of: Readonly<Record<string, unknown>>, key: string): readonly unknown[] {
  const value = of[key]
  return Array.isArray(value) ? value : []
}

/** Undefined for what cannot be read: admission names the fault. */
function readOr<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
