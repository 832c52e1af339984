/**
 * The failure tables of all folders, joined: what the reference page is made
 * of, and what the test of the codes looks at.
 * @module
 */
import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type { FailureRow } from '#values/failure.ts'
import { ROOT } from './files.ts'

/** One failure and the folder below src/ whose table has it. */
export type Listed = { readonly folder: string; readonly code: string; readonly row: FailureRow }

const NUMBERS = ['cni', 'exit', 'http'] as const

/** Every row of every `src/FOLDER/failures.ts`, by folder, in the order of its table. */
export async function listFailures(): Promise<Listed[]> {
  const folders = readdirSync(path.join(ROOT, 'src'))
    .filter((folder) => existsSync(path.join(ROOT, 'src', folder, 'failures.ts')))
    .toSorted()
  const tables = folders.map(async (folder) => {
    const file = pathToFileURL(path.join(ROOT, 'src', folder, 'failures.ts')).href
    const exported: Readonly<Record<string, unknown>> = await import(file)
    return Object.entries(exported)
      .filter(([name]) => name.endsWith('_FAILURES'))
      .flatMap(([, table]) => rowsOf(folder, table))
  })
  return (await Promise.all(tables)).flat()
}

function rowsOf(folder: string, table: unknown): Listed[] {
  if (typeof table !== 'object' || table === null) throw new TypeError(`${folder}: no table`)
  return Object.entries(table).map(([code, row]: [string, unknown]) => {
    if (!isRow(row)) throw new TypeError(`${folder}: ${code} is no row of a failure table`)
    return { folder, code, row }
  })
}

function isRow(row: unknown): row is FailureRow {
  if (typeof row !== 'object' || row === null) return false
  const fields: Readonly<Record<string, unknown>> = { ...row }
  return (
    typeof fields['message'] === 'string' &&
    ['never', 'later', 'now'].some((retry) => retry === fields['retry']) &&
    NUMBERS.every((name) => Number.isInteger(fields[name]))
  )
}
