/** `verbena agent`, as a program of its own: it starts without the CLI's modules. @module */
import { main } from '#apps/agent/main.ts'

process.exitCode = await main(process.argv.slice(2))
process.exit()
