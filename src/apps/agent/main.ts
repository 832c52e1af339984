/**
 * Entry of `verbena agent`: arguments, log, signals.
 * @module
 */
import { hostname } from 'node:os'
import { pino } from 'pino'
import { textOfThrown } from '#values/failure.ts'
import { runAgent } from './agent.ts'
import { LineWriter } from './line-writer.ts'
import { AGENT_OPTIONS } from '#apps/agent-options.ts'
import { parseAgentOptions } from './options.ts'

/** @returns the exit status: 0 after a signal, 1 when it cannot start, 2 for a wrong argument */
export async function main(argv: readonly string[]): Promise<number> {
  if (argv.includes('--help')) {
    process.stdout.write(usage())
    return 0
  }
  const stop = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort())
  try {
    const options = parseAgentOptions(argv, hostname())
    const lines = new LineWriter(1)
    const log = pino({ base: { node: options.node } }, lines)
    try {
      await runAgent(options, log, stop.signal)
      return 0
    } finally {
      lines.flush()
    }
  } catch (cause) {
    process.stderr.write(`verbena agent: ${textOfThrown(cause)}\n`)
    return cause instanceof TypeError ? 2 : 1
  }
}

function usage(): string {
  const lines = AGENT_OPTIONS.map(({ name, value, help }) => {
    return `  ${`--${name} ${value}`.padEnd(28)}${help}`
  })
  const options = lines.join('\n')
  return `Usage: verbena agent [options]

Serves container runtimes on this node.

${options}

Example:
  verbena agent --node a --store /var/lib/verbena/store.db --cluster-network kube-system/ipoib
`
}
