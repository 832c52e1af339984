/**
 * `verbena describe`: one document with what belongs to it. A pod with its
 * interfaces, addresses and what they wait for; a pool with its holders.
 * @module
 */
import type { Document, Records } from '#needs/records.ts'
import { POD_ANNOTATION } from '#network/index.ts'
import { type AgentStatus, agentStatus } from './agent-status.ts'
import { addressOf, ALLOCATION, holderOf } from './allocation.ts'
import { POOL } from './auto-pools.ts'
import { podStatus } from './columns.ts'
import type { Context, StatusOptions, StoreOptions } from './context.ts'
import { isOwnedBy, NAD } from './derived.ts'
import { entriesAt, itemsAt, textAt, textsAt, valueAt, without } from './fields.ts'
import {
  allocationsByPool,
  formatFree,
  type PoolUse,
  reservedRanges,
  useOf,
  withSpiderSubnetStatus,
} from './pool-status.ts'
import { formatAge, formatTable, formatYaml, nameOf } from './print.ts'
import { listAll, needDocument, needKind, withStore } from './store.ts'

export type DescribeOptions = StoreOptions &
  StatusOptions & { readonly kind: string; readonly name: string; readonly namespace?: string }

/** A heading with what stands under it: one text, or rows of a table. */
type Section = { readonly head: string; readonly body: string }

export async function describe(options: DescribeOptions, context: Context): Promise<number> {
  const kind = needKind(options.kind)
  const { name, namespace = 'default' } = options
  return withStore({ options, context, opening: 'existing' }, async (records) => {
    const document = await needDocument({ kind, name, namespace }, records)
    const sections = await sectionsOf(document, { options, context, records })
    const texts = sections.map(({ head, body }) => `${head}:\n${indent(body)}`)
    context.stdout.write([headText(document, context), ...texts].join(''))
    return 0
  })
}

type Around = {
  readonly options: DescribeOptions
  readonly context: Context
  readonly records: Records
}

async function sectionsOf(document: Document, around: Around): Promise<Section[]> {
  const { records, context } = around
  switch (document.kind) {
    case 'Pod': {
      const status = await agentStatus(around.options, context)
      const all = await listAll(ALLOCATION, records)
      const own = all.filter((one) => textAt(one, 'spec', 'podUid') === document.metadata.uid)
      return [networks(document), allocations(own, context), ...agent(document, status)]
    }
    case 'SpiderIPPool': {
      const by = await allocationsByPool(records)
      const use = useOf(document, by, await reservedRanges(records))
      return [await fields('Spec', document['spec']), poolUse(use, context)]
    }
    case 'SpiderSubnet': {
      const [own] = withSpiderSubnetStatus([document], await listAll(POOL, records))
      return [await fields('Spec', document['spec']), await fields('Status', own?.['status'])]
    }
    case 'SpiderMultusConfig': {
      const nads = await listAll(NAD, records, document.metadata.namespace)
      const own = nads.filter((nad) => isOwnedBy(nad, document))
      return [await fields('Spec', document['spec']), ...own.map(generated)]
    }
    case 'Secret':
      return [await fields('Keys', secretKeys(document))]
    default: {
      const own = entriesAt(without(document, ['apiVersion', 'kind', 'metadata']))
      return Promise.all(own.map(([key, value]) => fields(titleOf(key), value)))
    }
  }
}

function headText(document: Document, { clock }: Context): string {
  const { metadata } = document
  const age = formatAge(metadata.creationTimestamp, clock.nowMs())
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true)
  const rows: (readonly [string, string | undefined])[] = [
    ['Name', metadata.name],
    ['Namespace', metadata.namespace],
    ['Kind', `${document.kind} (${document.apiVersion})`],
    ['Created', `${metadata.creationTimestamp ?? '-'} (${age} ago)`],
    ['Terminating since', metadata.deletionTimestamp],
    ['Controlled by', owner === undefined ? undefined : `${owner.kind}/${owner.name}`],
    ['Labels', pairs(metadata.labels)],
    ['Annotations', pairs(annotationsOf(document))],
    ...(document.kind === 'Pod' ? podRows(document) : []),
  ]
  return rows
    .flatMap(([head, text]) => (text === undefined ? [] : [`${`${head}:`.padEnd(20)}${text}\n`]))
    .join('')
}

function podRows(pod: Document): (readonly [string, string | undefined])[] {
  return [
    ['Node', textAt(pod, 'spec', 'nodeName')],
    ['Status', podStatus(pod)],
    ['IP', textAt(pod, 'status', 'podIP')],
  ]
}

/** Annotations without the one that the section Networks shows. */
function annotationsOf({ metadata }: Document): Record<string, string> {
  return without(metadata.annotations ?? {}, [POD_ANNOTATION.status])
}

function networks(pod: Document): Section {
  const text = pod.metadata.annotations?.[POD_ANNOTATION.status]
  const rows = statusesIn(text).map((one) => [
    textAt(one, 'interface') ?? '-',
    textAt(one, 'name') ?? '-',
    textsAt(one, 'ips').join(',') || '-',
    textAt(one, 'mac') ?? '-',
    valueAt(one, 'default') === true ? 'default' : '',
  ])
  const head = ['INTERFACE', 'NETWORK', 'ADDRESSES', 'HARDWARE ADDRESS', '']
  return section('Networks', head, rows)
}

function statusesIn(text: string | undefined): readonly unknown[] {
  if (text === undefined) return []
  try {
    return itemsAt({ items: JSON.parse(text) }, 'items')
  } catch {
    return []
  }
}

function allocations(own: readonly Document[], { clock }: Context): Section {
  const rows = own.map((one) => [
    addressOf(one),
    textAt(one, 'spec', 'pool') ?? '-',
    textAt(one, 'spec', 'interface') ?? '-',
    textAt(one, 'spec', 'node') ?? '-',
    formatAge(one.metadata.creationTimestamp, clock.nowMs()),
  ])
  return section('Allocations', ['ADDRESS', 'POOL', 'INTERFACE', 'NODE', 'AGE'], rows)
}

/** What the agent of the pod's node says of it; nothing without one. */
function agent(pod: Document, status: AgentStatus | undefined): Section[] {
  if (status === undefined) return []
  const own = status.attachments.filter(({ podUid }) => podUid === pod.metadata.uid)
  const rows = own.map(({ ifName, network, state, waiting }) => [
    ifName,
    network,
    state,
    waiting.join('; ') || '-',
  ])
  return [section(`Agent of ${status.node}`, ['INTERFACE', 'NETWORK', 'STATE', 'WAITS FOR'], rows)]
}

function poolUse(use: PoolUse, { clock }: Context): Section {
  const rows = use.allocations.map((one) => [
    addressOf(one),
    holderOf(one),
    textAt(one, 'spec', 'interface') ?? '-',
    textAt(one, 'spec', 'node') ?? '-',
    formatAge(one.metadata.creationTimestamp, clock.nowMs()),
  ])
  const counts = `${use.allocations.length} of ${use.total} held, free: ${formatFree(use)}\n`
  const head = ['ADDRESS', 'HELD BY', 'INTERFACE', 'NODE', 'AGE']
  const table = rows.length === 0 ? '' : formatTable([head, ...rows])
  return { head: 'Addresses', body: `${counts}${table}` }
}

function generated(nad: Document): Section {
  return { head: nameOf(nad), body: `${textAt(nad, 'spec', 'config') ?? '<no config>'}\n` }
}

/** Sizes only: values of a secret are not shown. */
function secretKeys(secret: Document): Record<string, string> {
  const all = ['data', 'stringData'].flatMap((key) => entriesAt(secret, key))
  return Object.fromEntries(all.map(([key, value]) => [key, `${String(value).length} characters`]))
}

async function fields(head: string, value: unknown): Promise<Section> {
  return { head, body: await formatYaml([value]) }
}

function section(head: string, columns: readonly string[], rows: readonly string[][]): Section {
  return { head, body: rows.length === 0 ? '<none>\n' : formatTable([columns, ...rows]) }
}

function pairs(of: Readonly<Record<string, string>> | undefined): string {
  const texts = Object.entries(of ?? {}).map((pair) => pair.join('='))
  return texts.length === 0 ? '<none>' : texts.join(`\n${' '.repeat(20)}`)
}

function titleOf(key: string): string {
  return `${key.charAt(0).toUpperCase()}${key.slice(1)}`
}

function indent(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '  ')
}
