/**
 * A SQLite file as we use it: WAL, synchronous NORMAL, no waiting for locks
 * (a wait would stop the event loop), and SQLite's errors as failures.
 *
 * Spec: sqlite.org/wal.html, sqlite.org/rescode.html.
 * @module
 */
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Failure } from '#values/failure.ts'
import { fail } from './failures.ts'

/** A layout: the statements that make it, and the number that names it (`user_version`). */
export type Layout = { readonly version: number; readonly statements: string }

/** Primary result codes of SQLite. */
const SQLITE = {
  busy: 5,
  locked: 6,
  readOnly: 8,
  corrupt: 11,
  full: 13,
  cantOpen: 14,
  constraint: 19,
  notADatabase: 26,
} as const
/** Tries, and pause between them, while another process lays the file out. */
const OPEN_TRIES = 200
const OPEN_PAUSE_MS = 10

/**
 * Opens or makes the file.
 * @throws {Failure} `store-corrupt`, `store-version`, `store-read-only`, `store-failed`
 */
export function openDatabase(path: string, layout: Layout): DatabaseSync {
  let db: DatabaseSync | undefined
  try {
    if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    const opened = new DatabaseSync(path, { timeout: 0 })
    db = opened
    checkWritable(path)
    retryAtOpen(() => opened.exec('PRAGMA journal_mode = WAL'))
    opened.exec('PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4000')
    retryAtOpen(() => layOut(opened, path, layout))
    return opened
  } catch (cause) {
    db?.close()
    throw failureOf(codeOf(cause) === SQLITE.cantOpen ? whyNot(path, cause) : cause, path)
  }
}

/** SQLite opens what it can only read, and says so at the first write. */
function checkWritable(path: string): void {
  if (path === ':memory:') return
  accessSync(dirname(path), constants.W_OK)
  if (existsSync(path)) accessSync(path, constants.W_OK)
}

/** What the system says, where SQLite says only that it cannot. */
function whyNot(path: string, cause: unknown): unknown {
  try {
    checkWritable(path)
    return cause
  } catch (why) {
    return why
  }
}

/** Only at start, before anything is served, may a lock be waited for. */
function retryAtOpen(work: () => void): void {
  for (let tries = 1; ; tries++) {
    try {
      work()
      return
    } catch (cause) {
      if (!isBusy(cause) || tries === OPEN_TRIES) throw cause
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, OPEN_PAUSE_MS)
    }
  }
}

function layOut(db: DatabaseSync, path: string, layout: Layout): void {
  db.exec('BEGIN IMMEDIATE')
  try {
    const found = Number(db.prepare('PRAGMA user_version').get()?.['user_version'])
    if (found === 0 && hasTables(db)) {
      throw fail('store-corrupt', { path, reason: 'it belongs to another program' })
    }
    if (found === 0) db.exec(`${layout.statements}; PRAGMA user_version = ${layout.version}`)
    else if (found !== layout.version) {
      throw fail('store-version', { path, found, known: layout.version })
    }
    db.exec('COMMIT')
  } catch (cause) {
    db.exec('ROLLBACK')
    throw cause
  }
}

function hasTables(db: DatabaseSync): boolean {
  return db.prepare('SELECT 1 FROM sqlite_master LIMIT 1').get() !== undefined
}

/** True when a unique name is taken. */
export function isTaken(cause: unknown): boolean {
  return codeOf(cause) === SQLITE.constraint
}

/** True while another connection holds the write lock. */
export function isBusy(cause: unknown): boolean {
  const code = codeOf(cause)
  return code === SQLITE.busy || code === SQLITE.locked
}

/** A failure for what SQLite or the file system throws; anything else stays what it is. */
export function failureOf(cause: unknown, path: string): unknown {
  const reason = cause instanceof Error ? cause.message : String(cause)
  if (cause instanceof SyntaxError) {
    // SQLite is well, and a text in it is no JSON
    const row = `a row cannot be read (verbena repair mends it): ${reason}`
    return fail('store-corrupt', { path, reason: row }, cause)
  }
  const known: Readonly<Record<number, () => Failure>> = {
    [SQLITE.busy]: () => fail('store-busy', { path }, cause),
    [SQLITE.locked]: () => fail('store-busy', { path }, cause),
    [SQLITE.readOnly]: () => fail('store-read-only', { path }, cause),
    [SQLITE.full]: () => fail('store-full', { path }, cause),
    [SQLITE.corrupt]: () => fail('store-corrupt', { path, reason }, cause),
    [SQLITE.notADatabase]: () => fail('store-corrupt', { path, reason }, cause),
  }
  const code = codeOf(cause)
  if (code === undefined) return failureOfSystem(cause, path)
  return known[code]?.() ?? fail('store-failed', { path, reason }, cause)
}

/** What the file system refuses, outside of SQLite. */
function failureOfSystem(cause: unknown, path: string): unknown {
  if (!(cause instanceof Error && 'syscall' in cause && 'code' in cause)) return cause
  const { code, message: reason } = cause
  const isReadOnly = code === 'EROFS' || code === 'EACCES' || code === 'EPERM'
  if (isReadOnly) return fail('store-read-only', { path }, cause)
  return code === 'ENOSPC'
    ? fail('store-full', { path }, cause)
    : fail('store-failed', { path, reason }, cause)
}

function codeOf(cause: unknown): number | undefined {
  if (!(cause instanceof Error) || !('errcode' in cause)) return undefined
  return typeof cause.errcode === 'number' ? cause.errcode & 0xff : undefined
}
