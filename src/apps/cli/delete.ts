/**
 * `verbena delete`: removes documents of the store. What a document owns goes
 * with it. A pool that holds addresses is marked terminating first, so that
 * agents take none from it, and goes only when it is empty.
 * @module
 */
import { fail } from '#apps/failures.ts'
import { autoPoolsFor, endPool, endSpiderSubnet, freeKept, isReclaimed } from '#ipam/index.ts'
import type { Document, Records, Stored } from '#needs/records.ts'
import { placeDocument } from '#schema/kinds.ts'
import type { Settings } from '#schema/spiderpool-settings.ts'
import { ALLOCATION, holderOf } from './allocation.ts'
import { POOL, SPIDER_SUBNET } from './auto-pools.ts'
import { isOwnedBy, NAD, SMC } from './derived.ts'
import type { Context, OutputOptions, StoreOptions } from './context.ts'
import { textAt } from './fields.ts'
import { allocationsByPool } from './pool-status.ts'
import { nameOf } from './print.ts'
import { settingsIn } from './settings.ts'
import { readSources } from './sources.ts'
import { stateOf } from './state.ts'
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
  if (document.kind === POOL.kind) return removePool(document, home)
  if (document.kind === SPIDER_SUBNET.kind) return removeSubnet(document, home)
  await warnOfOwner(document, home)
  await records.delete(refTo(document), { uid: document.metadata.uid })
  await removeWhatFollows(document, home)
  return undefined
}

/** @throws {Failure} `delete-refused`, where the configuration guards what is in use */
async function removePool(pool: Stored, home: Home): Promise<string | undefined> {
  const { records } = home
  const { name } = pool.metadata
  const before = (await allocationsByPool(records)).get(name) ?? []
  if (before.length > 0 && (await settingsOf(records)).enableValidatingResourcesDeletedWebhook) {
    const reason = `it holds ${before.length} (${holdersText(before)})`
    throw fail('delete-refused', { object: nameOf(pool), reason })
  }
  const marked = await markTerminating(pool, home)
  const held = (await allocationsByPool(records)).get(name) ?? []
  if (held.length === 0) {
    await records.delete(refTo(marked), { uid: marked.metadata.uid })
    await endOwnerOf(pool, records)
    return undefined
  }
  return (
    `pool ${name} gives out no address any more and still holds ${held.length} ` +
    `(${holdersText(held)}): it goes with the last of them`
  )
}

/** @throws {Failure} `delete-refused`, where the configuration guards what is in use */
async function removeSubnet(subnet: Stored, home: Home): Promise<string | undefined> {
  const { records } = home
  const { name } = subnet.metadata
  const poolsOf = async (): Promise<Stored[]> => {
    const cidr = textAt(subnet, 'spec', 'subnet')
    return (await listAll(POOL, records)).filter((pool) => textAt(pool, 'spec', 'subnet') === cidr)
  }
  const before = await poolsOf()
  if (before.length > 0 && (await settingsOf(records)).enableValidatingResourcesDeletedWebhook) {
    const reason = `it has pools (${namesText(before)})`
    throw fail('delete-refused', { object: nameOf(subnet), reason })
  }
  const marked = await markTerminating(subnet, home)
  const pools = await poolsOf()
  if (pools.length === 0) {
    await records.delete(refTo(marked), { uid: marked.metadata.uid })
    return undefined
  }
  return `subnet ${name} still has pools (${namesText(pools)}): it goes with the last of them`
}

/** Automatic pools of a workload, addresses that were kept for its pods, a pool's last address. */
async function removeWhatFollows(document: Stored, home: Home): Promise<void> {
  const { records, context } = home
  if (document.kind === ALLOCATION.kind) {
    await endPool(textAt(document, 'spec', 'pool') ?? '', records)
    return
  }
  for (const pool of autoPoolsFor(document, await listAll(POOL, records))) {
    if (!isReclaimed(pool)) continue
    const [own] = [await records.get(refTo(pool))]
    const reason = own === undefined ? undefined : await removePool(own, home)
    const done = reason === undefined ? 'deleted' : 'is terminating'
    context.stderr.write(`Warning: ${nameOf(pool)} follows from ${nameOf(document)}: it ${done}\n`)
  }
  for (const address of await freeKept(records)) {
    context.stderr.write(`Warning: ${address} was kept for a pod that will not come: it is free\n`)
  }
}

async function endOwnerOf(pool: Stored, records: Records): Promise<void> {
  const owner = pool.metadata.ownerReferences?.find(({ kind }) => kind === SPIDER_SUBNET.kind)
  if (owner !== undefined) await endSpiderSubnet(owner.name, records)
}

async function settingsOf(records: Records): Promise<Settings> {
  return settingsIn(stateOf(await listAll({ apiVersion: 'v1', kind: 'ConfigMap' }, records)))
}

const SHOWN = 3

function holdersText(held: readonly Document[]): string {
  return shorten(held.map(holderOf))
}

function namesText(documents: readonly Document[]): string {
  return shorten(documents.map(({ metadata }) => metadata.name))
}

function shorten(texts: readonly string[]): string {
  return `${texts.slice(0, SHOWN).join(', ')}${texts.length > SHOWN ? ', ...' : ''}`
}

async function markTerminating(one: Stored, { records, context }: Home): Promise<Stored> {
  if (one.metadata.deletionTimestamp !== undefined) return one
  const deletionTimestamp = new Date(context.clock.nowMs()).toISOString().replace(/\.\d+Z$/, 'Z')
  return records.replace({ ...one, metadata: { ...one.metadata, deletionTimestamp } })
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
