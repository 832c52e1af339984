/**
 * `verbena lab end RUN`: ends a run that was kept, or whose lab was killed.
 * @module
 */
import { closeRun } from './closing.ts'
import type { LabContext } from './context.ts'
import { kernelGround } from './make-ground.ts'
import { environment } from './here.ts'
import { readRecord } from './record.ts'
import { runOf } from './run.ts'
import { makeVoice } from './voice.ts'

const WITHIN_MS = 30_000

/** @throws {Failure} `lab-run-unknown`, `lab-left-over` */
export async function endRun(id: string, context: LabContext): Promise<number> {
  const run = runOf(id)
  const record = await readRecord(run)
  const env = environment(run, context)
  const { signal } = new AbortController()
  const ground = kernelGround({ run, groundName: 'host', env, signal }, record)
  const voice = makeVoice(context.stdout, context.stderr)
  await closeRun({ run, ground, voice, withinMs: WITHIN_MS })
  return 0
}
