/**
 * What need not be done with every write: putting labels into their index, and
 * dropping deleted documents that no watch will ask for any more.
 * @module
 */
import { splitLabels } from './record-layout.ts'
import { type Statements, numberIn, textIn } from './statements.ts'

/** Every how many revisions. A list by label looks through at most about as many. */
export const UPKEEP_EVERY = 256

/**
 * One transaction.
 * @returns the revision up to which labels are indexed now
 */
export function keepUp(sql: Statements, keptChanges: number): number {
  return sql.transaction(() => {
    const last = numberIn(sql.get('SELECT max(revision) AS last FROM documents'), 'last')
    const indexed = markOf(sql, 'indexed')
    const rows = sql.all(
      'SELECT revision, kind, labels FROM documents ' +
        "WHERE revision > ? AND deleted = 0 AND labels <> ''",
      indexed,
    )
    for (const row of rows) {
      for (const label of splitLabels(textIn(row, 'labels'))) {
        const [kind, revision] = [numberIn(row, 'kind'), numberIn(row, 'revision')]
        sql.run('INSERT OR IGNORE INTO labels VALUES (?, ?, ?)', label, kind, revision)
      }
    }
    sql.run("UPDATE marks SET revision = ? WHERE name = 'indexed'", last)
    prune(sql, last - keptChanges)
    return last
  })
}

/** Revision of the newest change that is no longer kept. */
export function prunedUpTo(sql: Statements): number {
  return markOf(sql, 'pruned')
}

function prune(sql: Statements, upTo: number): void {
  const pruned = prunedUpTo(sql)
  if (upTo <= pruned) return
  sql.run(
    'DELETE FROM documents WHERE revision > ? AND revision <= ? AND deleted = 1',
    pruned,
    upTo,
  )
  sql.run("UPDATE marks SET revision = ? WHERE name = 'pruned'", upTo)
}

function markOf(sql: Statements, name: 'indexed' | 'pruned'): number {
  return numberIn(sql.get('SELECT revision FROM marks WHERE name = ?', name), 'revision')
}
