/** `verbena`: the CLI. @module */
import { runCli } from '#apps/cli/run.ts'

// a reader that has seen enough (`verbena get ... | head`) is no failure
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1)
})

process.exitCode = await runCli({
  argv: process.argv.slice(2),
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
})
