/**
 * Watches documents: at once for writes of this process, within 20 ms for
 * those of others (`PRAGMA data_version` moves when another connection wrote).
 * A document that changed several times between two looks shows once, as it is.
 *
 * Spec: sqlite.org/pragma.html#pragma_data_version.
 * @module
 */
import type { Change, Selection } from '#needs/records.ts'
import { fail } from './failures.ts'
import { labelOf } from './record-layout.ts'
import { type RecordRows, decode } from './record-rows.ts'
import { type SqlRow, type Statements, numberIn, textIn } from './statements.ts'
import { prunedUpTo } from './upkeep.ts'

const POLL_MS = 20
/** How long a write of this process may wait for others to be told together, in milliseconds. */
const GATHER_MS = 20
/** Documents read at a time. */
const BATCH = 500

/** Told of a write to a document of this kind; `undefined`: of any, or of the end. */
export type Wake = (kind: string | undefined) => void

export type Watching = {
  readonly sql: Statements
  readonly rows: RecordRows
  readonly selection: Selection
  readonly since: string
  readonly signal: AbortSignal
  /** Calls `wake` after each write of this process, until the function it gave back is called. */
  onWrite(wake: Wake): () => void
}

/** Ends with its signal, or when the database is closed. @throws {Failure} `record-expired` */
export async function* watchChanges(watching: Watching): AsyncGenerator<Change> {
  const { sql, signal } = watching
  const bell = bellOf(watching)
  try {
    let seen = startOf(watching)
    while (!signal.aborted && sql.open) {
      const { changes, upTo } = changesAfter(seen, watching)
      yield* until(signal, changes)
      if (upTo === seen && sql.open) await bell.rings()
      seen = upTo
    }
  } finally {
    bell.stop()
  }
}

function* until(signal: AbortSignal, changes: readonly Change[]): Generator<Change> {
  for (const change of changes) if (!signal.aborted) yield change
}

function startOf({ sql, rows, selection: { kind }, since }: Watching): number {
  const start = Number(since)
  const known = Number.isInteger(start) && start <= rows.revision() && start >= prunedUpTo(sql)
  if (!known) throw fail('record-expired', { kind, since })
  return start
}

type Looked = { readonly changes: Change[]; readonly upTo: number }

function changesAfter(seen: number, { sql, rows, selection }: Watching): Looked {
  const last = rows.revision()
  const kind = rows.kindOf(selection)
  if (last === seen || kind === undefined) return { changes: [], upTo: last }
  const found = sql.all(
    'SELECT revision, coalesce(created, revision) AS created, relabelled, labels_before, ' +
      'deleted, namespace, labels, body FROM documents NOT INDEXED ' +
      'WHERE revision > ? AND revision <= ? AND kind = ? ORDER BY revision LIMIT ?',
    seen,
    last,
    kind,
    BATCH,
  )
  const changes = found.flatMap((row): Change[] => {
    const change = changeOf(row, seen, selection)
    if (change === undefined) return []
    const revision = numberIn(row, 'revision')
    const document = decode(textIn(row, 'body'), revision)
    return [{ change, document, resourceVersion: String(revision) }]
  })
  return { changes, upTo: found.length < BATCH ? last : numberIn(found.at(-1), 'revision') }
}

/** What happened since `seen` to a document, as a selection sees it; undefined for nothing. */
function changeOf(
  row: SqlRow,
  seen: number,
  { namespace, labels = {} }: Selection,
): Change['change'] | undefined {
  if (namespace !== undefined && textIn(row, 'namespace') !== namespace) return undefined
  const wanted = Object.entries(labels).map(([key, value]) => `\n${labelOf(key, value)}\n`)
  const chosen = (column: string): boolean =>
    wanted.every((label) => textIn(row, column).includes(label))
  const isNew = numberIn(row, 'created') > seen
  const relabelled = numberIn(row, 'relabelled') > seen
  const gone = numberIn(row, 'deleted') === 1
  // what came and went unseen is nothing; one that may have been chosen before has left
  if (gone || !chosen('labels')) {
    return !isNew && (relabelled || (gone && chosen('labels'))) ? 'deleted' : undefined
  }
  return isNew || (relabelled && !chosen('labels_before')) ? 'added' : 'modified'
}

type Bell = { rings(): Promise<void>; stop(): void }

/** Rings when something was written since it rang last, here or elsewhere. */
function bellOf({ sql, signal, onWrite, selection: { kind } }: Watching): Bell {
  let rung = false
  let wake = (): void => undefined
  const ring = (): void => {
    rung = true
    wake()
  }
  // many writes of a short while are one ring
  let soon: NodeJS.Timeout | undefined
  const unhook = onWrite((written) => {
    if (written !== undefined && written !== kind) return
    soon ??= setTimeout(() => {
      soon = undefined
      ring()
    }, GATHER_MS)
  })
  let version = sql.get('PRAGMA data_version')?.['data_version']
  const timer = setInterval(() => {
    const now = sql.open ? sql.get('PRAGMA data_version')?.['data_version'] : undefined
    if (now === version && sql.open) return
    version = now
    ring()
  }, POLL_MS)
  signal.addEventListener('abort', ring, { once: true })
  return {
    async rings() {
      if (!rung && !signal.aborted) await new Promise<void>((resolve) => (wake = resolve))
      rung = false
    },
    stop() {
      clearInterval(timer)
      clearTimeout(soon)
      unhook()
      signal.removeEventListener('abort', ring)
    },
  }
}
