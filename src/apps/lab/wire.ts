/**
 * How the parents of nodes hang together: Ethernet ones on a bridge in a
 * namespace of its own, IPoIB ones on the fabric of the ground's HCAs.
 * @module
 */
import type { NodePlan, ParentPlan } from './node-plan.ts'

/** A parent and where it is. */
export type Parent = ParentPlan & { readonly node: string }

export interface Wire {
  /** Brings the parents into the namespaces of their nodes, under their names, down. */
  lay(parents: readonly Parent[]): Promise<void>
  /** RDMA devices of the HCAs that parents belong to. */
  rdmaDevices(): Promise<readonly string[]>
  /** Takes out the cables of a node. */
  cut(node: string): Promise<void>
  /** Takes away what was made beside the nodes' namespaces, after these are gone. */
  remove(): Promise<void>
}

export function parentsOf(nodes: readonly NodePlan[]): Parent[] {
  return nodes.flatMap(({ name: node, parents }) => parents.map((one) => ({ ...one, node })))
}
