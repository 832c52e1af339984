/**
 * Rows of a store or a journal that cannot be read as what they are: found in
 * the file itself, since a list that meets one has no end. A row that is taken
 * away goes only as it was seen; its text is kept beside the file.
 *
 * Spec: sqlite.org/pragma.html#pragma_quick_check.
 * @module
 */
import { randomUUID } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { Document } from '#needs/records.ts'
import { failureOf } from './database.ts'
import { faultOfDocument, faultOfRow } from './row-fault.ts'
import { formatLabels } from './record-layout.ts'
import { Statements, numberIn, textIn } from './statements.ts'

/** What is wrong with one row. */
export type DamagedRow = {
  /** The file. */
  readonly path: string
  readonly table: 'documents' | 'attachments'
  /** `apiVersion kind` of a document; empty for an attachment. */
  readonly kind: string
  readonly namespace: string
  /** Of an attachment its key. */
  readonly name: string
  readonly reason: string
  readonly body: string
  /** Its text can be read, and its columns are what is wrong. */
  readonly readable: boolean
}

/** Name of the file, beside its own, that keeps the texts of rows that were taken away. */
export const REMOVED_SUFFIX = '.removed'

/** Rows of a store. @throws {Failure} `store-corrupt`, `store-failed` */
export function damagedDocuments(path: string): DamagedRow[] {
  return withFile(path, (sql) =>
    sql
      .all(
        'SELECT k.api_version, k.kind, d.namespace, d.name, d.owner, d.labels, d.body ' +
          'FROM documents d LEFT JOIN kinds k ON k.id = d.kind WHERE d.deleted = 0',
      )
      .flatMap((row): DamagedRow[] => {
        const fault = faultOfDocument(row)
        if (fault === undefined) return []
        const kind = `${textIn(row, 'api_version')} ${textIn(row, 'kind')}`
        const [namespace, name] = [textIn(row, 'namespace'), textIn(row, 'name')]
        const body = textIn(row, 'body')
        return [{ path, table: 'documents', kind, namespace, name, body, ...fault }]
      }),
  )
}

/** Rows of a journal. @throws {Failure} `store-corrupt`, `store-failed` */
export function damagedAttachments(path: string): DamagedRow[] {
  return withFile(path, (sql) =>
    sql.all('SELECT attachment, container, body FROM attachments').flatMap((row): DamagedRow[] => {
      const fault = faultOfRow(row)
      if (fault === undefined) return []
      const [name, body] = [textIn(row, 'attachment'), textIn(row, 'body')]
      return [{ path, table: 'attachments', kind: '', namespace: '', name, body, ...fault }]
    }),
  )
}

/** Takes a row away if it is still as it was seen; false when it is not. */
export function removeRow(row: DamagedRow): boolean {
  return withFile(row.path, (sql) => {
    appendFileSync(row.path + REMOVED_SUFFIX, `${JSON.stringify(row)}\n`, { mode: 0o600 })
    if (row.table === 'attachments') return eraseRow(sql, row)
    // watchers are told of it by a document that can be read
    const [apiVersion = '', kind = ''] = row.kind.split(' ')
    const body = JSON.stringify({ apiVersion, kind, metadata: { name: row.name, uid: '' } })
    return rewrite(sql, row, { body, deleted: 1 })
  })
}

function eraseRow(sql: Statements, { name, body }: DamagedRow): boolean {
  const text = 'DELETE FROM attachments WHERE attachment = ? AND body = ?'
  return sql.run(text, name, body).changes === 1
}

/** Puts a document in the place of a row, which never leaves its name free. */
export function replaceRow(row: DamagedRow, document: Document): boolean {
  return withFile(row.path, (sql) => {
    appendFileSync(row.path + REMOVED_SUFFIX, `${JSON.stringify(row)}\n`, { mode: 0o600 })
    const { metadata, ...rest } = document
    const made = { uid: randomUUID(), creationTimestamp: timeText(), ...metadata, generation: 1 }
    return rewrite(sql, row, { body: JSON.stringify({ ...rest, metadata: made }), deleted: 0 })
  })
}

/** Writes the columns of a row as its text has them. */
export function realignRow(row: DamagedRow): boolean {
  return withFile(row.path, (sql) => {
    if (row.table === 'documents') return rewrite(sql, row, { body: row.body, deleted: 0 })
    const { owner } = JSON.parse(row.body)
    const text = 'UPDATE attachments SET container = ? WHERE attachment = ? AND body = ?'
    return sql.run(text, owner.containerId, row.name, row.body).changes === 1
  })
}

function rewrite(
  sql: Statements,
  row: DamagedRow,
  { body, deleted }: { readonly body: string; readonly deleted: 0 | 1 },
): boolean {
  const { metadata } = JSON.parse(body)
  const controller = metadata.ownerReferences?.find(
    (one: { controller?: boolean }) => one.controller === true,
  )
  return sql.transaction(() => {
    const found = sql.get(
      'SELECT revision FROM documents WHERE deleted = 0 AND namespace = ? AND name = ? ' +
        'AND body = ? AND kind = (SELECT id FROM kinds WHERE api_version = ? AND kind = ?)',
      row.namespace,
      row.name,
      row.body,
      ...kindOf(row),
    )
    if (found === undefined) return false
    const revision = numberIn(found, 'revision')
    sql.run('DELETE FROM labels WHERE revision = ?', revision)
    sql.run(
      'UPDATE documents SET revision = (SELECT max(revision) + 1 FROM documents), ' +
        'created = coalesce(created, revision), relabelled = revision, labels_before = labels, ' +
        'owner = ?, labels = ?, body = ?, deleted = ? WHERE revision = ?',
      controller?.uid ?? null,
      formatLabels(metadata.labels),
      body,
      deleted,
      revision,
    )
    return true
  })
}

function kindOf({ kind }: DamagedRow): readonly [string, string] {
  const [apiVersion = '', name = ''] = kind.split(' ')
  return [apiVersion, name]
}

/** RFC 3339 in whole seconds. */
function timeText(): string {
  return `${new Date().toISOString().slice(0, 19)}Z`
}

const BUSY_MS = 5_000

/** A connection for the time of `work`; here, in a command, a lock may be waited for. */
function withFile<T>(path: string, work: (sql: Statements) => T): T {
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(path, { timeout: BUSY_MS })
    return work(new Statements(db))
  } catch (cause) {
    throw failureOf(cause, path)
  } finally {
    db?.close()
  }
}
