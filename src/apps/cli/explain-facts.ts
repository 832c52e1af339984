/**
 * What is known of one pod: its document, its attachments as the journal and
 * the agent have them, and what an ADD would come to now.
 * @module
 */
import type { Document, Records } from '#needs/records.ts'
import { KINDS } from '#schema/kinds.ts'
import { world as worldSchema } from '#schema/world.ts'
import { readWith } from '#schema/zod.ts'
import type { Failure } from '#values/failure.ts'
import { type AgentStatus, agentStatus, agentWorld, type Refused } from './agent-status.ts'
import type { Context, OutputOptions, StatusOptions, StoreOptions } from './context.ts'
import { textAt } from './fields.ts'
import { readJournals } from './journals.ts'
import { lookAtInterfaces } from './live-look.ts'
import { planAttachments } from './plan-attachments.ts'
import { findPod, type PodName } from './plan-pod.ts'
import { type State, stateOf } from './state.ts'
import { listAll, storePath } from './store.ts'
import type { WorldFile } from './world-file.ts'

export type ExplainOptions = StoreOptions &
  StatusOptions &
  OutputOptions & {
    readonly pod: string
    readonly namespace?: string
    /** Folders of agents' own state. */
    readonly state?: readonly string[]
    readonly clusterNetwork?: string
  }

/** One attachment that is there, or half there. */
export type Seen = {
  readonly ifName: string
  readonly network: string
  /** Of its journal row. */
  readonly state: string
  readonly containerId: string
  readonly addresses: readonly string[]
  /** What it waits for, in words. */
  readonly waiting: readonly string[]
  /** Its namespace and its link are gone; false where nobody could look. */
  readonly gone: boolean
}

export type Facts = {
  readonly pod: Document
  readonly node: string | undefined
  /** Every document of the store. */
  readonly documents: State
  /** Undefined when the agent of the node does not answer. */
  readonly agent: AgentStatus | undefined
  readonly seen: readonly Seen[]
  /** The last ADD of the pod that its agent refused. */
  readonly refused: Refused | undefined
  /** What an ADD would be refused for now; undefined when it would succeed. */
  readonly failure: Failure | undefined
  /** What stands for a failure that has no code: errors of documents. */
  readonly errors: readonly { readonly object: string; readonly message: string }[]
}

type Around = {
  readonly options: ExplainOptions
  readonly context: Context
  readonly records: Records
}

/** Undefined without such a pod. */
export async function factsOf(name: PodName, around: Around): Promise<Facts | undefined> {
  const { options, context, records } = around
  const all = await Promise.all(KINDS.map((kind) => listAll(kind, records)))
  const documents = stateOf(all.flat())
  const found = findPod(name, documents)
  if (found === undefined) return undefined
  const { pod } = found
  const node = textAt(pod, 'spec', 'nodeName')
  const answered = await agentStatus(options, context)
  const agent = node === undefined || answered?.node === node ? answered : undefined
  const world = agent === undefined ? undefined : await worldOf(around)
  const planned = await planAttachments(found, {
    options: { ...options, pod: `${name.namespace}/${name.name}`, node: node ?? 'none' },
    world,
    context,
  })
  const uid = pod.metadata.uid ?? ''
  return {
    pod,
    node,
    documents,
    agent,
    seen: await seenOf(uid, agent, around),
    refused: agent?.refused.findLast(({ podUid }) => podUid === uid),
    failure: planned.failure,
    errors: planned.errors,
  }
}

/** The host as its agent sees it; undefined for an agent that does not tell. */
async function worldOf({ options, context }: Around): Promise<WorldFile | undefined> {
  const raw = await agentWorld(options, context)
  if (raw === undefined) return undefined
  const read = readWith(worldSchema, raw)
  return read.ok ? { file: 'the agent', raw, world: read.value } : undefined
}

async function seenOf(
  uid: string,
  agent: AgentStatus | undefined,
  { options, context }: Around,
): Promise<Seen[]> {
  const [look, journals] = await Promise.all([
    (context.look ?? lookAtInterfaces)(),
    readJournals(storePath(options, context), options.state),
  ])
  const told = (agent?.attachments ?? []).filter(({ podUid }) => podUid === uid)
  const rows = journals.flatMap((one) => one.rows).filter(({ owner }) => owner.pod?.uid === uid)
  const written = rows.map(({ owner, state, result, netnsId, mark }): Seen => ({
    ifName: owner.ifName,
    network: owner.network,
    state,
    containerId: owner.containerId,
    addresses: (result?.ips ?? []).map(({ address }) => address),
    waiting: told.find(({ ifName }) => ifName === owner.ifName)?.waiting ?? [],
    gone: look.looked && netnsId !== undefined && !look.netns.has(netnsId) && !look.marks.has(mark),
  }))
  if (written.length > 0) return written
  return told.map((one) => ({ ...one, gone: false }))
}
