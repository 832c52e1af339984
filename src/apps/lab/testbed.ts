/**
 * Calls the project's test bed, which boots throw-away virtual machines, and
 * knows its exit statuses (head of test/testbed/testbed.sh).
 * @module
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fail } from '#apps/failures.ts'
import type { LabContext } from './context.ts'
import { passThrough } from './pass-through.ts'
import { installed } from './run.ts'

/** Its command. */
export const TESTBED = installed('test/testbed/testbed.sh')
const SKIPPED = 77
const REASONS: Readonly<Record<number, string>> = {
  70: 'the kernel reported a bug or a warning',
  124: 'the machine was not done in time',
  125: 'the machine died',
}

/** What it came to: an exit status of the command inside, or why there is no machine. */
export type Tried = number | { readonly skipped: string }

/** Runs it in the place of the lab. @throws {Failure} `lab-ground-impossible` */
export async function callTestbed(words: readonly string[], { env }: LabContext): Promise<Tried> {
  const folder = await mkdtemp(join(tmpdir(), 'verbena-lab-'))
  const skipFile = join(folder, 'skipped')
  try {
    const status = await passThrough({
      words: [TESTBED, ...words],
      env: { ...env, TESTBED_SKIP_FILE: skipFile },
      stdin: '',
    })
    if (status !== SKIPPED) return innerStatus(status)
    const reason = await readFile(skipFile, 'utf8').catch(() => '')
    return { skipped: reason.trim() || 'the test bed cannot run here' }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * The status of the command inside, where the machine itself did well.
 * @throws {Failure} `lab-ground-impossible`
 */
export function innerStatus(status: number): number {
  const reason = REASONS[status]
  if (reason !== undefined) throw fail('lab-ground-impossible', { ground: 'vm', reason })
  return status
}
