/**
 * Small files of the host whose existence means something, and the lock that
 * programs of others share with us. They are read and written at once, as the
 * store is: a few microseconds each, where a thread of the pool is woken in tens.
 *
 * Spec: open(2) O_EXCL, rename(2), flock(2). Paths are absolute paths of the host.
 * @module
 */
import {
  closeSync,
  constants,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Files } from '#needs/files.ts'
import { errnoName, errnoWords, isExhausted } from './errno.ts'
import { fail } from './failures.ts'
import { runProgram } from './netns-call.ts'

const FOLDER_MODE = 0o755
const FILE_MODE = 0o600
const EWOULDBLOCK = 11
/** Milliseconds: how long a lock is waited for, and between two tries. */
const LOCK = { waitMs: 30_000, firstMs: 1, mostMs: 20 } as const
const ABSENT = ['ENOENT', 'ENOTDIR'] as const
// Without NONBLOCK a path that is a pipe would hold the agent.
const READING = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY

/** Where the host's files are. */
export type FilesOptions = {
  /** Prefix of every path: empty, or where a container has the host's mounted. */
  readonly hostRoot?: string
  readonly lockWaitMs?: number
}

/** The files of this machine. */
export function hostFiles({ hostRoot = '', lockWaitMs = LOCK.waitMs }: FilesOptions = {}): Files {
  const at = (path: string): string => join(hostRoot, path)
  /** Locks that this process has or waits for: its own callers take turns without the kernel. */
  const turns = new Map<string, Promise<void>>()
  return {
    read: (path) =>
      attempt({ action: 'read', path, answers: ABSENT, otherwise: undefined }, () =>
        readText(at(path)),
      ),
    createExclusive: (path, text) =>
      attempt({ action: 'create', path, answers: ['EEXIST'], otherwise: false }, () => {
        create(at(path), text)
        return true
      }),
    replace: (path, text) =>
      attempt({ action: 'replace', path, answers: [], otherwise: undefined }, () =>
        replace(at(path), text),
      ),
    remove: (path) =>
      attempt({ action: 'remove', path, answers: ABSENT, otherwise: false }, () => {
        unlinkSync(at(path))
        return true
      }),
    list: (folder) =>
      attempt({ action: 'list', path: folder, answers: ABSENT, otherwise: [] }, () =>
        readdirSync(at(folder)).toSorted(),
      ),
    locked: (path, work) =>
      inTurn(turns, at(path), async () => {
        await attempt({ action: 'lock', path, answers: [], otherwise: undefined }, () =>
          makeFolder(at(path)),
        )
        const fd = await lock(at(path), lockWaitMs)
        try {
          return await work()
        } finally {
          closeSync(fd)
        }
      }),
  }
}

function readText(path: string): string {
  const fd = openSync(path, READING)
  try {
    return readFileSync(fd, 'utf8')
  } finally {
    closeSync(fd)
  }
}

/** The name comes with its text, whenever this process is killed: by link(2). */
function create(path: string, text: string): void {
  const temporary = temporaryFor(path)
  writeNew(temporary, text)
  try {
    linkSync(temporary, path)
  } finally {
    rmSync(temporary, { force: true })
  }
}

/** Beside `path`; {@link Files} says who takes away what a killed process leaves of these. */
function temporaryFor(path: string): string {
  return join(dirname(path), `.${process.pid}.${process.hrtime.bigint()}.tmp`)
}

function writeNew(path: string, text: string): void {
  makeFolder(path)
  const fd = openSync(path, 'wx', FILE_MODE)
  try {
    writeFileSync(fd, text)
  } catch (cause) {
    rmSync(path, { force: true })
    throw cause
  } finally {
    closeSync(fd)
  }
}

function replace(path: string, text: string): void {
  const temporary = temporaryFor(path)
  writeNew(temporary, text)
  try {
    renameSync(temporary, path)
  } catch (cause) {
    rmSync(temporary, { force: true })
    throw cause
  }
}

function makeFolder(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: FOLDER_MODE })
}

/** Descriptor that has the lock. @throws {Failure} `file-failed` */
async function lock(path: string, waitMs: number): Promise<number> {
  const until = performance.now() + waitMs
  for (let pauseMs: number = LOCK.firstMs; ; pauseMs = Math.min(pauseMs * 2, LOCK.mostMs)) {
    const [result] = await runProgram([{ op: 'lock-file', netns: -1, path }])
    if (result !== undefined && result.status === 0) {
      return new DataView(result.data.buffer, result.data.byteOffset).getUint32(0, true)
    }
    const errno = -(result?.status ?? -EWOULDBLOCK)
    if (errno !== EWOULDBLOCK) {
      const reason = `${errnoWords(errno)} (${errnoName(errno)})`
      throw fail('file-failed', { action: 'lock', path, reason })
    }
    if (performance.now() >= until) {
      throw fail('file-failed', { action: 'lock', path, reason: `held for ${waitMs} ms` })
    }
    await setTimeout(pauseMs)
  }
}

/** Runs works on one path one after the other. */
async function inTurn<T>(
  turns: Map<string, Promise<void>>,
  path: string,
  work: () => Promise<T>,
): Promise<T> {
  const before = turns.get(path)
  const { promise: turn, resolve: pass } = Promise.withResolvers<void>()
  turns.set(path, turn)
  try {
    await before
    return await work()
  } finally {
    if (turns.get(path) === turn) turns.delete(path)
    pass()
  }
}

/** What `run` gives; `otherwise` for errors that are an answer. @throws {Failure} `file-failed` */
async function attempt<T, E>(
  of: { action: string; path: string; answers: readonly string[]; otherwise: E },
  run: () => T,
): Promise<T | E> {
  try {
    return run()
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined
    if (code !== undefined && of.answers.includes(code)) return of.otherwise
    const { action, path } = of
    const errno = cause instanceof Error && 'errno' in cause ? -Number(cause.errno) : 0
    if (isExhausted(errno)) {
      const details = { step: action, of: path, text: errnoWords(errno), errno: code }
      throw fail('host-exhausted', details, cause)
    }
    throw fail('file-failed', { action, path, reason: code ?? String(cause) }, cause)
  }
}
