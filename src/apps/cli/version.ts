/**
 * `verbena version`, and where the program is installed.
 * @module
 */
import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'
import { join } from 'node:path'
import type { Context, OutputOptions } from './context.ts'

/** Prints the version of Verbena and of the runtime. */
export async function version({ output }: OutputOptions, { stdout }: Context): Promise<number> {
  const verbena = packageVersion()
  const node = process.version.replace(/^v/, '')
  if (output === 'json') stdout.write(`${JSON.stringify({ verbena, node })}\n`)
  else stdout.write(`verbena ${verbena} (node ${node})\n`)
  return 0
}

/** A file of the installed program by its path from the root; undefined outside a checkout. */
export function programFile(path: string): string | undefined {
  const manifest = findPackageJSON(import.meta.url)
  return manifest === undefined ? undefined : join(manifest, '..', path)
}

function packageVersion(): string {
  const path = programFile('package.json')
  const manifest: unknown = path === undefined ? {} : JSON.parse(readFileSync(path, 'utf8'))
  const named = typeof manifest === 'object' && manifest !== null && 'version' in manifest
  return named ? String(manifest.version) : 'unknown'
}
