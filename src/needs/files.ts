/**
 * Small files whose existence means something (host-local's reservations).
 * Paths are the host's, absolute.
 * @module
 */

/** Needs of file-based state. Failures: `file-failed` with path and the system's code. */
export interface Files {
  /** Text, or undefined when there is none. */
  read(path: string): Promise<string | undefined>
  /**
   * Creates it, whole, with its parents' folders; false when the name is taken. A process that is
   * killed here or in `replace` leaves at worst a file `.*.tmp` beside it.
   */
  createExclusive(path: string, text: string): Promise<boolean>
  /** Writes by a temporary file and rename. */
  replace(path: string, text: string): Promise<void>
  /** False when there was none. */
  remove(path: string): Promise<boolean>
  /** Names in a folder; empty when there is none. */
  list(folder: string): Promise<readonly string[]>
  /**
   * Runs `work` while holding an exclusive lock on `path` (flock, made if absent),
   * so that upstream's host-local and ours can share a folder.
   */
  locked<T>(path: string, work: () => Promise<T>): Promise<T>
}
