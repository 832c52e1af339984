/**
 * Label selectors.
 *
 * Spec: Kubernetes meta/v1 LabelSelector: all requirements must hold.
 * @module
 */
import type { LabelSelector } from '#schema/spider-ip-pool.ts'

type Labels = Readonly<Record<string, string>>

/** True when `labels` satisfy every requirement. */
export function selects(selector: LabelSelector, labels: Labels): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector
  const equal = Object.entries(matchLabels).every(([key, value]) => labels[key] === value)
  return equal && matchExpressions.every((one) => holds(one, labels))
}

type Expression = NonNullable<LabelSelector['matchExpressions']>[number]

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
  }
}
