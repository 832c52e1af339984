/**
 * The files of a run.
 * @module
 */
import { readFile } from 'node:fs/promises'
import { fail } from '#apps/failures.ts'
import { type FoundDocument, parseDocuments } from '#schema/documents.ts'
import type { LabFile } from './lab.ts'
import { DEFAULT_FILES } from './options.ts'
import { installed } from './run.ts'

type Input = AsyncIterable<Uint8Array | string>

/**
 * Reads every file once. The guide's own, when nobody named files, come with
 * the program: they are found from any folder.
 * @throws {Failure} `file-unreadable`
 */
export async function readFiles(names: readonly string[], stdin: Input): Promise<LabFile[]> {
  const files: LabFile[] = []
  for (const given of names) {
    const name = names === DEFAULT_FILES ? installed(given) : given
    try {
      const text = given === '-' ? await textOf(stdin) : await readFile(name, 'utf8')
      files.push({ name: nameFromHere(name), text })
    } catch (cause) {
      throw fail('file-unreadable', { file: given }, cause)
    }
  }
  return files
}

/** All documents, in order; what cannot be read is for `apply` to tell. */
export function documentsIn(files: readonly LabFile[]): FoundDocument['document'][] {
  const found = files.flatMap(({ name, text }) => parseDocuments(text, name).documents)
  return found.map(({ document }) => document)
}

function nameFromHere(name: string): string {
  const here = `${process.cwd()}/`
  return name.startsWith(here) ? name.slice(here.length) : name
}

async function textOf(stdin: Input): Promise<string> {
  const pieces: Uint8Array[] = []
  for await (const piece of stdin) {
    pieces.push(typeof piece === 'string' ? Buffer.from(piece) : piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}
