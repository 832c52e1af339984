/**
 * The agent's journal in SQLite: one row an attachment, as JSON, with the
 * columns it is looked up by. Calls are synchronous and durable against a
 * crash of the process, not of the machine: what the journal describes
 * (namespaces, links) dies with the machine too.
 * @module
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Journal, Row } from '#attach/index.ts'
import { failureOf, openDatabase } from './database.ts'

const LAYOUT = {
  version: 1,
  statements: `
    -- with rowid: a body of 2 KiB is in one page then, and a change of it touches no other
    CREATE TABLE attachments (
      attachment TEXT NOT NULL PRIMARY KEY, container TEXT NOT NULL, body TEXT NOT NULL
    ) STRICT;
    CREATE INDEX by_container ON attachments (container)`,
} as const

/** Meets {@link Journal}; close it by disposing of it. */
export class SqliteJournal implements Journal {
  readonly #db: DatabaseSync
  readonly #path: string
  readonly #change: StatementSync
  readonly #put: StatementSync
  readonly #drop: StatementSync
  readonly #get: StatementSync
  readonly #ofContainer: StatementSync
  readonly #all: StatementSync

  constructor(path: string) {
    const db = openDatabase(path, LAYOUT)
    this.#db = db
    this.#path = path
    this.#change = db.prepare(
      'UPDATE attachments SET body = ? WHERE attachment = ? AND container = ?',
    )
    this.#put = db.prepare(
      'INSERT INTO attachments (attachment, container, body) VALUES (?, ?, ?) ' +
        'ON CONFLICT (attachment) ' +
        'DO UPDATE SET container = excluded.container, body = excluded.body',
    )
    this.#drop = db.prepare('DELETE FROM attachments WHERE attachment = ?')
    this.#get = db.prepare('SELECT body FROM attachments WHERE attachment = ?')
    this.#ofContainer = db.prepare('SELECT body FROM attachments WHERE container = ?')
    this.#all = db.prepare('SELECT body FROM attachments ORDER BY attachment')
  }

  write(rows: readonly Row[]): void {
    this.#atOnce(rows, (row) => {
      const { attachment, owner } = row
      const body = JSON.stringify(row)
      // an index whose column is set is written, even if nothing of it changes
      if (row.state === 'intent' || !this.#isChanged(body, attachment, owner.containerId)) {
        this.#put.run(attachment, owner.containerId, body)
      }
    })
  }

  erase(attachments: readonly string[]): void {
    this.#atOnce(attachments, (attachment) => {
      this.#drop.run(attachment)
    })
  }

  get(attachment: string): Row | undefined {
    return this.#read(this.#get, attachment)[0]
  }

  byContainer(containerId: string): readonly Row[] {
    return this.#read(this.#ofContainer, containerId)
  }

  all(): readonly Row[] {
    return this.#read(this.#all)
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#db.close()
    return Promise.resolve()
  }

  /** One statement is a transaction by itself; several get one around them. */
  #atOnce<T>(items: readonly T[], write: (item: T) => void): void {
    try {
      if (items.length > 1) this.#db.exec('BEGIN IMMEDIATE')
      for (const item of items) write(item)
      if (items.length > 1) this.#db.exec('COMMIT')
    } catch (cause) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      throw failureOf(cause, this.#path)
    }
  }

  #isChanged(...[body, attachment, container]: [string, string, string]): boolean {
    return this.#change.run(body, attachment, container).changes === 1
  }

  #read(statement: StatementSync, ...by: string[]): Row[] {
    try {
      return statement.all(...by).map(({ body }) => decodeRow(String(body)))
    } catch (cause) {
      throw failureOf(cause, this.#path)
    }
  }
}

/** @throws {Failure} `store-corrupt`, `store-version`, `store-read-only`, `store-failed` */
export function openJournal({ path }: { readonly path: string }): SqliteJournal {
  return new SqliteJournal(path)
}

/** The row decoder: what stands there is what `write` put there, or else no row at all. */
function decodeRow(body: string): Row {
  const row = JSON.parse(body) as Row | null
  const isRow = row?.owner !== undefined && Array.isArray(row.stages) && Array.isArray(row.held)
  if (!isRow) throw new SyntaxError('a row without owner, stages or addresses')
  return row
}
