/**
 * Ground vm: starts the same lab inside a throw-away virtual machine of the
 * project's test bed, which says by itself what it fetches, builds and boots.
 * @module
 */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import type { LabContext } from './context.ts'
import { type InnerLab, insideVariable, wordsOf } from './inside.ts'
import type { LabFile } from './lab.ts'
import { type Run, installed, runOf } from './run.ts'
import { type Tried, callTestbed } from './testbed.ts'

/**
 * Folder of the run's files outside of the machine. /tmp and /run are the
 * guest's own: what it shall see lies in the installation.
 */
export function machineFolder({ id }: Run): string {
  return installed(`build/lab-${id}`)
}

/** The exit status of the inner lab, or why there is no machine. */
export async function runInMachine(inner: InnerLab, context: LabContext): Promise<Tried> {
  const folder = machineFolder(runOf(inner.inside.run))
  try {
    const limitMs = inner.options.timeoutMs
    return await callTestbed(await machineWords(inner, { limitMs, context }), context)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

export type MachineOptions = {
  /** The machine ends by itself then. */
  readonly limitMs: number
  readonly context: LabContext
}

/** Makes the folder of the run; the words for the test bed that run the lab inside. */
export async function machineWords(
  { inside, options, files }: InnerLab,
  { limitMs, context }: MachineOptions,
): Promise<string[]> {
  const folder = machineFolder(runOf(inside.run))
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const names = await Promise.all(files.map((file, i) => visibleName(file, folder, i)))
  return [
    ...['run', '--share', installed('.'), '--limit', String(limitMs / 1_000)],
    ...['--env', insideVariable(inside)],
    ...hiddenVariables(context).flatMap((text) => ['--env', text]),
    ...(options.keep ? ['--door'] : []),
    ...['--', 'node', 'dist/verbena.js', 'lab', ...wordsOf(options, names)],
  ]
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
