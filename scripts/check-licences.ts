/**
 * Licences: what is bundled into the product has a licence that permits it, and
 * every C file says its own (SPDX).
 * @module
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { type Fault, ROOT, type TextFile } from './files.ts'

const ALLOWED = new Set([
  ...['MIT', 'ISC', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD', 'BlueOak-1.0.0'],
  ...['Unlicense', 'CC0-1.0'],
])

/** The part of package-lock.json (version 3) that is read here. */
export type Lock = { readonly packages: Readonly<Record<string, LockedPackage>> }
type LockedPackage = { readonly license?: string; readonly dev?: boolean }

/** Packages of the product (not of its tools) whose licence is not on the list. */
export function checkPackageLicences(lock: Lock = readLock()): Fault[] {
  return Object.entries(lock.packages)
    .filter(([name, { dev }]) => name !== '' && dev !== true)
    .filter(([, { license }]) => license === undefined || !ALLOWED.has(license))
    .map(([name, { license }]) => ({
      path: 'package-lock.json',
      line: 0,
      text: `${name.replace(/^node_modules\//, '')}: licence ${license ?? 'unknown'} is refused`,
    }))
}

function readLock(): Lock {
  const lock: Lock = JSON.parse(readFileSync(path.join(ROOT, 'package-lock.json'), 'utf8'))
  return lock
}

/** C files without an SPDX line among their first three. */
export function checkHeaders(files: readonly TextFile[]): Fault[] {
  return files
    .filter((file) => /\.[ch]$/.test(file.path))
    .filter(({ text }) => !/SPDX-License-Identifier: \S+/.test(text.split('\n', 3).join('\n')))
    .map((file) => ({
      path: file.path,
      line: 1,
      text: 'no SPDX-License-Identifier in the first three lines',
    }))
}
