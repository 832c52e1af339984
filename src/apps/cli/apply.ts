/**
 * `verbena apply`: files become documents of the store. Everything is admitted
 * before anything is written; a write that meets somebody else's starts over
 * on what stands then.
 * @module
 */
import { setTimeout } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { fail } from '#apps/failures.ts'
import { freeKept } from '#ipam/index.ts'
import type { Document, Records, Stored } from '#needs/records.ts'
import type { FoundDocument } from '#schema/documents.ts'
import { placeDocument } from '#schema/kinds.ts'
import { failureIn } from '#values/failure.ts'
import {
  admissionErrorOf,
  type Admitted,
  admitAll,
  errorsOfTexts,
  type PlacedError,
} from './admission.ts'
import { POOL, RESERVED_IP, SPIDER_SUBNET, withApplication } from './auto-pools.ts'
import type { Context, OutputOptions, StoreOptions } from './context.ts'
import { NAD, SMC } from './derived.ts'
import { withStatusOf, withSpiderSubnetStatus } from './pool-status.ts'
import { errorLine, formatYaml, nameOf } from './print.ts'
import { readSources } from './sources.ts'
import { keyOf, type State, stateOf } from './state.ts'
import { listAll, refTo, withStore } from './store.ts'

export type ApplyOptions = StoreOptions &
  OutputOptions & { readonly filename: readonly string[]; readonly namespace?: string }

type Outcome = 'created' | 'configured' | 'unchanged' | 'deleted'
type Written = { readonly document: Document; readonly outcome: Outcome }
/** By key; what an earlier try did is not forgotten by the next. */
type Report = Map<string, Written>

/** How often a write that met another one is tried again. */
const TRIES = 20
/** Longest pause before the next try; others get their turn. */
const PAUSE_MS = 20
const CONFLICTS: readonly string[] = ['record-conflict', 'record-exists', 'record-missing']

/** Exit status 1 when a document has an error; then nothing was written. */
export async function apply(options: ApplyOptions, context: Context): Promise<number> {
  const { documents, faults } = await readSources(options.filename, context)
  const texts = errorsOfTexts(faults)
  return withStore({ options, context, opening: 'made' }, async (records) => {
    const report: Report = new Map()
    const { errors, warnings } = await applyAll({ documents, texts, options, records, report })
    for (const text of warnings) context.stderr.write(`Warning: ${text}\n`)
    if (errors.length > 0) return refuse(errors, options, context)
    for (const address of await freeKept(records)) {
      context.stderr.write(
        `Warning: ${address} was kept for a pod that will not come: it is free\n`,
      )
    }
    await print([...report.values()], options, context)
    return 0
  })
}

type Work = {
  readonly documents: readonly FoundDocument[]
  readonly texts: readonly PlacedError[]
  readonly options: ApplyOptions
  readonly records: Records
  readonly report: Report
}

async function applyAll(work: Work): Promise<Pick<Admitted, 'errors' | 'warnings'>> {
  const namespace = work.options.namespace ?? 'default'
  for (let tried = 1; ; tried++) {
    const before = await stateFor(work.documents, namespace, work.records)
    const admitted = admitAll(work.documents, before, { namespace, takesStatus: false })
    const errors = [...work.texts, ...admitted.errors]
    if (errors.length > 0) return { errors, warnings: admitted.warnings }
    try {
      await write(admitted, { before, ...work })
      return { errors, warnings: admitted.warnings }
    } catch (cause) {
      const code = failureIn(cause)?.code ?? ''
      if (!CONFLICTS.includes(code)) throw cause
      if (tried === TRIES) throw fail('apply-contended', { tries: TRIES }, cause)
      await setTimeout(Math.random() * PAUSE_MS)
    }
  }
}

/** What admission must know: the kinds that look at each other, and what is named. */
async function stateFor(
  found: readonly FoundDocument[],
  namespace: string,
  records: Records,
): Promise<State> {
  const [pools, subnets, ...others] = await Promise.all([
    listAll(POOL, records),
    listAll(SPIDER_SUBNET, records),
    listAll(RESERVED_IP, records),
    listAll(SMC, records),
    listAll(NAD, records),
    listAll({ apiVersion: 'v1', kind: 'Namespace' }, records),
    listAll({ apiVersion: 'v1', kind: 'ConfigMap' }, records),
    listAll({ apiVersion: 'v1', kind: 'Node' }, records),
  ])
  const named = await Promise.all(
    found.map(({ document }) => standing(document, namespace, records)),
  )
  const counted = await withStatusOf(pools, records)
  return stateOf([
    ...others.flat(),
    ...named.flat(),
    ...counted,
    ...withSpiderSubnetStatus(subnets, counted),
  ])
}

async function standing(
  raw: FoundDocument['document'],
  namespace: string,
  records: Records,
): Promise<Document[]> {
  const placed = placeDocument(raw, namespace)
  if (!placed.ok) return []
  const read = placed.kind.read(placed.document)
  if (!read.ok) return []
  const found = await records.get(refTo({ ...read.value, metadata: placeOf(read.value) }))
  return found === undefined ? [] : [found]
}

function placeOf({ metadata }: { metadata: { name: string; namespace?: string } }) {
  const { name, namespace } = metadata
  return namespace === undefined ? { name } : { name, namespace }
}

async function write(
  { written, generated, obsolete, state }: Admitted,
  { before, records, report }: Work & { readonly before: State },
): Promise<void> {
  const stored = new Map<string, Stored>()
  const own = written.filter((key) => !generated.includes(key))
  // what others name as their owner has to have its uid first
  const first = own.filter((key) => state.get(key)?.kind === SPIDER_SUBNET.kind)
  for (const key of new Set([...first, ...own, ...generated])) {
    const document = state.get(key)
    if (document === undefined) continue
    const known = withApplication(withOwners(document, stored), [...stored.values()])
    const result = await put(known, before.get(key), records)
    stored.set(key, result.document)
    if (!report.has(key) || result.outcome !== 'unchanged') report.set(key, result)
  }
  for (const key of obsolete.filter((one) => !state.has(one))) {
    const document = before.get(key)
    if (document === undefined) continue
    await records.delete(refTo(document))
    report.set(key, { document, outcome: 'deleted' })
  }
}

/** Owners that were created a moment ago have got their uid by now. */
function withOwners(document: Document, stored: ReadonlyMap<string, Stored>): Document {
  const { metadata } = document
  if (metadata.ownerReferences === undefined) return document
  const ownerReferences = metadata.ownerReferences.map((reference) => {
    if (reference.uid !== '') return reference
    const { apiVersion, kind, name } = reference
    const { namespace } = metadata
    const place = namespace === undefined ? { name } : { name, namespace }
    const owner = stored.get(keyOf({ apiVersion, kind, metadata: place }))
    return { ...reference, uid: owner?.metadata.uid ?? '' }
  })
  return { ...document, metadata: { ...metadata, ownerReferences } }
}

async function put(
  counted: Document,
  standing: Document | undefined,
  records: Records,
): Promise<{ document: Stored; outcome: Outcome }> {
  const document = withoutCounts(counted)
  const before = standing && withoutCounts(standing)
  if (before === undefined) return { document: await records.create(document), outcome: 'created' }
  const same = isDeepStrictEqual(plain(document), plain(before))
  const stored = same ? await records.get(refTo(document)) : undefined
  if (stored !== undefined) return { document: stored, outcome: 'unchanged' }
  return { document: await records.replace(document), outcome: 'configured' }
}

/** Counts of pools and subnets are derived whenever they are read, and never stored. */
function withoutCounts(document: Document): Document {
  if (document.kind !== POOL.kind && document.kind !== SPIDER_SUBNET.kind) return document
  const { status: _, ...rest } = document
  return {
    ...rest,
    apiVersion: document.apiVersion,
    kind: document.kind,
    metadata: document.metadata,
  }
}

/** As it would be read again: without fields that are undefined. */
function plain(document: Document): unknown {
  return JSON.parse(JSON.stringify(document))
}

function refuse(errors: readonly PlacedError[], options: ApplyOptions, context: Context): number {
  const failure = fail('documents-refused', { count: errors.length })
  if (options.output !== 'json') {
    for (const error of errors) context.stderr.write(errorLine(error))
    context.stderr.write(`verbena: ${failure.message}\n`)
    return failure.row.exit
  }
  throw fail('documents-refused', {
    count: errors.length,
    errors: errors.map(admissionErrorOf),
  })
}

async function print(
  written: readonly Written[],
  { output }: ApplyOptions,
  { stdout }: Context,
): Promise<void> {
  const documents = written.map(({ document }) => document)
  if (output === 'json') {
    const list = { apiVersion: 'v1', kind: 'List', items: documents }
    stdout.write(`${JSON.stringify(list, null, 2)}\n`)
  } else if (output === 'yaml') stdout.write(await formatYaml(documents))
  else {
    for (const { document, outcome } of written) {
      stdout.write(`${nameOf(document)}${output === 'name' ? '' : ` ${outcome}`}\n`)
    }
  }
}
