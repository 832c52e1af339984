/**
 * What the processes of a run have logged.
 * @module
 */
import { readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'

const QUIET_MS = 150
const SILENT_MS = 1_500
const READY = /"ms":(\d+),"msg":"agent ready"/

/** True once the agent serves its socket. */
export function agentReady(log: string): boolean {
  return READY.test(textOfLog(log))
}

/** `ready after 85 ms`, by the agent's own words. */
export function readyLine(log: string): string {
  return `ready after ${READY.exec(textOfLog(log))?.[1] ?? '?'} ms`
}

/** The end of a log, on one line. */
export function lastLines(log: string): string {
  const lines = textOfLog(log).trim().split('\n').slice(-3)
  return lines.join('; ') || 'it has said nothing'
}

/** Gives a container the time to say its first words; one may well have nothing to say. */
export async function firstOutput(log: string): Promise<void> {
  let [before, now] = [0, textOfLog(log).length]
  for (let waitedMs = 0; waitedMs < SILENT_MS && (now === 0 || now !== before);) {
    await setTimeout(QUIET_MS)
    waitedMs += QUIET_MS
    before = now
    now = textOfLog(log).length
  }
}

/** All of it; empty when there is none. */
function textOfLog(log: string): string {
  try {
    return readFileSync(log, 'utf8')
  } catch {
    return ''
  }
}
