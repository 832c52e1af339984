/**
 * The laws: what `verbena check` proves, what the model calls for, and that
 * nothing is left when everything has been deleted.
 * @module
 */
import {
  type AllocatorState,
  checkAllocations,
  type Damage,
  fieldOf,
  type Use,
} from '#ipam/index.ts'
import { parseIp } from '#values/ip.ts'
import { parseIfName } from '#values/if-name.ts'
import type { Document } from '#needs/records.ts'
import { holding, type ModelPod } from './model.ts'
import type { MemoryRecords } from './memory-records.ts'
import type { HistoryNode } from './node.ts'

/** What may be so for a while: a pod is gone and its containers' DELs are still to come. */
const FOR_A_WHILE: readonly Damage[] = ['holder-gone', 'unused', 'pool-empty', 'pool-missing']

function documentsOf(records: MemoryRecords, kind: string): Document[] {
  return [...records.all()].filter((one) => one.kind === kind)
}

/** What the model knows for certain is used. */
function usesOf(pods: readonly ModelPod[]): Use[] {
  return holding(pods).flatMap(({ pod, container }) => {
    if (pod.way.type === 'host-local') return []
    const ref = { namespace: 'default', name: pod.name, uid: container.uid }
    const ifName = parseIfName('eth0')
    const owner = { pod: ref, network: 'net', containerId: container.id, ifName }
    const common = { owner, node: pod.node.name, pool: undefined, gone: false }
    return container.addresses.map((address) => ({ ...common, ip: parseIp(address) }))
  })
}

export function stateOf(records: MemoryRecords, pods: readonly ModelPod[]): AllocatorState {
  return {
    allocations: documentsOf(records, 'Allocation'),
    pools: documentsOf(records, 'SpiderIPPool'),
    pods: documentsOf(records, 'Pod'),
    endpoints: [],
    uses: usesOf(pods),
    nodes: new Set(),
    busy: new Set(),
    live: undefined,
  }
}

/** Faults at any time. */
export function faultsNow(records: MemoryRecords, pods: readonly ModelPod[]): string[] {
  const state = stateOf(records, pods)
  const found = checkAllocations(state)
    .filter(({ damage }) => !FOR_A_WHILE.includes(damage))
    .map(({ object, what }) => `${object}: ${what}`)
  return [...found, ...lostByContainers(state, pods), ...givenTwice(pods)]
}

/** What a container was told is held in its name. */
function lostByContainers({ allocations }: AllocatorState, pods: readonly ModelPod[]): string[] {
  const byAddress = new Map(allocations.map((one) => [fieldOf(one, 'address'), one]))
  return holding(pods).flatMap(({ pod, container }) => {
    const { addresses, id, netns } = container
    if (pod.way.type === 'host-local') return lostFiles(pod, id, addresses)
    const lost = addresses.filter((address) => {
      const record = byAddress.get(address)
      return record === undefined || fieldOf(record, 'containerId') !== id
    })
    const links = pod.node.host.netns.get(netns)?.links.map(({ name }) => name)
    const needsLink = pod.way.type === 'verbena' || pod.way.type === 'macvlan'
    const noLink = needsLink && links !== undefined && !links.includes(parseIfName('eth0'))
    return [
      ...lost.map((address) => `${pod.name} ${id} was given ${address} and does not hold it`),
      ...(noLink ? [`${pod.name} ${id} was given eth0 and has none`] : []),
    ]
  })
}

function lostFiles({ node, name }: ModelPod, id: string, addresses: readonly string[]): string[] {
  return addresses
    .filter((address) => !node.files.get(`/var/lib/cni/networks/net/${address}`)?.startsWith(id))
    .map((address) => `${name} ${id} was given ${address} and has no file`)
}

/** One address, one holder: by the answers alone. */
function givenTwice(pods: readonly ModelPod[]): string[] {
  const all = holding(pods).flatMap(({ pod, container }) =>
    container.addresses.map((address) => ({
      key: pod.way.type === 'host-local' ? `${pod.node.name} ${address}` : address,
      who: `${pod.name} ${container.id}`,
    })),
  )
  return [...Map.groupBy(all, ({ key }) => key)].flatMap(([key, holders]) =>
    holders.length < 2 ? [] : [`${key} was given to ${holders.map(({ who }) => who).join(', ')}`],
  )
}

/** When every container was deleted, all is as it was in the beginning. */
export function faultsAtTheEnd(
  records: MemoryRecords,
  nodes: readonly HistoryNode[],
  before: readonly string[],
): string[] {
  const allocations = documentsOf(records, 'Allocation').map(
    (one) => `left: allocation ${one.metadata.name} of ${fieldOf(one, 'owner')}`,
  )
  return [
    ...allocations,
    ...nodes.flatMap(({ name, journal, files, host }, i) => [
      ...journal.all().map((row) => `left: row ${row.attachment} (${row.state}) on ${name}`),
      ...[...files.keys()]
        .filter((path) => !path.includes('/last_reserved_ip.'))
        .map((path) => `left: file ${path} on ${name}`),
      ...(hostText(host) === before[i] ? [] : [`left: ${differenceOf(hostText(host), before[i])}`]),
    ]),
  ]
}

/** What is in the host's own namespace: pods' namespaces come and go. */
export function hostText(host: HistoryNode['host']): string {
  const home = host.netns.get('host')
  if (home === undefined) return ''
  const lines = [
    ...home.links.map(({ name, up, mtu, group, alias, addresses, neighbours, sysctl }) => {
      const of = { up, mtu, group, alias, addresses, neighbours, sysctl: [...sysctl] }
      return `link ${name} ${JSON.stringify(of)}`
    }),
    ...home.routes.map(({ route }) => `route ${JSON.stringify(route)}`),
    ...home.rules.map((rule) => `rule ${JSON.stringify(rule)}`),
    ...[...home.sysctl].map((pair) => `sysctl ${pair.join(' ')}`),
    ...[...home.tables.keys()].map((name) => `table ${name}`),
  ]
  return lines.toSorted().join('\n')
}

function differenceOf(now: string, before = ''): string {
  const old = new Set(before.split('\n'))
  const more = now.split('\n').filter((line) => !old.has(line))
  return more.slice(0, 4).join(' | ') || 'something of the host is gone'
}
