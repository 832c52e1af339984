/**
 * Runs the whole CLI in memory, for tests: texts in, texts and status out.
 * @module
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCli } from './run.ts'

/** What a command printed, and its exit status. */
export type Ran = { readonly status: number; readonly stdout: string; readonly stderr: string }

/** A folder with a store of its own and the files of one test. */
export type Bench = AsyncDisposable & {
  readonly folder: string
  readonly store: string
  /** Writes a file into the folder; gives its path. */
  file(name: string, text: string): Promise<string>
  /** `words` as a shell would part them; `stdin` is what `-` reads. */
  verbena(words: readonly string[], stdin?: string): Promise<Ran>
}

/** 2026-01-01 00:02:00 UTC: a test's now, in milliseconds. */
export const NOW_MS = Date.UTC(2026, 0, 1, 0, 2, 0)

export async function makeBench(): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'verbena-cli-'))
  const store = join(folder, 'store.db')
  return {
    folder,
    store,
    async file(name, text) {
      const path = join(folder, name)
      await writeFile(path, text)
      return path
    },
    verbena: (argv, stdin = '') => runInMemory(argv, { store, stdin }),
    async [Symbol.asyncDispose]() {
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function runInMemory(
  argv: readonly string[],
  { store, stdin }: { readonly store: string; readonly stdin: string },
): Promise<Ran> {
  const written = { stdout: '', stderr: '' }
  const status = await runCli({
    argv,
    env: { VERBENA_STORE: store },
    stdin: (async function* () {
      yield stdin
    })(),
    stdout: { write: (text) => (written.stdout += text) },
    stderr: { write: (text) => (written.stderr += text) },
    clock: { nowMs: () => NOW_MS },
  })
  return { status, ...written }
}
