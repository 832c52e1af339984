/**
 * Columns of `verbena get`, kind by kind, as kubectl prints them; `wide` ones
 * only with `-o wide`.
 *
 * Spec: additionalPrinterColumns of the CRDs; kubectl's printers for core kinds.
 * @module
 */
import type { Document } from '#needs/records.ts'
import type { IpRange } from '#values/ip-range.ts'
import { addressOf, holderOf } from './allocation.ts'
import { entriesAt, itemsAt, textAt, textsAt, valueAt } from './fields.ts'
import { type AllocationsByPool, formatFree, useOf } from './pool-status.ts'
import { formatAge } from './print.ts'

/** What cells are made from besides the document. */
export type Facts = {
  readonly nowMs: number
  readonly allocations: AllocationsByPool
  readonly reserved: readonly IpRange[]
}

export type Column = {
  readonly head: string
  readonly wide?: true
  cell(document: Document, facts: Facts): string
}

const NONE = '<none>'

const name: Column = { head: 'NAME', cell: ({ metadata }) => metadata.name }
const age: Column = {
  head: 'AGE',
  cell: ({ metadata }, { nowMs }) => formatAge(metadata.creationTimestamp, nowMs),
}

/** A column that shows one field. */
function field(head: string, path: readonly string[], otherwise = NONE): Column {
  return { head, cell: (document) => textAt(document, ...path) ?? otherwise }
}

function list(head: string, path: readonly string[]): Column {
  return { head, cell: (document) => textsAt(document, ...path).join(',') || NONE }
}

function wide(column: Column): Column {
  return { ...column, wide: true }
}

const POOL: readonly Column[] = [
  name,
  field('VERSION', ['spec', 'ipVersion'], ''),
  field('SUBNET', ['spec', 'subnet'], ''),
  {
    head: 'ALLOCATED-IP-COUNT',
    cell: (pool, { allocations }) => String(useOf(pool, allocations).allocations.length),
  },
  {
    head: 'TOTAL-IP-COUNT',
    cell: (pool, { allocations }) => String(useOf(pool, allocations).total),
  },
  field('DEFAULT', ['spec', 'default'], 'false'),
  wide(field('DISABLE', ['spec', 'disable'], 'false')),
  wide(list('NODENAME', ['spec', 'nodeName'])),
  wide(list('MULTUSNAME', ['spec', 'multusName'])),
  wide(
    field('APP-NAMESPACE', [
      'spec',
      'podAffinity',
      'matchLabels',
      'ipam.spidernet.io/app-namespace',
    ]),
  ),
  wide({
    head: 'FREE',
    cell: (pool, { allocations, reserved }) => formatFree(useOf(pool, allocations, reserved)),
  }),
]

const SUBNET: readonly Column[] = [
  name,
  field('VERSION', ['spec', 'ipVersion'], ''),
  field('SUBNET', ['spec', 'subnet'], ''),
  field('ALLOCATED-IP-COUNT', ['status', 'allocatedIPCount'], ''),
  field('TOTAL-IP-COUNT', ['status', 'totalIPCount'], ''),
]

const RESERVED_IP: readonly Column[] = [name, field('VERSION', ['spec', 'ipVersion'], '')]

const ENDPOINT: readonly Column[] = [
  name,
  ...(['interface', 'ipv4Pool', 'ipv4', 'ipv6Pool', 'ipv6'] as const).map((key) => ({
    head: key.toUpperCase(),
    cell: (endpoint: Document) =>
      textAt(itemsAt(endpoint, 'status', 'current', 'ips')[0], key) ?? '',
  })),
  field('NODE', ['status', 'current', 'node'], ''),
]

const POD: readonly Column[] = [
  name,
  {
    head: 'READY',
    cell: (pod) => `${readyContainers(pod)}/${itemsAt(pod, 'spec', 'containers').length}`,
  },
  { head: 'STATUS', cell: podStatus },
  {
    head: 'RESTARTS',
    cell: (pod) =>
      String(
        itemsAt(pod, 'status', 'containerStatuses')
          .map((one) => Number(textAt(one, 'restartCount') ?? 0))
          .reduce((sum, count) => sum + count, 0),
      ),
  },
  age,
  wide(field('IP', ['status', 'podIP'])),
  wide(field('NODE', ['spec', 'nodeName'])),
  wide(field('NOMINATED NODE', ['status', 'nominatedNodeName'])),
  wide({ head: 'READINESS GATES', cell: readinessGates }),
]

const NODE: readonly Column[] = [
  name,
  { head: 'STATUS', cell: (node) => (conditionHolds(node, 'Ready') ? 'Ready' : 'NotReady') },
  { head: 'ROLES', cell: nodeRoles },
  age,
  field('VERSION', ['status', 'nodeInfo', 'kubeletVersion']),
  wide({ head: 'INTERNAL-IP', cell: (node) => nodeAddress(node, 'InternalIP') }),
  wide({ head: 'EXTERNAL-IP', cell: (node) => nodeAddress(node, 'ExternalIP') }),
  wide(field('OS-IMAGE', ['status', 'nodeInfo', 'osImage'])),
  wide(field('KERNEL-VERSION', ['status', 'nodeInfo', 'kernelVersion'])),
  wide(field('CONTAINER-RUNTIME', ['status', 'nodeInfo', 'containerRuntimeVersion'])),
]

const ALLOCATION: readonly Column[] = [
  name,
  { head: 'ADDRESS', cell: addressOf },
  field('POOL', ['spec', 'pool']),
  { head: 'POD', cell: holderOf },
  field('INTERFACE', ['spec', 'interface']),
  field('NODE', ['spec', 'node']),
  age,
  wide(field('NETWORK', ['spec', 'network'])),
  wide(field('CONTAINER', ['spec', 'containerId'])),
  wide(field('STATE', ['status', 'state'], 'held')),
]

const DAEMON_SET: readonly Column[] = [
  name,
  field('DESIRED', ['status', 'desiredNumberScheduled'], '0'),
  field('CURRENT', ['status', 'currentNumberScheduled'], '0'),
  field('READY', ['status', 'numberReady'], '0'),
  field('UP-TO-DATE', ['status', 'updatedNumberScheduled'], '0'),
  field('AVAILABLE', ['status', 'numberAvailable'], '0'),
  {
    head: 'NODE SELECTOR',
    cell: (set) =>
      entriesAt(set, 'spec', 'template', 'spec', 'nodeSelector')
        .map((pair) => pair.join('='))
        .join(',') || NONE,
  },
  age,
]

const SMC: readonly Column[] = [
  name,
  age,
  wide(field('CNI-TYPE', ['spec', 'cniType'])),
  wide({ head: 'IPPOOLS', cell: (smc) => poolsOf(smc).join(',') || NONE }),
]

const dataCount: Column = {
  head: 'DATA',
  cell: (document) =>
    String(['data', 'stringData', 'binaryData'].flatMap((key) => entriesAt(document, key)).length),
}

const COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  SpiderIPPool: POOL,
  SpiderSubnet: SUBNET,
  SpiderReservedIP: RESERVED_IP,
  SpiderEndpoint: ENDPOINT,
  SpiderMultusConfig: SMC,
  Allocation: ALLOCATION,
  Pod: POD,
  Node: NODE,
  DaemonSet: DAEMON_SET,
  Namespace: [name, field('STATUS', ['status', 'phase'], 'Active'), age],
  ConfigMap: [name, dataCount, age],
  Secret: [name, field('TYPE', ['type'], 'Opaque'), dataCount, age],
}

/** Columns of a kind; kinds without a table of their own show name and age. */
export function columnsOf(kind: string): readonly Column[] {
  return COLUMNS[kind] ?? [name, age]
}

/** Names of the pools that a SpiderMultusConfig takes addresses from. */
export function poolsOf(smc: Document): string[] {
  return entriesAt(smc, 'spec').flatMap(([, block]) => [
    ...textsAt(block, 'ippools', 'ipv4'),
    ...textsAt(block, 'ippools', 'ipv6'),
  ])
}

function readyContainers(pod: Document): number {
  const statuses = itemsAt(pod, 'status', 'containerStatuses')
  return statuses.filter((one) => valueAt(one, 'ready') === true).length
}

/** The state of a pod in one word, as kubectl finds it. */
export function podStatus(pod: Document): string {
  if (pod.metadata.deletionTimestamp !== undefined) return 'Terminating'
  const reasons = itemsAt(pod, 'status', 'containerStatuses').map(
    (one) =>
      textAt(one, 'state', 'waiting', 'reason') ?? textAt(one, 'state', 'terminated', 'reason'),
  )
  const reason = reasons.find((one) => one !== undefined) ?? textAt(pod, 'status', 'reason')
  return reason ?? textAt(pod, 'status', 'phase') ?? 'Pending'
}

function readinessGates(pod: Document): string {
  const gates = itemsAt(pod, 'spec', 'readinessGates')
  if (gates.length === 0) return NONE
  const held = gates.filter((gate) => conditionHolds(pod, textAt(gate, 'conditionType') ?? ''))
  return `${held.length}/${gates.length}`
}

function conditionHolds(document: Document, type: string): boolean {
  return itemsAt(document, 'status', 'conditions').some(
    (one) => textAt(one, 'type') === type && textAt(one, 'status')?.toLowerCase() === 'true',
  )
}

const ROLE_LABEL = 'node-role.kubernetes.io/'

function nodeRoles({ metadata }: Document): string {
  const labels = Object.keys(metadata.labels ?? {}).filter((key) => key.startsWith(ROLE_LABEL))
  return (
    labels
      .map((key) => key.slice(ROLE_LABEL.length))
      .toSorted()
      .join(',') || NONE
  )
}

function nodeAddress(node: Document, type: string): string {
  const addresses = itemsAt(node, 'status', 'addresses')
  return (
    textAt(
      addresses.find((one) => textAt(one, 'type') === type),
      'address',
    ) ?? NONE
  )
}
