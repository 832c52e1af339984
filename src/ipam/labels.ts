/**
 * Labels of an allocation: how it is found by its owner, its pool, its node.
 *
 * Spec: Kubernetes labels (a value has at most 63 bytes).
 * @module
 */
import { shortHash } from '#values/hash.ts'

/** Labels by which allocations are found. */
export const LABEL = {
  owner: 'verbena.dev/owner',
  pool: 'verbena.dev/pool',
  node: 'verbena.dev/node',
} as const
/** Longest value of a label, in bytes. */
const LABEL_BYTES = 63

/** All labels of an allocation; `owner` is the identity as one text. */
export function labelsOf(of: {
  readonly owner: string
  readonly pool: string
  readonly node: string
}): Readonly<Record<string, string>> {
  return {
    [LABEL.owner]: shortHash(of.owner),
    [LABEL.pool]: labelValue(of.pool),
    [LABEL.node]: labelValue(of.node),
  }
}

/** A name as the value of a label: too long a one is cut, and told apart by its hash. */
export function labelValue(name: string): string {
  if (name.length <= LABEL_BYTES) return name
  const hash = shortHash(name)
  return `${name.slice(0, LABEL_BYTES - hash.length - 1)}-${hash}`
}
