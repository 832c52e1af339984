/**
 * The offline gate: runs every check at once and prints one line for each, with
 * its time. Faults follow at the end; the exit status is 1 if there are any.
 *
 *     npm run check               all of them
 *     npm run check layers sizes  only these
 * @module
 */
import { spawn } from 'node:child_process'
import path from 'node:path'
import { checkCasts } from './check-casts.ts'
import { checkHeads, checkLinks } from './check-docs.ts'
import { checkLayers } from './check-layers.ts'
import { checkHeaders, checkPackageLicences } from './check-licences.ts'
import { checkCodeSizes, checkTextSizes } from './check-sizes.ts'
import { checkPlaces, checkWords } from './check-words.ts'
import { type Fault, ROOT, formatFault, readTexts } from './files.ts'
import { type Source, withSources } from './tree.ts'

/** What a check found, as lines; none when all is well. */
type Check = { readonly name: string; readonly run: () => Promise<readonly string[]> }

const LIMIT_MS = 120_000
const TREE = ['src', 'bin', 'scripts', 'test', 'bench']

/** Checks that are programs of their own: they run beside each other. */
const PROGRAMS: readonly Check[] = [
  program('types', ['typescript/bin/tsc', '-p', '.']),
  program('lint', ['oxlint/bin/oxlint', '--type-aware', '--deny-warnings', '-f', 'unix', ...TREE]),
  program('format', ['oxfmt/bin/oxfmt', '--list-different', ...TREE]),
  program('generated', ['../scripts/generate.ts', '--check']),
]

/** Checks that look at the same trees and texts, which are read once. */
const OWN: Readonly<Record<string, (sources: readonly Source[]) => Fault[]>> = {
  layers: checkLayers,
  casts: checkCasts,
  sizes: (sources) => [...checkCodeSizes(sources), ...checkTextSizes(readTexts(['']))],
  words: (sources) => [...checkWords(sources), ...checkPlaces(readTexts(['']))],
  docs: (sources) => [...checkHeads(sources), ...checkLinks(readTexts(['.md']))],
  licences: () => [...checkPackageLicences(), ...checkHeaders(readTexts(['.c', '.h']))],
}

/** `args[0]` is a script inside node_modules; its output is the report when it fails. */
function program(name: string, [script = '', ...args]: readonly string[]): Check {
  return {
    name,
    run: async () =>
      await new Promise((resolve, reject) => {
        const file = path.join(ROOT, 'node_modules', script)
        const child = spawn(process.execPath, [file, ...args], {
          cwd: ROOT,
          stdio: ['ignore', 'pipe', 'pipe'],
          timeout: LIMIT_MS,
        })
        let output = ''
        for (const stream of [child.stdout, child.stderr]) {
          stream.setEncoding('utf8').on('data', (text: string) => (output += text))
        }
        child.on('error', reject)
        child.on('close', (status, signal) => {
          const end = `${name} ended with ${status ?? signal}`
          const lines = output.split('\n').filter((line) => line !== '')
          resolve(status === 0 ? [] : [...lines, end])
        })
      }),
  }
}

function report(name: string, startMs: number, faults: readonly string[]): readonly string[] {
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1)
  const verdict = faults.length === 0 ? 'ok' : 'FAILED'
  process.stdout.write(`${name.padEnd(10)} ${verdict.padEnd(7)} ${seconds.padStart(5)} s\n`)
  return faults.map((line) => `${name}: ${line}`)
}

function runOwn(wanted: (name: string) => boolean): readonly string[] {
  const chosen = Object.entries(OWN).filter(([name]) => wanted(name))
  if (chosen.length === 0) return []
  return withSources((sources) =>
    chosen.flatMap(([name, check]) => {
      const startMs = performance.now()
      return report(name, startMs, check(sources).map(formatFault))
    }),
  )
}

async function main(names: readonly string[]): Promise<number> {
  const known = [...PROGRAMS.map(({ name }) => name), ...Object.keys(OWN)]
  const strange = names.filter((name) => !known.includes(name))
  if (strange.length > 0) {
    process.stderr.write(`No such check: ${strange.join(', ')} (there are ${known.join(', ')})\n`)
    return 2
  }
  const wanted = (name: string): boolean => names.length === 0 || names.includes(name)
  const startMs = performance.now()
  const running = PROGRAMS.filter(({ name }) => wanted(name)).map(async ({ name, run }) =>
    report(name, startMs, await run()),
  )
  const own = runOwn(wanted)
  const faults = [...own, ...(await Promise.all(running)).flat()]
  for (const line of faults) process.stderr.write(`${line}\n`)
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1)
  const verdict = faults.length === 0 ? 'all is well' : 'FAILED'
  process.stdout.write(`check: ${verdict}, ${seconds} s\n`)
  return faults.length === 0 ? 0 : 1
}

process.exitCode = await main(process.argv.slice(2))
