/**
 * `Files` of a simulated host: its map of paths, with locks that wait in turn.
 * A lock is no file: what a program locks is not to be seen in the world.
 * @module
 */
import type { Files } from '#needs/files.ts'
import type { SimHost } from './host.ts'

/** Reads and changes the host's files. */
export function simFiles({ files }: Pick<SimHost, 'files'>): Files {
  const locks = new Map<string, Promise<unknown>>()
  return {
    read: async (path) => files.get(path),
    async createExclusive(path, text) {
      if (files.has(path)) return false
      files.set(path, text)
      return true
    },
    async replace(path, text) {
      files.set(path, text)
    },
    remove: async (path) => files.delete(path),
    async list(folder) {
      const inside = [...files.keys()].filter((path) => path.startsWith(`${folder}/`))
      const names = inside.map((path) => path.slice(folder.length + 1).split('/')[0] ?? '')
      return [...new Set(names)].toSorted()
    },
    locked(path, work) {
      const mine = (locks.get(path) ?? Promise.resolve()).then(work, work)
      locks.set(
        path,
        mine.catch(() => undefined),
      )
      return mine
    },
  }
}
