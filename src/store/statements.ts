/**
 * SQL of one database, prepared once each.
 * @module
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'

/** A row: columns by name. */
export type SqlRow = Readonly<Record<string, unknown>>

/** Statements by their text; they live as long as the database is open. */
export class Statements {
  readonly #db: DatabaseSync
  readonly #prepared = new Map<string, StatementSync>()

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  get open(): boolean {
    return this.#db.isOpen
  }

  get(sql: string, ...values: SQLInputValue[]): SqlRow | undefined {
    return this.#of(sql).get(...values)
  }

  all(sql: string, ...values: SQLInputValue[]): SqlRow[] {
    return this.#of(sql).all(...values)
  }

  /** Changed rows, and the key of the last that was put in. */
  run(sql: string, ...values: SQLInputValue[]): { changes: number; last: number } {
    const { changes, lastInsertRowid } = this.#of(sql).run(...values)
    return { changes: Number(changes), last: Number(lastInsertRowid) }
  }

  /** All of `work` or nothing of it; `work` must not wait. */
  transaction<T>(work: () => T): T {
    this.run('BEGIN IMMEDIATE')
    try {
      const done = work()
      this.run('COMMIT')
      return done
    } catch (cause) {
      if (this.#db.isTransaction) this.run('ROLLBACK')
      throw cause
    }
  }

  #of(sql: string): StatementSync {
    const known = this.#prepared.get(sql)
    if (known !== undefined) return known
    const made = this.#db.prepare(sql)
    this.#prepared.set(sql, made)
    return made
  }
}

/** A whole number of a row; `or` where there is none. */
export function numberIn(row: SqlRow | undefined, column: string, or = 0): number {
  const value = row?.[column]
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : or
}

/** A text of a row; empty where there is none. */
export function textIn(row: SqlRow | undefined, column: string): string {
  const value = row?.[column]
  return typeof value === 'string' ? value : ''
}
