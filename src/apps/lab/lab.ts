/**
 * What the steps of a run share, and the commands that they show.
 * @module
 */
import { fail } from '#apps/failures.ts'
import type { Records } from '#needs/records.ts'
import { execute } from './command.ts'
import type { Ground, Place, Printed } from './ground.ts'
import type { GroundName } from './ground-name.ts'
import type { NodePlan } from './node-plan.ts'
import { type Run, installed } from './run.ts'
import type { Voice } from './voice.ts'

/** A file of documents: the name it is shown by, and where it can be read. */
export type LabFile = { readonly name: string; readonly text: string }

export type Lab = {
  readonly run: Run
  readonly groundName: GroundName
  readonly ground: Ground
  readonly nodes: readonly NodePlan[]
  readonly files: readonly LabFile[]
  readonly records: Records
  readonly voice: Voice
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
  /** Takes the last node's cable out before the ping, to show that it is noticed. */
  readonly cut: boolean
}

export const MACHINE: Place = { at: 'machine' }

/** Runs a command on the ground and shows it; its status is for the caller to judge. */
export async function show(lab: Lab, place: Place, words: readonly string[]): Promise<Printed> {
  const { env, signal } = lab
  const printed =
    place.at === 'machine'
      ? await execute({ words, env, signal }).then(({ status, all }) => ({ status, text: all }))
      : await lab.ground.run(place, words)
  lab.voice.command(place, words, printed)
  return printed
}

/**
 * Runs `verbena WORDS` over the run's store and shows it.
 * @throws {Failure} `lab-command-failed`, with what it printed
 */
export async function verbena(lab: Lab, words: readonly string[], stdin = ''): Promise<void> {
  const { env, signal, voice } = lab
  const program = [process.execPath, installed('dist/verbena.js')]
  const ran = await execute({ words: [...program, ...words], env, stdin, signal })
  const shown = ['verbena', ...words]
  voice.command(MACHINE, shown, { status: ran.status, text: ran.all })
  if (ran.status === 0) return
  const lines = ran.all.trim().split('\n')
  const reason = lines.map((line) => line.replace(/^verbena: /, '')).join('; ')
  throw fail('lab-command-failed', { command: shown.join(' '), reason })
}
