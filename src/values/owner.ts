/**
 * Whose an attachment, an address or a link is. With a pod UID the owner is
 * (pod UID, interface): the container id is an attribute, and a newer container
 * of the pod takes over. Without one it is (network, container, interface).
 * @module
 */
import type { IfName } from './if-name.ts'

/** The pod, as the runtime's CNI_ARGS name it. */
export type PodRef = { readonly namespace: string; readonly name: string; readonly uid: string }

export type Owner = {
  readonly pod: PodRef | undefined
  /** Name in the CNI configuration. */
  readonly network: string
  readonly containerId: string
  readonly ifName: IfName
}

/** Identity of the owner as one text: equal for equal owners, never for others. */
export function ownerKey({ pod, network, containerId, ifName }: Owner): string {
  return pod === undefined ? `${network}/${containerId}/${ifName}` : `${pod.uid}/${ifName}`
}
