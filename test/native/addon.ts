/**
 * The built addon, for tests; and what a test needs that calls it.
 * @module
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

type Addon = { transact(program: Uint8Array): Promise<Uint8Array> }

/** The built file. */
export const ADDON: string = fileURLToPath(new URL('../../build/netns.node', import.meta.url))

/** Runs a program on a pool thread; what the call throws is a rejection too. */
export async function transact(program: Uint8Array): Promise<Uint8Array> {
  const addon: Addon = createRequire(import.meta.url)(ADDON)
  return addon.transact(program)
}

/** Options of a test that needs the addon, and of one that needs root and `ip` too. */
export const NEEDS_ADDON: { readonly skip: string | false; readonly timeout: number } = {
  skip: existsSync(ADDON) ? false : 'build/netns.node is absent: run make native',
  timeout: 60_000,
}
export const NEEDS_ROOT: typeof NEEDS_ADDON = {
  ...NEEDS_ADDON,
  skip: NEEDS_ADDON.skip || (process.getuid?.() === 0 ? false : 'not root'),
}
