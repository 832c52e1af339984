/**
 * The standalone store, as commands open it: `--store`, else VERBENA_STORE,
 * else the machine's own.
 * @module
 */
import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Document, Records, Ref, Stored } from '#needs/records.ts'
import { fail } from '#apps/failures.ts'
import { type Kind, KINDS, kindNamed } from '#schema/kinds.ts'
import type { Context, StoreOptions } from './context.ts'

const DEFAULT_PATH = '/var/lib/verbena/store.db'

/** Whether a store that is not there is made. */
type Opening = 'existing' | 'made'

/**
 * Opens the store for the time of `work`.
 * @throws {Failure} `store-absent`: there is none, and the command only reads
 */
export async function withStore<T>(
  {
    options,
    context,
    opening,
  }: {
    readonly options: StoreOptions
    readonly context: Pick<Context, 'env'>
    readonly opening: Opening
  },
  work: (records: Records) => Promise<T>,
): Promise<T> {
  const path = storePath(options, context)
  if (opening === 'existing' && path !== ':memory:' && !existsSync(path)) {
    throw fail('store-absent', { path })
  }
  if (opening === 'made' && path !== ':memory:') mkdirSync(dirname(path), { recursive: true })
  const { openRecords } = await import('#store/records.ts')
  await using records = await openRecords({ path })
  return await work(records)
}

/** File of the store that a command means. */
export function storePath({ store }: StoreOptions, { env }: Pick<Context, 'env'>): string {
  return store ?? env['VERBENA_STORE'] ?? DEFAULT_PATH
}

/** @throws {Failure} `kind-unknown`, with the kinds that there are */
export function needKind(word: string): Kind {
  const kind = kindNamed(word)
  if (kind !== undefined) return kind
  throw fail('kind-unknown', { word, known: KINDS.map(({ plural }) => plural).join(', ') })
}

/** How a command line names a document. */
export type Wanted = {
  readonly kind: Kind
  readonly name: string
  /** Left out for kinds that have none. */
  readonly namespace: string
}

export function refOf({ kind, name, namespace }: Wanted): Ref {
  const { apiVersion, scope } = kind
  const within = scope === 'namespaced' ? namespace : undefined
  return { apiVersion, kind: kind.kind, namespace: within, name }
}

/** @throws {Failure} `object-missing` */
export async function needDocument(wanted: Wanted, records: Records): Promise<Stored> {
  const ref = refOf(wanted)
  const found = await records.get(ref)
  if (found !== undefined) return found
  const where = ref.namespace === undefined ? '' : ` in namespace ${ref.namespace}`
  throw fail('object-missing', { plural: wanted.kind.plural, name: ref.name, where })
}

/** Every document of a kind, page by page. */
export async function listAll(
  kind: { readonly apiVersion: string; readonly kind: string },
  records: Records,
  namespace?: string,
): Promise<Stored[]> {
  const { apiVersion } = kind
  const within = namespace === undefined ? {} : { namespace }
  const all: Stored[] = []
  let from: string | undefined
  do {
    const next = from === undefined ? {} : { from }
    const selection = { apiVersion, kind: kind.kind, limit: PAGE, ...within, ...next }
    const page = await records.list(selection)
    all.push(...page.items)
    from = page.next
  } while (from !== undefined)
  return all
}

const PAGE = 1_000

/** Where a document stands, for a `get` or a `delete` of the store. */
export function refTo({ apiVersion, kind, metadata }: Document): Ref {
  return { apiVersion, kind, namespace: metadata.namespace, name: metadata.name }
}
