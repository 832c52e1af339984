/**
 * What is fuzzed: one parser or decoder with the laws that hold for it. It
 * gives a value or throws a failure of ours, in bounded time, and touches
 * nothing that others share.
 * @module
 */
import { failureIn } from '#values/failure.ts'

export type Input = string | Uint8Array

export type Target = {
  /** Kebab-case; a folder of the corpus. */
  readonly name: string
  /** How inputs are changed: as bytes, as a text, or as the JSON that a text is. */
  readonly form: 'bytes' | 'text' | 'json'
  /** Inputs to begin with, beside those of the corpus. */
  readonly seeds: () => readonly Input[]
  /** A failure is an answer; anything else that it throws is a fault. */
  readonly run: (input: Input) => void | Promise<void>
}

/** Longest that the thread may work for one input, in milliseconds. */
const MOST_MS = 1_000

/** A law that was broken; a failure of ours here is a fault, not an answer. */
export function must<T>(law: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    throw new Error(`${law}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

/** What is wrong, undefined when nothing is. */
export async function faultOf(target: Target, input: Input): Promise<string | undefined> {
  const before = process.threadCpuUsage()
  try {
    const running = target.run(input)
    if (running !== undefined) await running
  } catch (thrown) {
    if (failureIn(thrown) === undefined) return textOf(thrown)
  }
  const { user, system } = process.threadCpuUsage(before)
  const tookMs = (user + system) / 1_000
  if (tookMs > MOST_MS) return `it took ${Math.round(tookMs)} ms`
  for (const key in {}) return `Object.prototype has got ${key}`
  return undefined
}

/** Name, message and the first place of ours. */
function textOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return `it threw ${typeof thrown}`
  const place = /\(?([^\s(]*\/src\/[^\s)]*)\)?/.exec(thrown.stack ?? '')?.[1]
  const where = place === undefined ? '' : ` at ${place.replace(/^.*\/src\//, 'src/')}`
  return `${thrown.name}: ${thrown.message.split('\n', 1)[0]?.slice(0, 300)}${where}`
}
