/**
 * Failures of the standalone store: SQLite files, and refusals of records.
 * @module
 */
import { type FailureTable, failOf } from '#values/failure.ts'

const file = { retry: 'later', cni: 11, exit: 1, http: 503 } as const

/** Code → message and consequences, for every failure of `store/`. */
export const STORE_FAILURES = {
  'record-exists': {
    message: 'Cannot create {kind} {name}: the name is taken',
    retry: 'never',
    cni: 5,
    exit: 1,
    http: 409,
  },
  'record-missing': {
    message: 'Cannot change {kind} {name}: there is none',
    retry: 'never',
    cni: 5,
    exit: 1,
    http: 404,
  },
  'record-conflict': {
    message: 'Cannot change {kind} {name}: it was written meanwhile',
    retry: 'now',
    cni: 11,
    exit: 1,
    http: 409,
  },
  'record-expired': {
    message: 'Cannot watch {kind} since {since}: older changes are no longer kept',
    retry: 'now',
    cni: 11,
    exit: 1,
    http: 410,
  },
  'store-busy': { message: 'Cannot write {path}: another process keeps it locked', ...file },
  'store-full': { message: 'Cannot write {path}: the disk is full', ...file },
  'store-read-only': { message: 'Cannot write {path}: it is read-only', ...file },
  'store-corrupt': {
    message: 'Cannot use {path}: it is not a database of Verbena, or is damaged: {reason}',
    ...file,
    retry: 'never',
  },
  'store-version': {
    message: 'Cannot use {path}: its layout is version {found}, this program knows {known}',
    ...file,
    retry: 'never',
  },
  'store-failed': { message: 'Cannot use {path}: {reason}', ...file },
} as const satisfies FailureTable

export const fail = failOf(STORE_FAILURES)
