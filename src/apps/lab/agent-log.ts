/**
 * What a process of a run has logged.
 * @module
 */
import { readFileSync } from 'node:fs'

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

/** All of it; empty when there is none. */
export function textOfLog(log: string): string {
  try {
    return readFileSync(log, 'utf8')
  } catch {
    return ''
  }
}
