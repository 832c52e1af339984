/**
 * Options of `verbena plan`.
 * @module
 */

export type PlanOptions = {
  readonly filename?: readonly string[]
  readonly namespace?: string
  readonly pod: string
  readonly node: string
  readonly world?: string
  readonly store?: string
  readonly podResources?: string
  readonly clusterNetwork?: string
  readonly confDir?: string
  readonly output?: 'json' | 'yaml' | 'text'
}
