/**
 * What a command gets of the world: environment, streams, time. The entry
 * passes the real ones, a test its own.
 * @module
 */
import type { Clock } from '#needs/clock.ts'
import type { LiveLook } from './live-look.ts'

/** Where a command writes: a stream of the process, or a test's text. */
export type Output = { write(text: string): unknown }

export type Context = {
  /** From the command's name on. */
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: AsyncIterable<Uint8Array | string>
  readonly stdout: Output
  readonly stderr: Output
  readonly clock: Pick<Clock, 'nowMs'>
  /** Looks at the interfaces of the machine; the machine's own when absent. */
  readonly look?: () => Promise<LiveLook>
}

/** A command bound to its arguments; resolves to the exit status. */
export type Task = (context: Context) => Promise<number>

/** Options of every command that opens the store. */
export type StoreOptions = { readonly store?: string }
/** Options of every command that asks an agent. */
export type StatusOptions = { readonly statusSocket?: string }
/** How a command prints; a table for people when absent. */
export type OutputOptions = { readonly output?: 'json' | 'yaml' | 'wide' | 'name' }
