/**
 * `verbena check`: proves on a store that no address has two owners, none is
 * held by a pod that does not exist or lies outside its pool; and, where an
 * agent answers, that none is used and not held. Each finding comes with the
 * command that mends it.
 * @module
 */
import { type AllocatorState, checkAllocations, type Finding } from '#ipam/index.ts'
import type { Document, Records } from '#needs/records.ts'
import { POOL_KIND, SPIDER_API_VERSION } from '#schema/spider-ip-pool.ts'
import { mergeRanges, parseRange, rangeContains } from '#values/ip-range.ts'
import { type AgentStatus, type AgentAttachment, agentStatus } from './agent-status.ts'
import { addressOf, ALLOCATION, holderOf } from './allocation.ts'
import type { Context, OutputOptions, StatusOptions, StoreOptions } from './context.ts'
import { textAt, textsAt } from './fields.ts'
import { formatTable } from './print.ts'
import { listAll, withStore } from './store.ts'

export type CheckOptions = StoreOptions & StatusOptions & OutputOptions

/** Exit status 1 when something is found. */
export async function check(options: CheckOptions, context: Context): Promise<number> {
  const status = await agentStatus(options, context)
  return withStore({ options, context, opening: 'existing' }, async (records) => {
    const state = await stateOf(records)
    const findings = [
      ...checkAllocations(state),
      ...emptyAndTerminating(state),
      ...(status === undefined ? [] : usedAndNotHeld(status, state)),
    ]
    print(findings, { state, output: options.output, context })
    return findings.length === 0 ? 0 : 1
  })
}

async function stateOf(records: Records): Promise<AllocatorState> {
  const [allocations, pools, pods, nodes] = await Promise.all([
    listAll(ALLOCATION, records),
    listAll({ apiVersion: SPIDER_API_VERSION, kind: POOL_KIND }, records),
    listAll({ apiVersion: 'v1', kind: 'Pod' }, records),
    listAll({ apiVersion: 'v1', kind: 'Node' }, records),
  ])
  // without pods and nodes the store is one of containers, whose pods nobody records
  const knowsPods = pods.length + nodes.length > 0
  return { allocations, pools, pods: knowsPods ? pods : undefined }
}

/** Nothing comes back for it: standalone no controller takes the finalizer away. */
function emptyAndTerminating({ allocations, pools }: AllocatorState): Finding[] {
  const held = new Set(allocations.map((one) => textAt(one, 'spec', 'pool')))
  return pools
    .filter(({ metadata }) => metadata.deletionTimestamp !== undefined && !held.has(metadata.name))
    .map(({ metadata: { name } }) => ({
      object: `${POOL_KIND}/${name}`,
      what: 'it is terminating and holds no address any more',
      mend: `verbena delete spiderippool ${name}`,
    }))
}

/** Addresses of pools that an interface has and no record gives to it. */
function usedAndNotHeld(status: AgentStatus, { allocations, pools }: AllocatorState): Finding[] {
  const byAddress = new Map(allocations.map((one) => [addressOf(one), one]))
  return status.attachments.flatMap((attachment) =>
    attachment.addresses
      .map((cidr) => cidr.split('/')[0] ?? '')
      .filter((address) => pools.some((pool) => mayGive(pool, address)))
      .flatMap((address) => {
        const holder = byAddress.get(address)
        if (holder !== undefined && isHolder(holder, attachment)) return []
        const other = holder === undefined ? 'nobody holds it' : `${holderOf(holder)} holds it`
        return {
          object: `Allocation/${address}`,
          what: `${attachment.ifName} of container ${attachment.containerId} uses it, ${other}`,
          mend: `crictl stopp ${attachment.containerId}`,
        }
      }),
  )
}

function isHolder(holder: Document, { attachment }: AgentAttachment): boolean {
  return textAt(holder, 'spec', 'owner') === attachment
}

/** True when the address is one of the pool's: others are some other IPAM's. */
function mayGive(pool: Document, address: string): boolean {
  try {
    const one = parseRange(address)
    const ranges = mergeRanges(textsAt(pool, 'spec', 'ips').map(parseRange))
    return ranges.some((range) => rangeContains(range, one))
  } catch {
    return false
  }
}

function print(
  findings: readonly Finding[],
  of: {
    readonly state: AllocatorState
    readonly output: CheckOptions['output']
    readonly context: Context
  },
): void {
  const { stdout } = of.context
  const counts = { allocations: of.state.allocations.length, pools: of.state.pools.length }
  if (of.output === 'json') {
    stdout.write(`${JSON.stringify({ ...counts, findings }, null, 2)}\n`)
    return
  }
  const rows = findings.map(({ object, what, mend }) => [object, what, mend])
  if (rows.length > 0) stdout.write(formatTable([['OBJECT', 'WHAT IS SO', 'MEND BY'], ...rows]))
  const found = findings.length === 0 ? 'all is as it must be' : `${findings.length} findings`
  stdout.write(`${counts.allocations} allocations of ${counts.pools} pools: ${found}\n`)
}
