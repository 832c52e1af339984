/**
 * `Files` in memory: a map of paths, with locks that wait in turn.
 * @module
 */
import type { Files } from '#needs/files.ts'

/** What is there, by path; the map is the folder tree and may be looked at. */
export function memoryFiles(files: Map<string, string>): Files {
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
      return [...new Set(inside.map((path) => path.slice(folder.length + 1).split('/')[0] ?? ''))]
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
