/**
 * A run and its mark: every namespace, process and file of it bears the run's
 * id, so that what is left of it can be found and ended.
 * @module
 */
import { randomInt } from 'node:crypto'
import { accessSync, constants } from 'node:fs'
import { findPackageJSON } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type Run = {
  /** Six letters or digits. */
  readonly id: string
  /** Folder of its files. */
  readonly folder: string
}

/** Environment variable of every process of a run; its value is the run's id. */
export const MARK_VARIABLE = 'VERBENA_LAB'
const LETTERS = 'bcdfghjklmnpqrstvwxz2456789'

/** Letters and digits that form no words, as Kubernetes generates names. */
export function randomLetters(count: number): string {
  return Array.from({ length: count }, () => LETTERS[randomInt(LETTERS.length)]).join('')
}

/** Names a run; nothing is made yet. */
export function runOf(id: string): Run {
  return { id, folder: join(baseFolder(), `verbena-lab-${id}`) }
}

/** Sockets need a short path, so /run where it can be written. */
function baseFolder(): string {
  try {
    accessSync('/run', constants.W_OK)
    return '/run'
  } catch {
    return tmpdir()
  }
}

/** The standalone store that all agents of the run share. */
export function storeOf({ folder }: Run): string {
  return join(folder, 'store.db')
}

/** Name under /run/netns of a node, a pod or the wire; of no name, how all of them begin. */
export function netnsName({ id }: Run, name: string): string {
  return `vbl-${id}-${name}`
}

export function netnsPath(run: Run, name: string): string {
  return `/run/netns/${netnsName(run, name)}`
}

/** A file of the installed program, by its path from the root. */
export function installed(path: string): string {
  return join(findPackageJSON(import.meta.url) ?? '.', '..', path)
}
