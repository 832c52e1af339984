/**
 * What a process of a run has logged.
 * @module
 */
import { readFileSync } from 'node:fs'

/** True once the agent serves its socket. */
export function agentReady(log: string): boolean {
  return read(log).includes('"msg":"agent ready"')
}

/** The end of a log, on one line. */
export function lastLines(log: string): string {
  const lines = read(log).trim().split('\n').slice(-3)
  return lines.join('; ') || 'it has said nothing'
}

function read(log: string): string {
  try {
    return readFileSync(log, 'utf8')
  } catch {
    return ''
  }
}
