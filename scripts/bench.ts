/**
 * Runs the benches of `dist/bench/` one after the other, so that none measures
 * another's work; the exit status is 1 if one of them failed.
 *
 *     npm run bench           all of them
 *     npm run bench attach    those whose name begins with `attach`
 * @module
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { ROOT } from './files.ts'

const FOLDER = path.join(ROOT, 'dist', 'bench')
const LIMIT_MS = 600_000

function main(names: readonly string[]): number {
  const benches = (existsSync(FOLDER) ? readdirSync(FOLDER) : [])
    .filter((file) => file.endsWith('.bench.js'))
    .filter((file) => names.length === 0 || names.some((name) => file.startsWith(name)))
    .toSorted()
  if (benches.length === 0) {
    process.stderr.write('No such bench in dist/bench: run `make build` first\n')
    return 2
  }
  const failed = benches.filter((file) => {
    process.stdout.write(`\n== ${file.replace(/\.bench\.js$/, '')}\n`)
    const run = spawnSync(process.execPath, [path.join(FOLDER, file)], {
      cwd: ROOT,
      stdio: 'inherit',
      timeout: LIMIT_MS,
    })
    return run.status !== 0
  })
  for (const file of failed) process.stderr.write(`FAILED: ${file}\n`)
  return failed.length === 0 ? 0 : 1
}

process.exitCode = main(process.argv.slice(2))
