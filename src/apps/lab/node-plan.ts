/**
 * What a node of a run is to have.
 * @module
 */
import type { Cidr } from '#values/cidr.ts'

/** An interface of a node that networks hang their interfaces on. */
export type ParentPlan = {
  readonly name: string
  /** `ipoib`: an HCA port where the ground has HCAs. */
  readonly kind: 'ipoib' | 'ethernet'
  readonly addresses: readonly Cidr[]
}

export type NodePlan = { readonly name: string; readonly parents: readonly ParentPlan[] }
