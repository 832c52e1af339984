/**
 * Label selectors.
 *
 * Spec: Kubernetes meta/v1 LabelSelector: all requirements must hold.
 * @module
 */
import { keyFault, labelValueFault } from '#schema/metadata.ts'
import type { LabelSelector } from '#schema/spider-ip-pool.ts'

type Labels = Readonly<Record<string, string>>
type Expression = NonNullable<LabelSelector['matchExpressions']>[number]

/** True when `labels` satisfy every requirement; one that means nothing is never satisfied. */
export function selects(selector: LabelSelector, labels: Labels): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector
  const equal = Object.entries(matchLabels).every(([key, value]) => labels[key] === value)
  return equal && matchExpressions.every((one) => holds(one, labels))
}

/** What makes a selector mean nothing, or undefined. */
export function selectorFault({
  matchLabels = {},
  matchExpressions = [],
}: LabelSelector): string | undefined {
  for (const [key, value] of Object.entries(matchLabels)) {
    const fault = keyFault(key) ?? labelValueFault(value)
    if (fault !== undefined) return fault
  }
  for (const { key, operator, values = [] } of matchExpressions) {
    const fault = keyFault(key) ?? values.map(labelValueFault).find((one) => one !== undefined)
    if (fault !== undefined) return fault
    const takesValues = operator === 'In' || operator === 'NotIn'
    const takesNone = operator === 'Exists' || operator === 'DoesNotExist'
    if (!takesValues && !takesNone) return `"${operator}" is not a valid label selector operator`
    if (takesValues && values.length === 0) return `${operator} of ${key} needs values`
    if (takesNone && values.length > 0) return `${operator} of ${key} takes no values`
  }
  return undefined
}

function holds({ key, operator, values = [] }: Expression, labels: Labels): boolean {
  const value = labels[key]
  switch (operator) {
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    default:
      return false
  }
}
