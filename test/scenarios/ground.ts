/**
 * What outlives an agent: a simulated host, the store, the journal, the files
 * of host-local and what other vendors' plugins keep. All of it as one text.
 * @module
 */
import type { Journal } from '#attach/index.ts'
import { allocationsOf } from '#ipam/index.ts'
import type { Document, Records } from '#needs/records.ts'
import type { SimHost } from '#sim/host.ts'
import { printHost } from '#sim/print.ts'
import { simHost } from '#sim/read-world.ts'
import type { SimWorld } from '#sim/world.ts'
import { openJournal } from '#store/journal.ts'
import { openRecords } from '#store/records.ts'
import type { PodRef } from '#values/owner.ts'
import type { ForeignState } from './foreign-plugins.ts'

export type Ground = AsyncDisposable & {
  readonly host: SimHost
  readonly journal: Journal
  readonly records: Records
  readonly files: Map<string, string>
  readonly foreign: ForeignState
}

/** A fresh ground; the documents are in its store. */
export async function makeGround(
  world: SimWorld,
  documents: readonly Document[] = [],
): Promise<Ground> {
  const records = await openRecords({ path: ':memory:' })
  const journal = openJournal({ path: ':memory:' })
  for (const document of documents) await records.create(document)
  return {
    host: simHost(world),
    journal,
    records,
    files: new Map(),
    foreign: new Set(),
    async [Symbol.asyncDispose]() {
      await records[Symbol.asyncDispose]()
      await journal[Symbol.asyncDispose]()
    },
  }
}

/** Puts a Pod into the store; its UID is the store's. */
export async function addPod(
  { records }: Pick<Ground, 'records'>,
  name: string,
  annotations: Readonly<Record<string, string>> = {},
): Promise<PodRef> {
  const { metadata } = await records.create({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', annotations },
    spec: { containers: [{ name: 'main' }] },
  })
  return { namespace: 'default', name, uid: metadata.uid }
}

/**
 * The whole state: links, addresses, routes, rules, neighbours and nf_tables of
 * every namespace, addresses held, files, journal. Left out is where host-local
 * goes on counting, which outlives an attachment by design.
 */
export async function stateOf(ground: Ground): Promise<string> {
  const { host, journal, records, files, foreign } = ground
  const { items } = await records.list(allocationsOf('all'))
  const sections = {
    allocations: items.map(({ spec }) => JSON.stringify(spec)),
    files: [...files].filter(([path]) => !path.includes('/last_reserved_ip.')).map(String),
    foreign: [...foreign],
    journal: journal.all().map((row) => JSON.stringify(row)),
  }
  const texts = Object.entries(sections).map(
    ([name, lines]) => `== ${name}\n${lines.toSorted().join('\n')}\n`,
  )
  return [printHost(host), ...texts].join('')
}
