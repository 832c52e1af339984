/**
 * `Records` in SQLite: the embedded store of one machine. Several processes
 * share a file; a write that meets another's lock is tried again
 * asynchronously, so that the event loop never waits for a lock.
 *
 * There is no garbage collector as a cluster has one: a document goes with the
 * controller that owns it, in the same transaction. Finalizers hold nothing
 * back here; who writes them takes them off before it deletes.
 * @module
 */
import { randomUUID } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Change, Document, Page, Records, Ref, Selection, Stored } from '#needs/records.ts'
import { failureOf, isBusy, openDatabase } from './database.ts'
import { RECORD_LAYOUT } from './record-layout.ts'
import { listPage } from './record-list.ts'
import { RecordRows } from './record-rows.ts'
import { Statements } from './statements.ts'
import { UPKEEP_EVERY, keepUp } from './upkeep.ts'
import { type Wake, watchChanges } from './watch.ts'

/** How a store is opened; what is left out is as it should be outside of tests. */
export type RecordsOptions = {
  /** A file, or `:memory:`. */
  readonly path: string
  /** How long a write is tried again against another's lock, in milliseconds. */
  readonly busyMs?: number
  /** Changes that a watch can start from. */
  readonly keptChanges?: number
  /** Largest size of the file, in pages of 4096 bytes. */
  readonly maxPages?: number
  /** A document keeps the uid that it brings: for a store that is a copy of another. */
  readonly keepsUid?: boolean
}

const BUSY_MS = 5_000
const KEPT_CHANGES = 10_000
/** Every how many writes of this process the revision is looked at. */
const LOOK_EVERY = 32

/** Meets {@link Records}; close it by disposing of it, which ends its watches. */
export class SqliteRecords implements Records {
  readonly #db: DatabaseSync
  readonly #options: RecordsOptions
  readonly #sql: Statements
  readonly #rows: RecordRows
  /** Watches of this process, which are told at once; others look at the file. */
  readonly #wakers = new Set<Wake>()
  #writes = 0
  #upkeepAt = 0

  constructor(options: RecordsOptions) {
    this.#db = openDatabase(options.path, RECORD_LAYOUT)
    this.#options = options
    this.#sql = new Statements(this.#db)
    if (options.maxPages !== undefined) {
      this.#db.exec(`PRAGMA max_page_count = ${options.maxPages}`)
    }
    this.#rows = new RecordRows(this.#sql, {
      uid: (given) => (options.keepsUid === true && given) || randomUUID(),
      now: timeText,
    })
  }

  get(ref: Ref): Promise<Stored | undefined> {
    return this.#try(() => this.#rows.get(ref))
  }

  list(selection: Selection): Promise<Page> {
    return this.#try(() => listPage(selection, this.#rows, this.#sql))
  }

  create(document: Document): Promise<Stored> {
    return this.#write(document.kind, () => this.#rows.create(document))
  }

  replace(document: Document): Promise<Stored> {
    return this.#write(document.kind, () => this.#rows.replace(document))
  }

  delete(ref: Ref, precondition?: { readonly uid: string }): Promise<boolean> {
    // what the document controls goes with it, of whatever kind
    return this.#write(undefined, () => this.#rows.delete(ref, precondition?.uid))
  }

  watch(selection: Selection, since: string, signal: AbortSignal): AsyncIterable<Change> {
    return watchChanges({
      sql: this.#sql,
      rows: this.#rows,
      selection,
      since,
      signal,
      onWrite: (wake) => {
        this.#wakers.add(wake)
        return () => this.#wakers.delete(wake)
      },
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (this.#db.isOpen) this.#db.close()
    for (const wake of this.#wakers) wake(undefined)
    return Promise.resolve()
  }

  async #write<T>(kind: string | undefined, work: () => T): Promise<T> {
    const done = await this.#try(work)
    this.#keepUp()
    for (const wake of this.#wakers) wake(kind)
    return done
  }

  async #try<T>(work: () => T): Promise<T> {
    let startedMs: number | undefined
    for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, 16)) {
      try {
        return work()
      } catch (cause) {
        const nowMs = performance.now()
        startedMs ??= nowMs
        if (!isBusy(cause) || nowMs - startedMs > (this.#options.busyMs ?? BUSY_MS)) {
          throw failureOf(cause, this.#options.path)
        }
      }
      await sleep(pauseMs)
    }
  }

  /** Whoever comes past the mark does it; one that is in another's way leaves it to the next. */
  #keepUp(): void {
    this.#writes++
    if (this.#writes % LOOK_EVERY !== 0 || !this.#sql.open) return
    if (this.#rows.revision() < this.#upkeepAt + UPKEEP_EVERY) return
    try {
      this.#upkeepAt = keepUp(this.#sql, this.#options.keptChanges ?? KEPT_CHANGES)
    } catch (cause) {
      if (!isBusy(cause)) throw failureOf(cause, this.#options.path)
    }
  }
}

/** @throws {Failure} `store-corrupt`, `store-version`, `store-read-only`, `store-failed` */
export async function openRecords(options: RecordsOptions): Promise<SqliteRecords> {
  return new SqliteRecords(options)
}

let told = { second: 0, text: '' }

/** RFC 3339 in whole seconds, as Kubernetes has it. */
function timeText(): string {
  const second = Math.floor(Date.now() / 1000)
  if (second !== told.second) {
    told = { second, text: `${new Date(second * 1000).toISOString().slice(0, 19)}Z` }
  }
  return told.text
}
