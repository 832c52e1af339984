/**
 * Shows what a machine prints that runs in the background, until it has ended
 * or the awaited words came. What ends the lab early ends the machine.
 * @module
 */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { LabContext } from './context.ts'
import { machineStatus, stopMachine } from './keeper.ts'
import { machineFolder } from './machine.ts'
import type { Run } from './run.ts'
import type { EarlyEnd } from './signals.ts'
import { Tail } from './tail.ts'

export type Following = {
  readonly run: Run
  readonly context: LabContext
  readonly early: EarlyEnd
  /** Only what comes from now on is shown. */
  readonly fromEnd: boolean
  /** Called when the output is being listened to; a failure of it ends the machine. */
  readonly begin: () => Promise<void>
  /** Words on standard output that are waited for. */
  readonly awaited?: string
}

/** Which of them came: the words, the end of the machine with its status, or Ctrl-C. */
export type Followed = 'awaited' | 'interrupted' | number

const POLL_MS = 100

/**
 * Removes the folder of the run unless the awaited words came.
 * @throws {Failure} why the run was given up
 */
export async function followMachine(following: Following): Promise<Followed> {
  const { run, early } = following
  let stays = false
  try {
    const followed = await follow(following)
    stays = followed === 'awaited'
    return followed
  } catch (thrown) {
    await stopMachine(run)
    if (early.interrupted) return 'interrupted'
    throw early.signal.aborted ? early.signal.reason : thrown
  } finally {
    if (!stays) await rm(machineFolder(run), { recursive: true, force: true })
  }
}

async function follow(following: Following): Promise<Followed> {
  const { run, context, early, fromEnd, begin, awaited } = following
  const folder = machineFolder(run)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await using out = await Tail.open(join(folder, 'out'), context.stdout, fromEnd)
  await using err = await Tail.open(join(folder, 'err'), context.stderr, fromEnd)
  await begin()
  for (let text = ''; ;) {
    // asked before the last look: what it said at its end is in the files then
    const status = await machineStatus(run)
    await err.passOn()
    text = `${text.slice(-(awaited?.length ?? 0))}${await out.passOn()}`
    if (awaited !== undefined && text.includes(awaited)) return 'awaited'
    if (status !== undefined) return status
    await setTimeout(POLL_MS, undefined, { signal: early.signal })
  }
}
