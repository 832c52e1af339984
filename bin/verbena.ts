/** `verbena`: the CLI. @module */
import { runCli } from '#apps/cli/run.ts'

process.exitCode = await runCli({
  argv: process.argv.slice(2),
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
})
