/**
 * Ground vm: starts the same lab inside a throw-away virtual machine of the
 * project's test bed, which says by itself what it fetches, builds and boots.
 * @module
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, relative } from 'node:path'
import { fail } from '#apps/failures.ts'
import type { LabContext } from './context.ts'
import { type InnerLab, insideVariable, wordsOf } from './inside.ts'
import type { LabFile } from './lab.ts'
import { passThrough } from './pass-through.ts'
import { installed } from './run.ts'

const SKIPPED = 77
const REASONS: Readonly<Record<number, string>> = {
  70: 'the kernel reported a bug or a warning',
  124: 'the machine was not done in time',
  125: 'the machine died',
}

/** The exit status of the inner lab, or why there is no machine. */
export async function runInMachine(
  { inside, options, files }: InnerLab,
  context: LabContext,
): Promise<number | { readonly skipped: string }> {
  // /tmp and /run are the guest's own: what it shall see lies in the installation
  const folder = await mkdtemp(installed('build/lab-'))
  const skipFile = join(await mkdtemp(join(tmpdir(), 'verbena-lab-')), 'skipped')
  try {
    const names = await Promise.all(files.map((file, i) => visibleName(file, folder, i)))
    const lab = ['node', 'dist/verbena.js', 'lab', ...wordsOf(options, names)]
    const status = await passThrough({
      words: [
        ...[installed('test/testbed/testbed.sh'), 'run', '--share', installed('.')],
        ...['--limit', String(options.timeoutMs / 1_000), '--env', insideVariable(inside)],
        ...hiddenVariables(context).flatMap((text) => ['--env', text]),
        ...['--', ...lab],
      ],
      env: { ...context.env, TESTBED_SKIP_FILE: skipFile },
      stdin: '',
    })
    if (status === SKIPPED) return { skipped: await reasonIn(skipFile) }
    const reason = REASONS[status]
    if (reason !== undefined) throw fail('lab-ground-impossible', { ground: 'vm', reason })
    return status
  } finally {
    await rm(folder, { recursive: true, force: true })
    await rm(join(skipFile, '..'), { recursive: true, force: true })
  }
}

/** Name of the file inside: its own where the guest sees it, else that of a copy. */
async function visibleName({ name, text }: LabFile, folder: string, place: number) {
  const root = installed('.')
  const path = name === '-' ? name : relative(root, name)
  if (name !== '-' && !path.startsWith('..')) return path
  const copy = join(folder, name === '-' ? `stdin-${place}.yaml` : basename(name))
  await writeFile(copy, text)
  return relative(root, copy)
}

/** What tests set to see the lab notice it. */
function hiddenVariables({ env }: LabContext): string[] {
  return ['VERBENA_LAB_CUT', 'VERBENA_LAB_LEAVE'].flatMap((name) => {
    const value = env[name]
    return value === undefined ? [] : [`${name}=${value}`]
  })
}

async function reasonIn(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '')
  return text.trim() || 'the test bed cannot run here'
}
