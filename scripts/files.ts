/**
 * What the checks look at and what they say: the tree's files as texts, and
 * faults as `path:line: text`. Lines count from 1; 0 stands for the whole file.
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

/** Root of the checkout. */
export const ROOT = path.resolve(import.meta.dirname, '..')

/** One thing that is not as the style says. `path` is relative to the root. */
export type Fault = { readonly path: string; readonly line: number; readonly text: string }

/** A text file of the project, of any kind. */
export type TextFile = { readonly path: string; readonly text: string }

const SKIPPED = new Set(['node_modules', '.git', 'build', 'dist', '.testbed'])

/** Paths of all files of the tree but ignored ones, relative to the root, sorted. */
export function listFiles(root: string = ROOT): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
    .filter((name) => !name.split(path.sep).some((part) => SKIPPED.has(part)))
    .map((name) => name.replaceAll(path.sep, '/'))
    .toSorted()
}

/** Reads the files whose path ends in one of `endings`. */
export function readTexts(endings: readonly string[], root: string = ROOT): TextFile[] {
  return listFiles(root)
    .filter((name) => endings.some((ending) => name.endsWith(ending)))
    .map((name) => ({ path: name, text: readFileSync(path.join(root, name), 'utf8') }))
}

/** One fault as a line of the report. */
export function formatFault({ path: file, line, text }: Fault): string {
  return line > 0 ? `${file}:${line}: ${text}` : `${file}: ${text}`
}
