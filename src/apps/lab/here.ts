/**
 * A whole run on a ground of this machine: from the first line to the proof
 * that nothing is left.
 * @module
 */
import { openRecords } from '#store/records.ts'
import { failureIn } from '#values/failure.ts'
import type { NotTaken } from './choice.ts'
import { closeRun } from './closing.ts'
import type { LabContext } from './context.ts'
import type { GroundName } from './ground-name.ts'
import type { NodePlan } from './node-plan.ts'
import { headerText } from './header.ts'
import { sayKept, writeHolder } from './kept.ts'
import type { Lab, LabFile } from './lab.ts'
import { makeGround } from './make-ground.ts'
import type { LabOptions } from './options.ts'
import type { RunningPod } from './pods.ts'
import { MARK_VARIABLE, type Run, storeOf } from './run.ts'
import { EarlyEnd, INTERRUPTED } from './signals.ts'
import { tellStory } from './story.ts'
import { type Voice, makeVoice } from './voice.ts'

/** What a run is made of. */
export type WholeRun = {
  readonly run: Run
  readonly groundName: GroundName
  readonly notTaken: readonly NotTaken[]
  readonly options: LabOptions
  readonly files: readonly LabFile[]
  readonly nodes: readonly NodePlan[]
}

const CLEAN_UP_MS = 20_000

/**
 * @returns the exit status: 0 when everything held
 * @throws {Failure} the first cause why it did not; after the clean-up
 */
export async function runHere(whole: WholeRun, context: LabContext): Promise<number> {
  const { run, groundName, notTaken, options, files, nodes } = whole
  const voice = makeVoice(context.stdout, context.stderr)
  using early = new EarlyEnd(options.timeoutMs)
  const { signal } = early
  voice.say(headerText({ run, ground: groundName, notTaken, files, nodes }))
  const env = environment(run, context)
  const ground = await makeGround({ run, groundName, env, signal })
  const slowness = groundName === 'vm' ? 3 : 1
  const closing = { run, ground, voice, withinMs: CLEAN_UP_MS * slowness }
  const cut = context.env['VERBENA_LAB_CUT'] === '1'
  try {
    const lab = { run, groundName, ground, nodes, files, voice, env, signal, cut }
    const pods = await tellOverStore(lab)
    if (options.keep) {
      await writeHolder(run)
      sayKept(voice, { run, groundName, pods })
      // the machine ends with this process, so it stays until the run is to end
      if (groundName !== 'vm') return 0
      await early.untilInterrupted()
    }
  } catch (thrown) {
    // what was under way when the run was given up says so in many ways
    const cause: unknown = signal.aborted ? signal.reason : thrown
    if (signal.aborted) voice.progress('given up, cleaning up')
    await closeAfterFailure(closing, voice)
    if (early.interrupted) return INTERRUPTED
    throw cause
  }
  await closeRun(closing)
  return 0
}

async function tellOverStore(lab: Omit<Lab, 'records'>): Promise<readonly RunningPod[]> {
  await using records = await openRecords({ path: storeOf(lab.run) })
  return await tellStory({ ...lab, records })
}

/** The first cause is the one that is told; what is left over was listed. */
async function closeAfterFailure(closing: Parameters<typeof closeRun>[0], voice: Voice) {
  try {
    await closeRun(closing)
  } catch (cause) {
    if (failureIn(cause)?.code !== 'lab-left-over') throw cause
    voice.progress('the clean-up is not complete')
  }
}

/** What every process of the run gets. */
export function environment(run: Run, { env }: Pick<LabContext, 'env'>) {
  return {
    HOME: env['HOME'],
    LANG: 'C.UTF-8',
    NO_COLOR: '1',
    PATH: [env['PATH'], '/usr/sbin', '/sbin'].filter(Boolean).join(':'),
    TERM: env['TERM'],
    VERBENA_STORE: storeOf(run),
    [MARK_VARIABLE]: run.id,
  }
}
