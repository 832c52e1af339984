/**
 * Bundles the executables, the tests of tier 2 and the benches into `dist/`:
 * 150 small modules take a second or two to import, a bundle a tenth of it.
 *
 * An executable is two files: `NAME.js` turns on Node's compile cache (it must
 * be on before the code is loaded) and imports the bundle. Nothing is done when
 * nothing is newer than the last build. Files are replaced by renames, because
 * an agent may be starting from the old ones.
 * @module
 */
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { type BuildOptions, type OutputFile, build } from 'esbuild'
import { ROOT } from './files.ts'

const DIST = path.join(ROOT, 'dist')
const STAMP = path.join(DIST, '.built')
/** What a bundle is made of, folders with all that is below them. */
const INPUTS = ['src', 'bin', 'test', 'bench', 'scripts/build.ts', 'package-lock.json']

/** CommonJS packages in a bundle of ES modules ask for Node's own modules by `require`. */
const REQUIRE =
  "import { createRequire as bundleRequire } from 'node:module'; " +
  'const require = bundleRequire(import.meta.url);'

const COMMON = {
  absWorkingDir: ROOT,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node26',
  minifySyntax: true,
  legalComments: 'none',
  logLevel: 'silent',
  banner: { js: REQUIRE },
  write: false,
  outdir: DIST,
} as const satisfies BuildOptions

/** The newest change below `file`; a folder's own time tells of what was removed. */
function newestMs(file: string): number {
  const stat = statSync(file, { throwIfNoEntry: false })
  if (stat === undefined) return 0
  if (!stat.isDirectory()) return stat.mtimeMs
  const inside = readdirSync(file).map((name) => newestMs(path.join(file, name)))
  return Math.max(stat.mtimeMs, ...inside)
}

function filesIn(folder: string, ending: string): string[] {
  const full = path.join(ROOT, folder)
  if (statSync(full, { throwIfNoEntry: false }) === undefined) return []
  return readdirSync(full)
    .filter((name) => name.endsWith(ending))
    .map((name) => path.join(folder, name))
}

/** Entries by name: `out` is the path below dist/ without its ending. */
function entriesOf(files: readonly string[], folder: string): { in: string; out: string }[] {
  return files.map((file) => ({ in: file, out: `${folder}/${path.basename(file, '.ts')}` }))
}

/**
 * V8 of the agent: it works for a millisecond and rests for many, so what ran a few times is
 * compiled, by the compiler that is quick and keeps little (the slow one's code is hardly faster
 * here, and 10 MiB more).
 */
const AGENT_V8 = [
  '--no-lazy-feedback-allocation',
  '--invocation-count-for-maglev=20',
  '--minimum-invocations-after-ic-update=20',
  '--no-turbofan',
]

function launcherOf(name: string): string {
  const agent = [
    "import { setFlagsFromString } from 'node:v8'",
    ...AGENT_V8.map((flag) => `setFlagsFromString('${flag}')`),
    // deleting a link is 20 ms of waiting on a thread of the pool: many wait side by side
    "process.env['UV_THREADPOOL_SIZE'] ??= '40'",
  ]
  return [
    "import { enableCompileCache } from 'node:module'",
    ...(name === 'agent' ? agent : []),
    "enableCompileCache(import.meta.dirname + '/.cache')",
    `await import('./${name}.main.js')`,
    '',
  ].join('\n')
}

async function bundleAll(): Promise<OutputFile[]> {
  const tests = entriesOf(filesIn('test/vm', '.test.ts'), 'test-vm')
  const benches = entriesOf(filesIn('bench', '.bench.ts'), 'bench')
  const results = await Promise.all([
    build({ ...COMMON, entryPoints: [{ in: 'bin/agent.ts', out: 'agent.main' }] }),
    // A command loads only its own part: see program.ts of the CLI.
    build({
      ...COMMON,
      entryPoints: [{ in: 'bin/verbena.ts', out: 'verbena.main' }],
      splitting: true,
      chunkNames: 'part-[name]-[hash]',
    }),
    build({ ...COMMON, entryPoints: [...tests, ...benches] }),
  ])
  return results.flatMap(({ outputFiles }) => outputFiles)
}

function writeAll(files: readonly { path: string; contents: string | Uint8Array }[]): void {
  for (const { path: file, contents } of files) {
    mkdirSync(path.dirname(file), { recursive: true })
    writeFileSync(`${file}.tmp`, contents)
    renameSync(`${file}.tmp`, file)
  }
}

/** What an earlier build left and this one did not make, compiled code of it included. */
function removeOthers(made: ReadonlySet<string>): void {
  rmSync(path.join(DIST, '.cache'), { recursive: true, force: true })
  for (const name of readdirSync(DIST, { recursive: true, encoding: 'utf8' })) {
    const file = path.join(DIST, name)
    if (name.endsWith('.js') && !made.has(file)) rmSync(file)
  }
}

async function main(): Promise<void> {
  const startMs = performance.now()
  const newest = Math.max(...INPUTS.map((input) => newestMs(path.join(ROOT, input))))
  if (newest <= newestMs(STAMP)) return
  const launchers = ['agent', 'verbena'].map((name) => ({
    path: path.join(DIST, `${name}.js`),
    contents: launcherOf(name),
  }))
  const files = [...(await bundleAll()), ...launchers]
  writeAll(files)
  removeOthers(new Set(files.map((file) => file.path)))
  writeAll([{ path: STAMP, contents: '' }])
  const size = files.reduce((sum, { contents }) => sum + contents.length, 0)
  const ms = Math.round(performance.now() - startMs)
  process.stdout.write(`build: dist/ (${files.length} files, ${size >> 10} KiB, ${ms} ms)\n`)
}

try {
  await main()
} catch (cause) {
  // The bundler has said where; a stack of its own adds nothing.
  process.stderr.write(`build: ${cause instanceof Error ? cause.message : String(cause)}\n`)
  process.exitCode = 1
}
