/**
 * What must be so, by what the runtime was told: the model knows pods and
 * containers, never addresses before an answer named them.
 * @module
 */
import type { HistoryNode } from './node.ts'

/** `known`: an ADD was answered; `perhaps`: asked for, and the answer was lost or a refusal. */
export type Standing = 'none' | 'perhaps' | 'known'

export type Container = {
  readonly id: string
  readonly netns: string
  readonly uid: string
  standing: Standing
  /** Addresses of its last answer, without prefix length. */
  addresses: readonly string[]
  /** A newer container of the same pod UID was asked for: what was this one's may be its. */
  older: boolean
}

/** How the pod's networks are made. */
export type Way = {
  readonly type: 'verbena' | 'spiderpool' | 'host-local' | 'macvlan'
  readonly conf: Readonly<Record<string, unknown>>
  /** Annotations of the pod. */
  readonly annotations: Readonly<Record<string, string>>
}

export type ModelPod = {
  readonly name: string
  readonly node: HistoryNode
  readonly way: Way
  uid: string
  /** Newest last; those that a DEL has answered for are gone. */
  containers: Container[]
  /** Deleted ones, for late DELs. */
  gone: Container[]
}

/** The container that the runtime means now. */
export function newest({ containers }: ModelPod): Container | undefined {
  return containers.at(-1)
}

/** Containers of which an answer was given, and no newer one of their pod has come. */
export function holding(pods: readonly ModelPod[]): { pod: ModelPod; container: Container }[] {
  return pods.flatMap((pod) =>
    pod.containers
      .filter(({ standing, older }) => standing === 'known' && !older)
      .map((container) => ({ pod, container })),
  )
}
