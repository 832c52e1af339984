/**
 * Starts the agent in the place of this process. `bin/verbena` does the same
 * without loading the CLI first.
 * @module
 */
import { existsSync } from 'node:fs'
import { fail } from '#apps/failures.ts'
import type { Context } from './context.ts'
import { programFile } from './version.ts'

/** A small young generation keeps the agent small; what an ADD makes is gone at its end. */
const NODE_OPTIONS = ['--max-semi-space-size=4', '--no-concurrent-recompilation'] as const

/**
 * Does not return where the agent can be started.
 * @throws {Failure} `agent-absent`: it is not built
 */
export async function agent(options: readonly string[], { env }: Context): Promise<number> {
  const path = programFile('dist/agent.js')
  const { execve } = process
  if (path === undefined || !existsSync(path) || execve === undefined) {
    throw fail('agent-absent', { path })
  }
  const variables = Object.entries(env).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  )
  const argv = [process.execPath, ...NODE_OPTIONS, path, ...options]
  execve(process.execPath, argv, Object.fromEntries(variables))
  return 0
}
