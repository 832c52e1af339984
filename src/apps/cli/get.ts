/**
 * `verbena get`: documents of the store as kubectl shows them.
 * @module
 */
import type { Document, Records, Stored } from '#needs/records.ts'
import { type Kind, KINDS } from '#schema/kinds.ts'
import { columnsOf, type Facts } from './columns.ts'
import type { Context, OutputOptions, StoreOptions } from './context.ts'
import { POOL, SPIDER_SUBNET } from './auto-pools.ts'
import {
  allocationsByPool,
  reservedRanges,
  withStatusOf,
  withSpiderSubnetStatus,
} from './pool-status.ts'
import { formatTable, formatYaml, nameOf } from './print.ts'
import { listAll, needDocument, needKind, withStore } from './store.ts'

export type GetOptions = StoreOptions &
  OutputOptions & {
    /** As written: `pods`, `sp,smc`, `all`. */
    readonly kind: string
    readonly names: readonly string[]
    readonly namespace?: string
    readonly allNamespaces?: boolean
  }

type Found = { readonly kind: Kind; readonly documents: readonly Document[] }

export async function get(options: GetOptions, context: Context): Promise<number> {
  const kinds = options.kind === 'all' ? KINDS : options.kind.split(',').map(needKind)
  return withStore({ options, context, opening: 'existing' }, async (records) => {
    const found: Found[] = []
    for (const kind of kinds) {
      found.push({ kind, documents: await documentsOf(kind, options, records) })
    }
    await print(found, { options, context, records })
    return 0
  })
}

async function documentsOf(
  kind: Kind,
  options: GetOptions,
  records: Records,
): Promise<readonly Document[]> {
  const stored = await storedOf(kind, options, records)
  if (kind.kind === POOL.kind) return withStatusOf(stored, records)
  if (kind.kind !== SPIDER_SUBNET.kind) return stored
  return withSpiderSubnetStatus(stored, await listAll(POOL, records))
}

async function storedOf(kind: Kind, options: GetOptions, records: Records): Promise<Stored[]> {
  const namespace = options.namespace ?? 'default'
  if (options.names.length > 0) {
    const all = options.names.map((name) => needDocument({ kind, name, namespace }, records))
    return Promise.all(all)
  }
  const whole = kind.scope === 'cluster' || options.allNamespaces === true
  return listAll(kind, records, whole ? undefined : namespace)
}

type Printing = {
  readonly options: GetOptions
  readonly context: Context
  readonly records: Records
}

async function print(found: readonly Found[], printing: Printing): Promise<void> {
  const { options, context } = printing
  const documents = found.flatMap((one) => one.documents)
  const [first] = documents
  const single = options.names.length === 1 && found.length === 1 ? first : undefined
  const whole = single ?? { apiVersion: 'v1', kind: 'List', items: documents }
  switch (options.output) {
    case 'json':
      context.stdout.write(`${JSON.stringify(whole, null, 2)}\n`)
      return
    case 'yaml':
      context.stdout.write(await formatYaml([whole]))
      return
    case 'name':
      for (const document of documents) context.stdout.write(`${nameOf(document)}\n`)
      return
    default:
      if (first === undefined) context.stderr.write(`${nothingText(found, options)}\n`)
      else await printTables(found, printing)
  }
}

async function printTables(
  found: readonly Found[],
  { options, context, records }: Printing,
): Promise<void> {
  const pools = found.some(({ kind }) => kind.kind === POOL.kind)
  const allocations = pools ? await allocationsByPool(records) : new Map()
  const reserved = pools ? await reservedRanges(records) : []
  const facts: Facts = { nowMs: context.clock.nowMs(), allocations, reserved }
  const tables = found.filter(({ documents }) => documents.length > 0)
  const texts = tables.map((one) => {
    const prefixed = tables.length > 1
    return tableOf(one, { options, facts, prefixed })
  })
  context.stdout.write(texts.join('\n'))
}

function tableOf(
  { kind, documents }: Found,
  {
    options,
    facts,
    prefixed,
  }: {
    readonly options: GetOptions
    readonly facts: Facts
    /** Several kinds: names bear their kind, as kubectl prints them. */
    readonly prefixed: boolean
  },
): string {
  const columns = columnsOf(kind.kind).filter(
    (column) => column.wide === undefined || options.output === 'wide',
  )
  const spread = kind.scope === 'namespaced' && options.allNamespaces === true
  const head = [...(spread ? ['NAMESPACE'] : []), ...columns.map((column) => column.head)]
  const rows = documents.map((document) => {
    const cells = columns.map((column, index) => {
      const cell = column.cell(document, facts)
      return prefixed && index === 0 ? nameOf(document) : cell
    })
    return [...(spread ? [document.metadata.namespace ?? ''] : []), ...cells]
  })
  return formatTable([head, ...rows])
}

function nothingText(found: readonly Found[], options: GetOptions): string {
  const [only] = found
  const spread = options.allNamespaces === true || only?.kind.scope === 'cluster'
  if (found.length === 1 && only?.kind.kind === 'SpiderCoordinator') {
    return 'No resources found: the built-in coordinator holds (mode auto)'
  }
  if (spread || found.length > 1) return 'No resources found'
  return `No resources found in ${options.namespace ?? 'default'} namespace.`
}
