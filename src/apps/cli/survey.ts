/**
 * One look at everything that must agree: the store's documents, the agents'
 * journals, the interfaces, and what of it does not, with what mends it.
 * @module
 */
import {
  type AllocatorState,
  type Finding,
  type Use,
  checkAllocations,
  planRepairs,
} from '#ipam/index.ts'
import type { Records } from '#needs/records.ts'
import { POOL_KIND, SPIDER_API_VERSION } from '#schema/spider-ip-pool.ts'
import { damagedDocuments } from '#store/salvage.ts'
import { parseIfName } from '#values/if-name.ts'
import { parseIp } from '#values/ip.ts'
import { ownerKey } from '#values/owner.ts'
import { type AgentStatus, agentStatus } from './agent-status.ts'
import { ALLOCATION } from './allocation.ts'
import type { Context, OutputOptions, StatusOptions, StoreOptions } from './context.ts'
import { strayFiles } from './host-local-files.ts'
import { type JournalSeen, busyOwners, emptyRows, readJournals, usesOf } from './journals.ts'
import { type LiveLook, lookAtInterfaces } from './live-look.ts'
import { mendingOf } from './mend.ts'
import type { Planned } from './planned.ts'
import { damagedRows } from './row-repair.ts'
import { listAll, storePath } from './store.ts'

export type SurveyOptions = StoreOptions &
  StatusOptions &
  OutputOptions & {
    /** Folders of agents' own state. */
    readonly state?: readonly string[]
    /** Folders of host-local networks. */
    readonly hostLocal?: readonly string[]
  }

/** What was found, and what was looked through. */
export type Survey = {
  readonly allocations: number
  readonly pools: number
  readonly plan: readonly Planned[]
  /** The same for `check`: each with the command that mends it. */
  readonly findings: readonly Pick<Finding, 'object' | 'what' | 'mend'>[]
}

/** Looks, and changes nothing. A store with rows that cannot be read is told alone. */
export async function survey(
  records: Records,
  options: SurveyOptions,
  context: Context,
): Promise<Survey> {
  const path = storePath(options, context)
  const [look, journals, status] = await Promise.all([
    (context.look ?? lookAtInterfaces)(),
    readJournals(path, options.state),
    agentStatus(options, context),
  ])
  const uses = usesOfAll(journals, look, status)
  const damaged = path === ':memory:' ? [] : damagedDocuments(path)
  const rows = [...damaged, ...journals.flatMap((one) => one.damaged)]
  const rowPlan = await damagedRows(rows, { records, uses, look, journals })
  if (damaged.some(({ readable }) => !readable)) {
    return { allocations: 0, pools: 0, plan: rowPlan, findings: rowPlan.map(findingOf) }
  }
  const state = await stateOf(records, { uses, look, journals })
  const findings = checkAllocations(state)
  const repairs = planRepairs(findings, state, look)
  const uids = new Set(state.pods?.map(({ metadata }) => metadata.uid))
  const others = [
    ...rowPlan,
    ...journals.flatMap((one) => emptyRows(one, look, uids)),
    ...(await strayFiles(options.hostLocal ?? [], { look, journals })),
  ]
  return {
    allocations: state.allocations.length,
    pools: state.pools.length,
    plan: [...others, ...repairs.map((one) => mendingOf(one, records))],
    findings: [...others.map(findingOf), ...findings],
  }
}

function findingOf({ object, cause, mend, action }: Planned): Survey['findings'][number] {
  return { object, what: cause, mend: mend === undefined ? action : 'verbena repair' }
}

type Seen = {
  readonly uses: readonly Use[]
  readonly look: LiveLook
  readonly journals: readonly JournalSeen[]
}

async function stateOf(records: Records, seen: Seen): Promise<AllocatorState> {
  const { uses, look, journals } = seen
  const spider = (kind: string) => listAll({ apiVersion: SPIDER_API_VERSION, kind }, records)
  const [allocations, pools, endpoints, pods, nodes] = await Promise.all([
    listAll(ALLOCATION, records),
    spider(POOL_KIND),
    spider('SpiderEndpoint'),
    listAll({ apiVersion: 'v1', kind: 'Pod' }, records),
    listAll({ apiVersion: 'v1', kind: 'Node' }, records),
  ])
  // without pods and nodes the store is one of containers, whose pods nobody records
  const knowsPods = pods.length + nodes.length > 0
  const whole = journals.filter(({ damaged }) => damaged.length === 0)
  return {
    allocations,
    pools,
    endpoints,
    pods: knowsPods ? pods : undefined,
    uses,
    nodes: new Set(whole.map(({ node }) => node)),
    busy: new Set(journals.flatMap(busyOwners)),
    live: look.looked ? look.live : undefined,
  }
}

/** By the journals, and of an agent that answers what no journal here tells. */
function usesOfAll(
  journals: readonly JournalSeen[],
  look: LiveLook,
  status: AgentStatus | undefined,
): Use[] {
  const known = journals.flatMap((one) => usesOf(one, look))
  const keys = new Set(known.map(({ owner, ip }) => `${ownerKey(owner)} ${ip}`))
  const told = (status?.attachments ?? []).flatMap((one) =>
    one.addresses.flatMap((cidr) => useOf(one, cidr, status?.node ?? '')),
  )
  return [...known, ...told.filter(({ owner, ip }) => !keys.has(`${ownerKey(owner)} ${ip}`))]
}

function useOf(one: AgentStatus['attachments'][number], cidr: string, node: string): Use[] {
  const { podUid: uid, podNamespace: namespace = '', podName: name = '' } = one
  const { network, containerId } = one
  const pod = uid === undefined ? undefined : { uid, namespace, name }
  try {
    const owner = { pod, network, containerId, ifName: parseIfName(one.ifName) }
    return [{ owner, node, ip: parseIp(cidr.split('/')[0] ?? ''), pool: undefined, gone: false }]
  } catch {
    return []
  }
}
