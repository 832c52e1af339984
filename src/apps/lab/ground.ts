/**
 * What the story of the lab asks of the ground that it runs on: the kernel of
 * this machine, that of a throw-away one, or a simulated one. The story is the
 * same on all of them.
 * @module
 */
import type { Stored } from '#needs/records.ts'
import type { NodePlan } from './node-plan.ts'

/** Where a command is run. */
export type Place =
  | { readonly at: 'machine' }
  | { readonly at: 'node' | 'pod'; readonly name: string }

/** What a command printed, both streams in the order in which they came. */
export type Printed = { readonly status: number; readonly text: string }

/** A pod that is bound to a node. */
export type Bound = {
  readonly pod: Stored
  readonly node: string
  /** 64 hex digits, as a runtime makes them. */
  readonly containerId: string
}

/** What an ADD came to. */
export type Added =
  | { readonly added: true; readonly ips: readonly string[]; readonly ms: number }
  | { readonly added: false; readonly reason: string }

/** A container that runs. */
export type Started = {
  /** File of what it prints; undefined where no process is started. */
  readonly log: string | undefined
  /** RFC 3339. */
  readonly startedAt: string
}

/** An interface inside a pod; what the ground has not is undefined. */
export type PodInterface = {
  readonly name: string
  readonly addresses: readonly string[]
  readonly guid: string | undefined
  readonly pkey: string | undefined
}

export interface Ground {
  /** Nodes with their parents, up and with a carrier. */
  makeNodes(nodes: readonly NodePlan[]): Promise<void>
  /** RDMA devices of the nodes' HCAs; none where the ground has no HCAs. */
  rdmaDevices(): Promise<readonly string[]>
  /** Starts the agents; resolves when all are ready, with a line about each. */
  startAgents(): Promise<readonly string[]>
  run(place: Place, words: readonly string[]): Promise<Printed>
  /** The pod's namespace, and ADD as its runtime asks for it. */
  attach(bound: Bound): Promise<Added>
  /** The container's process; resolves when it is alive and `eth0` is up. */
  start(bound: Bound, words: readonly string[]): Promise<Started>
  interfaces(pod: string): Promise<readonly PodInterface[]>
  /** Parents without a carrier, as `ibs5f0 of node-a`. */
  withoutCarrier(): Promise<readonly string[]>
  /** Takes the last node's cables out. */
  cut(): Promise<void>
  /** Ends processes and detaches pods; what could not be is told. */
  stopPods(): Promise<readonly string[]>
  /** Ends agents, removes namespaces and files. */
  remove(): Promise<readonly string[]>
  /** What is left of the run, and what differs from before it. */
  remains(): Promise<readonly string[]>
}
