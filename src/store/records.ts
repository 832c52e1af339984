/**
 * `Records` in SQLite: documents as JSON with the columns they are found by,
 * one revision for all, a table of changes to watch. Several processes share
 * a file; a write that meets another's lock is tried again asynchronously.
 *
 * There is no garbage collector as a cluster has one: a document goes with the
 * controller that owns it, in the same transaction.
 * @module
 */
import { randomUUID } from 'node:crypto'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Change, Document, Page, Records, Ref, Selection, Stored } from '#needs/records.ts'
import { failureOf, isBusy, openDatabase } from './database.ts'
import { RecordRows } from './record-rows.ts'
import { watchChanges } from './watch.ts'

const LAYOUT = {
  version: 1,
  statements: `
    CREATE TABLE documents (
      id INTEGER PRIMARY KEY,
      api_version TEXT NOT NULL, kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
      uid TEXT NOT NULL, owner TEXT, body TEXT NOT NULL,
      UNIQUE (kind, namespace, name, api_version)
    ) STRICT;
    CREATE INDEX by_owner ON documents (owner) WHERE owner IS NOT NULL;
    CREATE TABLE labels (
      key TEXT NOT NULL, value TEXT NOT NULL, id INTEGER NOT NULL,
      PRIMARY KEY (key, value, id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE changes (
      revision INTEGER PRIMARY KEY,
      change TEXT NOT NULL, kind TEXT NOT NULL, id INTEGER NOT NULL, body TEXT
    ) STRICT`,
} as const

/** How long a write is tried again against another's lock, in milliseconds. */
const BUSY_MS = 5_000

/** Meets {@link Records}; close it by disposing of it. */
export class SqliteRecords implements Records {
  readonly #db: DatabaseSync
  readonly #path: string
  readonly #rows: RecordRows
  readonly #begin: StatementSync
  readonly #commit: StatementSync
  /** Watchers of this process that are told at once; others look at the file. */
  readonly #wakers = new Set<() => void>()

  constructor(path: string) {
    this.#db = openDatabase(path, LAYOUT)
    this.#path = path
    this.#begin = this.#db.prepare('BEGIN IMMEDIATE')
    this.#commit = this.#db.prepare('COMMIT')
    this.#rows = new RecordRows(this.#db, { uid: randomUUID, now: () => new Date().toISOString() })
  }

  get(ref: Ref): Promise<Stored | undefined> {
    return this.#read(() => this.#rows.get(ref))
  }

  list(selection: Selection): Promise<Page> {
    return this.#read(() => this.#rows.list(selection))
  }

  create(document: Document): Promise<Stored> {
    return this.#write(() => this.#rows.create(document))
  }

  replace(document: Document): Promise<Stored> {
    return this.#write(() => this.#rows.replace(document))
  }

  delete(ref: Ref, precondition?: { readonly uid: string }): Promise<boolean> {
    return this.#write(() => this.#rows.delete(ref, precondition?.uid))
  }

  watch(selection: Selection, since: string, signal: AbortSignal): AsyncIterable<Change> {
    return watchChanges({
      db: this.#db, selection, since, signal,
      onWrite: (wake) => {
        this.#wakers.add(wake)
        return () => this.#wakers.delete(wake)
      },
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (this.#db.isOpen) this.#db.close()
    return Promise.resolve()
  }

  async #read<T>(work: () => T): Promise<T> {
    try {
      return work()
    } catch (cause) {
      throw failureOf(cause, this.#path)
    }
  }

  /** One transaction that never spans an await. */
  async #write<T>(work: () => T): Promise<T> {
    const startedMs = performance.now()
    for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, 16)) {
      try {
        const done = this.#transaction(work)
        for (const wake of this.#wakers) wake()
        return done
      } catch (cause) {
        if (!isBusy(cause) || performance.now() - startedMs > BUSY_MS) {
          throw failureOf(cause, this.#path)
        }
        await sleep(pauseMs)
      }
    }
  }

  #transaction<T>(work: () => T): T {
    this.#begin.run()
    try {
      const done = work()
      this.#commit.run()
      return done
    } catch (cause) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      throw cause
    }
  }
}

/** @throws {Failure} `store-corrupt`, `store-version`, `store-read-only`, `store-failed` */
export function openRecords({ path }: { readonly path: string }): Promise<SqliteRecords> {
  return Promise.resolve(new SqliteRecords(path))
}
