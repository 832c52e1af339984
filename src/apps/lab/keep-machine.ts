/**
 * Ground vm, kept: the lab goes on in its machine when the command has ended,
 * until `verbena lab end` or the machine's own time limit.
 * @module
 */
import type { LabContext } from './context.ts'
import { followMachine } from './follow-machine.ts'
import type { InnerLab } from './inside.ts'
import { letStay, startKeeper } from './keeper.ts'
import { KEPT_HOURS, endCommand } from './kept.ts'
import { machineWords } from './machine.ts'
import { runOf } from './run.ts'
import { EarlyEnd, INTERRUPTED } from './signals.ts'
import { type Tried, callTestbed, innerStatus } from './testbed.ts'

const HOUR_MS = 3_600_000

/** 0 when the run is kept; else the inner lab's status, or why there is no machine. */
export async function runInKeptMachine(inner: InnerLab, context: LabContext): Promise<Tried> {
  // first by itself: what takes long shows its progress on the terminal
  const fetched = await callTestbed(['fetch'], context)
  if (fetched !== 0) return fetched
  const run = runOf(inner.inside.run)
  const limitMs = KEPT_HOURS * HOUR_MS
  using early = new EarlyEnd(inner.options.timeoutMs)
  const followed = await followMachine({
    ...{ run, context, early, fromEnd: false },
    begin: async () => {
      await startKeeper(run, await machineWords(inner, { limitMs, context }), context.env)
    },
    awaited: `${endCommand(run)}\n`,
  })
  if (followed === 'awaited') await letStay(run)
  if (typeof followed === 'number') return innerStatus(followed)
  return followed === 'awaited' ? 0 : INTERRUPTED
}
