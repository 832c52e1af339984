/**
 * Runs the benches of `dist/bench/` one after the other, so that none measures
 * another's work, and ends with one table of all budgets. A budget that is
 * missed is said, not punished: the exit status is 1 only if a bench broke.
 *
 *     npm run bench           all of them, but those that take minutes
 *     npm run bench add       those whose name begins with `add`
 *     npm run bench soak      100,000 ADD and DEL
 * @module
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os'
import path from 'node:path'
import { ROOT } from './files.ts'

const FOLDER = path.join(ROOT, 'dist', 'bench')
const PEER = 'containernetworking-plugins'
/** Of one bench; each ends far earlier. */
const LIMIT_MS = 120_000
/** Only when asked for, with a limit of their own. */
const LONG: ReadonlyMap<string, number> = new Map([['soak.bench.js', 1_800_000]])

type Budget = Readonly<Record<'work' | 'budget' | 'measured', string>> & { readonly met: boolean }

function main(names: readonly string[]): number {
  const benches = (existsSync(FOLDER) ? readdirSync(FOLDER) : [])
    .filter((file) => file.endsWith('.bench.js'))
    .filter((file) =>
      names.length === 0 ? !LONG.has(file) : names.some((name) => file.startsWith(name)),
    )
    .toSorted()
  if (benches.length === 0) {
    process.stderr.write('No such bench in dist/bench: run `make build` first\n')
    return 2
  }
  process.stdout.write(head())
  const folder = mkdtempSync(path.join(tmpdir(), 'vbb-budgets-'))
  const budgets = path.join(folder, 'budgets')
  try {
    const failed = benches.filter((file) => run(file, budgets) !== 0)
    process.stdout.write(tableOf(readBudgets(budgets)))
    for (const file of failed) process.stderr.write(`FAILED: ${file}\n`)
    return failed.length === 0 ? 0 : 1
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function run(file: string, budgets: string): number {
  process.stdout.write(`\n== ${file.replace(/\.bench\.js$/, '')}\n`)
  const { status } = spawnSync(process.execPath, [path.join(FOLDER, file)], {
    cwd: ROOT,
    stdio: 'inherit',
    timeout: LONG.get(file) ?? LIMIT_MS,
    env: { ...process.env, VERBENA_BENCH_BUDGETS: budgets },
  })
  return status ?? 1
}

/** What the figures hold for. */
function head(): string {
  const machine = `${cpus()[0]?.model.trim() ?? 'unknown'}, ${cpus().length} cores`
  const memory = `${(totalmem() / 2 ** 30).toFixed(1)} GiB`
  const query = spawnSync('dpkg-query', ['-W', '-f', '${Version}', PEER], { encoding: 'utf8' })
  return [
    `date:    ${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC`,
    `machine: ${machine}, ${memory}`,
    `load:    ${loadText()}`,
    `kernel:  Linux ${release()}; Node ${process.version}`,
    `peer:    ${PEER} ${query.stdout === '' ? 'absent' : query.stdout}`,
    '',
  ].join('\n')
}

/** What else runs here makes every figure worse, and ratios uncertain. */
function loadText(): string {
  const [load = 0] = loadavg()
  const busy = load > cpus().length / 2
  return `${load.toFixed(2)}${busy ? ' (BUSY: a quiet machine gives better figures)' : ''}`
}

/** The budgets that the benches left, a line of JSON each. */
function readBudgets(file: string): Budget[] {
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.filter((line) => line !== '').map((line): Budget => JSON.parse(line))
}

function tableOf(budgets: readonly Budget[]): string {
  const rows = [
    ['budget of', 'budget', 'measured', 'met'],
    ...budgets.map((one) => [one.work, one.budget, one.measured, one.met ? 'yes' : 'NO']),
  ]
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const lines = rows.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  '))
  return `\n== budgets\n${lines.join('\n')}\n`
}

process.exitCode = main(process.argv.slice(2))
