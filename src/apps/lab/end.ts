/**
 * `verbena lab end RUN`: ends a run that was kept, or whose lab was killed.
 * @module
 */
import { rm } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { fail } from '#apps/failures.ts'
import { textOfThrown } from '#values/failure.ts'
import { closeRun } from './closing.ts'
import { execute } from './command.ts'
import type { LabContext } from './context.ts'
import { environment } from './here.ts'
import { followMachine } from './follow-machine.ts'
import { type Kept, keptMachine, waitForMachine } from './keeper.ts'
import { runInGuest, tellHolder } from './kept.ts'
import { machineFolder } from './machine.ts'
import { kernelGround } from './make-ground.ts'
import { marked } from './observed.ts'
import { readRecord } from './record.ts'
import { type Run, runOf } from './run.ts'
import { EarlyEnd, INTERRUPTED } from './signals.ts'
import { TESTBED, innerStatus } from './testbed.ts'
import { makeVoice } from './voice.ts'

const WITHIN_MS = 30_000
const MACHINE_MS = 120_000

/** @throws {Failure} `lab-run-unknown`, `lab-left-over` */
export async function endRun(id: string, context: LabContext): Promise<number> {
  const run = runOf(id)
  const kept = await keptMachine(run, context.env)
  if (kept !== undefined) return endMachine(run, kept, context)
  const voice = makeVoice(context.stdout, context.stderr)
  if (existsSync(machineFolder(run))) {
    await rm(machineFolder(run), { recursive: true, force: true })
    voice.say(`the machine of run ${id} had ended, its files are removed`)
    return 0
  }
  const record = await readRecord(run)
  const env = environment(run, context)
  const { signal } = new AbortController()
  const ground = kernelGround({ run, groundName: 'host', env, signal }, record)
  await closeRun({ run, ground, voice, withinMs: WITHIN_MS })
  return 0
}

/** The lab inside cleans up and looks at what is left; then the machine is off. */
async function endMachine(run: Run, kept: Kept, context: LabContext): Promise<number> {
  const voice = makeVoice(context.stdout, context.stderr)
  using early = new EarlyEnd(MACHINE_MS)
  voice.progress('telling the lab in the machine to end')
  const followed = await followMachine({
    ...{ run, context, early, fromEnd: true },
    begin: async () => {
      await waitForMachine(run)
      await tell(run, kept, early.signal)
    },
  })
  if (typeof followed !== 'number') return INTERRUPTED
  const left = await marked(run)
  if (left.length > 0) throw fail('lab-left-over', { run: run.id, left: left.join('; ') })
  const status = innerStatus(followed)
  if (status === 0) voice.say(`the machine of run ${run.id} is off, nothing of it is left here`)
  return status
}

async function tell(run: Run, { testbed, env }: Kept, signal: AbortSignal): Promise<void> {
  const words = [TESTBED, 'exec', '--run', String(testbed), '--', ...tellHolder(runInGuest(run))]
  const ran = await execute({ words, env, signal }).catch((cause: unknown) => {
    return { status: 1, all: textOfThrown(cause) }
  })
  if (ran.status === 0) return
  const left = `its machine gave no answer and was switched off: ${ran.all.trim()}`
  throw fail('lab-left-over', { run: run.id, left })
}
