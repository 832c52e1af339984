/**
 * The end of a run: pods, agents, namespaces and files go, and it is proven
 * that nothing of the run is left.
 * @module
 */
import { setTimeout } from 'node:timers/promises'
import { fail } from '#apps/failures.ts'
import { textOfThrown } from '#values/failure.ts'
import type { Ground } from './ground.ts'
import type { Run } from './run.ts'
import type { Voice } from './voice.ts'

export type Closing = {
  readonly run: Run
  readonly ground: Ground
  readonly voice: Voice
  /** Longest time that it may take, in milliseconds. */
  readonly withinMs: number
}

/**
 * Cleans up and says what came of it. Whatever fails, the rest goes on.
 * @throws {Failure} `lab-left-over`, with what is left
 */
export async function closeRun({ run, ground, voice, withinMs }: Closing): Promise<void> {
  voice.heading('7. Clean-up')
  const problems: string[] = []
  const steps = {
    'ending containers, detaching pods': () => ground.stopPods(),
    'ending agents, removing namespaces and files': () => ground.remove(),
    'looking for what is left': () => ground.remains(),
  }
  const untilMs = performance.now() + withinMs
  for (const [what, step] of Object.entries(steps)) {
    voice.progress(what)
    problems.push(...(await within(untilMs - performance.now(), what, step)))
  }
  if (problems.length === 0) {
    voice.say(`clean: nothing of run ${run.id} is left`)
    return
  }
  for (const problem of problems) voice.say(`left over: ${problem}`)
  throw fail('lab-left-over', { run: run.id, left: problems.join('; ') })
}

async function within(
  ms: number,
  what: string,
  step: () => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const timer = new AbortController()
  const late = setTimeout(Math.max(ms, 0), [`${what} takes too long`], { signal: timer.signal })
  try {
    return await Promise.race([step(), late])
  } catch (cause) {
    return [`${what}: ${textOfThrown(cause)}`]
  } finally {
    timer.abort()
    late.catch(() => undefined)
  }
}
