/**
 * `verbena delete`: removes documents of the store. What a document owns goes
 * with it. A pool that holds addresses is marked terminating first, so that
 * agents take none from it, and goes only when it is empty.
 * @module
 */
import { fail } from '#apps/failures.ts'
import type { Records, Stored } from '#needs/records.ts'
import { placeDocument } from '#schema/kinds.ts'
import { holderOf } from './allocation.ts'
import { isOwnedBy, NAD, SMC } from './derived.ts'
import type { Context, OutputOptions, StoreOptions } from './context.ts'
import { textAt } from './fields.ts'
import { allocationsByPool } from './pool-status.ts'
import { nameOf } from './print.ts'
import { readSources } from './sources.ts'
import { listAll, needDocument, needKind, refTo, withStore } from './store.ts'

export type DeleteOptions = StoreOptions &
  OutputOptions & {
    readonly kind: string | undefined
    readonly names: readonly string[]
    readonly filename?: readonly string[]
    readonly namespace?: string
  }

export async function deleteDocuments(options: DeleteOptions, context: Context): Promise<number> {
  checkUsage(options)
  return withStore({ options, context, opening: 'existing' }, async (records) => {
    const found = await documentsToDelete(options, context, records)
    for (const document of found) {
      const reason = await remove(document, { records, context })
      const done = reason === undefined ? 'deleted' : 'is terminating'
      context.stdout.write(`${nameOf(document)}${options.output === 'name' ? '' : ` ${done}`}\n`)
      if (reason !== undefined) context.stderr.write(`Warning: ${reason}\n`)
    }
    return 0
  })
}

function checkUsage({ kind, names, filename = [] }: DeleteOptions): void {
  const byName = kind !== undefined
  if (byName && filename.length > 0) {
    throw fail('command-invalid', { reason: 'give a kind and names, or -f FILE, not both' })
  }
  if (filename.length > 0) return
  if (!byName) throw fail('command-invalid', { reason: 'give a kind and a name, or -f FILE' })
  if (names.length === 0) throw fail('command-invalid', { reason: `give the name of the ${kind}` })
}

/** All are looked up before the first one goes: a name that is not there changes nothing. */
async function documentsToDelete(
  { kind, names, filename = [], namespace = 'default' }: DeleteOptions,
  context: Context,
  records: Records,
): Promise<Stored[]> {
  if (kind !== undefined) {
    const its = needKind(kind)
    const all = names.map((name) => needDocument({ kind: its, name, namespace }, records))
    return Promise.all(all)
  }
  const { documents, faults } = await readSources(filename, context)
  const [fault] = faults
  if (fault !== undefined) {
    throw fail('command-invalid', { reason: `${fault.where}: ${fault.message}` })
  }
  const found: Stored[] = []
  for (const { document: raw, where } of documents) {
    const placed = placeDocument(raw, namespace)
    const read = placed.ok ? placed.kind.read(placed.document) : undefined
    const stored = placed.ok
      ? await records.get(refTo({ ...placed.document, metadata: placeOf(placed.document) }))
      : undefined
    if (stored !== undefined) found.push(stored)
    else {
      const why = read === undefined ? 'its kind is unknown' : 'it is not in the store'
      context.stderr.write(`Warning: ${where}: ${placed.object}: ${why}\n`)
    }
  }
  return found
}

function placeOf(document: unknown): { name: string; namespace?: string } {
  const name = textAt(document, 'metadata', 'name') ?? ''
  const namespace = textAt(document, 'metadata', 'namespace')
  return namespace === undefined ? { name } : { name, namespace }
}

type Home = { readonly records: Records; readonly context: Pick<Context, 'clock' | 'stderr'> }

/** Why the document stays for now; undefined when it is gone. */
async function remove(document: Stored, home: Home): Promise<string | undefined> {
  const { records } = home
  if (document.kind !== 'SpiderIPPool') {
    await warnOfOwner(document, home)
    await records.delete(refTo(document), { uid: document.metadata.uid })
    return undefined
  }
  const marked = await markTerminating(document, home)
  const held = (await allocationsByPool(records)).get(marked.metadata.name) ?? []
  if (held.length === 0) {
    await records.delete(refTo(marked), { uid: marked.metadata.uid })
    return undefined
  }
  const holders = held.slice(0, SHOWN_HOLDERS).map(holderOf).join(', ')
  const more = held.length > SHOWN_HOLDERS ? ', ...' : ''
  return (
    `pool ${marked.metadata.name} gives out no address any more and still holds ${held.length} ` +
    `(${holders}${more}): delete it again when they are released`
  )
}

const SHOWN_HOLDERS = 3

async function markTerminating(pool: Stored, { records, context }: Home): Promise<Stored> {
  if (pool.metadata.deletionTimestamp !== undefined) return pool
  const deletionTimestamp = new Date(context.clock.nowMs()).toISOString().replace(/\.\d+Z$/, 'Z')
  return records.replace({ ...pool, metadata: { ...pool.metadata, deletionTimestamp } })
}

/** A NAD that follows from a SpiderMultusConfig comes back with its next apply. */
async function warnOfOwner(document: Stored, { records, context }: Home): Promise<void> {
  if (document.kind !== NAD.kind) return
  const { namespace } = document.metadata
  const all = await listAll(SMC, records, namespace)
  const owner = all.find((smc) => isOwnedBy(document, smc))
  if (owner === undefined) return
  const text = `${nameOf(document)} follows from ${nameOf(owner)}`
  context.stderr.write(`Warning: ${text}: its next apply makes it again\n`)
}
