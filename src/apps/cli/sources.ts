/**
 * Files of documents: `-f FILE...`, where `-` is standard input.
 * @module
 */
import { readFile } from 'node:fs/promises'
import { fail } from '#apps/failures.ts'
import { type FoundDocuments, parseDocuments } from '#schema/documents.ts'
import type { Context } from './context.ts'

/**
 * Documents of all files, in order, and what is wrong with their texts.
 * @throws {Failure} `file-unreadable`
 */
export async function readSources(
  files: readonly string[],
  context: Pick<Context, 'stdin'>,
): Promise<FoundDocuments> {
  const all: FoundDocuments[] = []
  for (const file of files) all.push(parseDocuments(await textOfSource(file, context), file))
  return {
    documents: all.flatMap(({ documents }) => documents),
    faults: all.flatMap(({ faults }) => faults),
  }
}

/** Text of a file, or of standard input for `-`. @throws {Failure} `file-unreadable` */
export async function textOfSource(
  file: string,
  { stdin }: Pick<Context, 'stdin'>,
): Promise<string> {
  try {
    if (file !== '-') return await readFile(file, 'utf8')
    const pieces: Uint8Array[] = []
    for await (const piece of stdin) {
      pieces.push(typeof piece === 'string' ? Buffer.from(piece) : piece)
    }
    return Buffer.concat(pieces).toString('utf8')
  } catch (cause) {
    throw fail('file-unreadable', { file }, cause)
  }
}

/** A file that may not be asked for, with its text. @throws {Failure} `file-unreadable` */
export async function optionalSource(
  file: string | undefined,
  context: Pick<Context, 'stdin'>,
): Promise<{ readonly file: string; readonly text: string } | undefined> {
  return file === undefined ? undefined : { file, text: await textOfSource(file, context) }
}
