/**
 * Watches the `changes` table: at once for writes of this process, within
 * 20 ms for those of others (`PRAGMA data_version` moves when another
 * connection wrote).
 *
 * Spec: sqlite.org/pragma.html#pragma_data_version.
 * @module
 */
import type { DatabaseSync } from 'node:sqlite'
import type { Change, Selection, Stored } from '#needs/records.ts'
import { fail } from './failures.ts'
import { decode } from './record-rows.ts'

const POLL_MS = 20
/** Changes read at a time. */
const BATCH = 500

export type Watching = {
  readonly db: DatabaseSync
  readonly selection: Selection
  readonly since: string
  readonly signal: AbortSignal
  /** Calls `wake` after each write of this process, until the function it gave back is called. */
  onWrite(wake: () => void): () => void
}

/** @throws {Failure} `record-expired`, from the iteration */
export async function* watchChanges(of: Watching): AsyncGenerator<Change> {
  const { db, selection, signal } = of
  let revision = Number(of.since)
  let wake = (): void => undefined
  const unhook = of.onWrite(() => wake())
  try {
    checkKept(db, selection, revision)
    while (!signal.aborted) {
      const seen = versionOf(db)
      const { changes, last, whole } = changesAfter(db, selection, revision)
      revision = last
      for (const change of changes) if (matches(change.document, selection)) yield change
      if (whole) {
        await new Promise<void>((resolve) => {
          wake = resolve
          waitForOthers({ db, signal, seen }, resolve)
        })
      }
    }
  } finally {
    unhook()
  }
}

/** Resolves when another connection wrote, or the watch ends. */
function waitForOthers(
  of: { readonly db: DatabaseSync; readonly signal: AbortSignal; readonly seen: number },
  resolve: () => void,
): void {
  const timer = setInterval(() => {
    const ended = of.signal.aborted || !of.db.isOpen
    if (!ended && versionOf(of.db) === of.seen) return
    clearInterval(timer)
    resolve()
  }, POLL_MS)
  of.signal.addEventListener('abort', () => {
    clearInterval(timer)
    resolve()
  }, { once: true })
}

function versionOf(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA data_version').get()?.['data_version'])
}

function checkKept(db: DatabaseSync, { kind }: Selection, since: number): void {
  const row = db.prepare('SELECT MIN(revision) AS first FROM changes').get()
  const first = Number(row?.['first'] ?? 0)
  if (first > 0 && since < first - 1) throw fail('record-expired', { kind, since })
}

/** Changes of a kind after a revision; `whole` when there are no more yet. */
type Batch = { readonly changes: Change[]; readonly last: number; readonly whole: boolean }

/** Of a document that changed several times, each change shows the state it has now. */
function changesAfter(db: DatabaseSync, { apiVersion, kind }: Selection, after: number): Batch {
  const rows = db.prepare(
    'SELECT c.revision AS revision, c.change AS change, coalesce(c.body, d.body) AS body ' +
      'FROM changes c LEFT JOIN documents d ON d.id = c.id ' +
      'WHERE c.revision > ? AND c.kind = ? ORDER BY c.revision LIMIT ?',
  ).all(after, kind, BATCH)
  const changes = rows.flatMap(({ revision, change, body }): Change[] => {
    // gone by now: its deletion follows
    if (body === null || body === undefined) return []
    const document = decode(String(body))
    if (document.apiVersion !== apiVersion) return []
    const what = change === 'added' || change === 'deleted' ? change : 'modified'
    return [{ change: what, document, resourceVersion: String(revision) }]
  })
  const last = Number(rows.at(-1)?.['revision'] ?? after)
  return { changes, last, whole: rows.length < BATCH }
}

function matches({ metadata }: Stored, { namespace, labels = {} }: Selection): boolean {
  if (namespace !== undefined && metadata.namespace !== namespace) return false
  return Object.entries(labels).every(([key, value]) => metadata.labels?.[key] === value)
}
