/**
 * Policy rules of a simulated namespace.
 *
 * Spec: Linux net/core/fib_rules.c.
 * @module
 */
import type { Family } from '#values/ip.ts'
import type { Rule } from '#values/route.ts'
import { type Refusal, refusal } from './errno.ts'
import type { SimNetns } from './host.ts'

const KERNEL = 2 // RTPROT_KERNEL
const ALL = { from: undefined, to: undefined, fwmark: undefined, protocol: KERNEL } as const

/** The rules of a fresh namespace; IPv6 has no table `default`. */
export const DEFAULT_RULES: readonly Rule[] = [
  { family: 4, priority: 0, table: 255, ...ALL },
  { family: 4, priority: 32766, table: 254, ...ALL },
  { family: 4, priority: 32767, table: 253, ...ALL },
  { family: 6, priority: 0, table: 255, ...ALL },
  { family: 6, priority: 32766, table: 254, ...ALL },
]

export function addRule(netns: SimNetns, rule: Rule): Refusal | undefined {
  if (netns.rules.some((other) => sameRule(other, rule))) return refusal('EEXIST')
  netns.rules.push({ ...rule, priority: rule.priority ?? freePriority(netns, rule.family) })
  return undefined
}

/** Takes away the first rule that says the same, protocol included; table 0 is any. */
export function removeRule(netns: SimNetns, rule: Rule): void {
  const found = netns.rules.find((other) => {
    return sameRule(other, rule.table === 0 ? { ...rule, table: other.table } : rule)
  })
  netns.rules = netns.rules.filter((other) => other !== found)
}

/** In the order of lookup: by priority, then by age. */
export function rulesOf(netns: SimNetns): Rule[] {
  return netns.rules.toSorted((a, b) => (a.priority ?? 0) - (b.priority ?? 0))
}

/** A priority that was not asked for is not compared. */
function sameRule(kept: Rule, wanted: Rule): boolean {
  return (
    kept.family === wanted.family &&
    kept.from === wanted.from &&
    kept.to === wanted.to &&
    kept.fwmark?.mark === wanted.fwmark?.mark &&
    kept.fwmark?.mask === wanted.fwmark?.mask &&
    kept.table === wanted.table &&
    kept.protocol === wanted.protocol &&
    (wanted.priority === undefined || kept.priority === wanted.priority)
  )
}

/** One below the second rule, as fib_default_rule_pref() chooses it. */
function freePriority(netns: SimNetns, family: Family): number {
  const [, second] = rulesOf(netns).filter((rule) => rule.family === family)
  return Math.max((second?.priority ?? 1) - 1, 0)
}
