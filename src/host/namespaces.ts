/**
 * Network namespaces by path: opened once for a call, entered by descriptor, so
 * that a path which changes meanwhile cannot lead elsewhere.
 *
 * Spec: network_namespaces(7); proc(5), /proc/PID/ns. All namespaces are files of
 * one file system (nsfs), so one is known by the device number of our own.
 * @module
 */
import { closeSync, constants, fstatSync, openSync, statSync } from 'node:fs'
import { fail as failValue } from '#values/failures.ts'
import type { NetnsPath, Where } from '#values/netns.ts'
import type { NetnsState } from '#needs/kernel.ts'
import { errnoWords, isExhausted } from './errno.ts'
import { fail } from './failures.ts'

/** Where the host is, as seen from this process. */
export type HostView = {
  /** Descriptor of the namespace called `host`; -1: that of this process. */
  readonly hostNetns: number
  /** Prefix of every path of the host: empty, or where a container has it mounted. */
  readonly hostRoot: string
}

type Opened =
  | { readonly netns: 'there'; readonly fd: number; readonly id: string }
  | { readonly netns: 'gone' | 'foreign' }

// Without NONBLOCK a path that is a pipe would hold the thread.
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY
const OWN = '/proc/self/ns/net'
/** Where the kernel puts links whose namespace ends: the first process is in it. */
const INITIAL = '/proc/1/ns/net'

/** The namespaces of one call. Closes what it opened. */
export class Namespaces implements Disposable {
  readonly #host: HostView
  readonly #opened = new Map<string, Opened>()

  constructor(host: HostView) {
    this.#host = host
  }

  /** Descriptor, or undefined when there is no namespace at this path. */
  find(where: Where): number | undefined {
    if (where === 'host') return this.#host.hostNetns
    const opened = this.#open(this.#host.hostRoot + where)
    return opened.netns === 'there' ? opened.fd : undefined
  }

  /** @throws {Failure} `netns-gone`, or `netns-foreign` for a file that is no namespace */
  enter(where: Where): number {
    if (where === 'host') return this.#host.hostNetns
    const opened = this.#open(this.#host.hostRoot + where)
    if (opened.netns === 'there') return opened.fd
    throw opened.netns === 'gone'
      ? failValue('netns-gone', { netns: where, reason: 'No such file or directory' })
      : fail('netns-foreign', { path: where })
  }

  /** Descriptor of this process's own namespace, where a message wants one. */
  own(): number {
    const opened = this.#open(OWN)
    if (opened.netns === 'there') return opened.fd
    throw failValue('netns-gone', { netns: OWN, reason: 'No such file or directory' })
  }

  /** The host's namespace, and the initial one where that is another and can be seen. */
  homes(): readonly number[] {
    const { hostNetns } = this.#host
    const initial = this.#open(INITIAL)
    const home = hostNetns < 0 ? own().id : idOf(hostNetns)
    return initial.netns === 'there' && initial.id !== home ? [hostNetns, initial.fd] : [hostNetns]
  }

  [Symbol.dispose](): void {
    for (const opened of this.#opened.values()) {
      if (opened.netns === 'there') closeSync(opened.fd)
    }
    this.#opened.clear()
  }

  #open(path: string): Opened {
    const known = this.#opened.get(path)
    if (known !== undefined) return known
    const opened = openNetns(path)
    this.#opened.set(path, opened)
    return opened
  }
}

/** What a path stands for, without opening it. @throws {Failure} `host-exhausted` */
export function netnsState(host: HostView, path: NetnsPath): NetnsState {
  const seen = lookAt(host.hostRoot + path, (at) => statSync(at))
  if (seen === undefined) return { netns: 'gone' }
  if (seen === UNREADABLE || seen.dev !== own().dev) return { netns: 'foreign' }
  const id = `${seen.dev}:${seen.ino}`
  const ids = [own().id, host.hostNetns < 0 ? undefined : idOf(host.hostNetns)]
  return { netns: 'there', id, own: ids.includes(id) }
}

function openNetns(path: string): Opened {
  const fd = lookAt(path, (at) => openSync(at, FLAGS))
  if (fd === undefined) return { netns: 'gone' }
  if (fd === UNREADABLE) return { netns: 'foreign' }
  try {
    const { dev, ino } = fstatSync(fd)
    if (dev === own().dev) return { netns: 'there', fd, id: `${dev}:${ino}` }
  } catch (cause) {
    closeSync(fd)
    throw cause
  }
  closeSync(fd)
  return { netns: 'foreign' }
}

const UNREADABLE = 'unreadable'

/**
 * Undefined when there is no such file; one that is there may be unreadable.
 * @throws {Failure} `host-exhausted`: then nobody knows, and nothing may be taken for gone
 */
function lookAt<T>(path: string, look: (path: string) => T): T | typeof UNREADABLE | undefined {
  try {
    return look(path)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    const errno = cause instanceof Error && 'errno' in cause ? -Number(cause.errno) : 0
    if (isExhausted(errno)) {
      const text = errnoWords(errno)
      throw fail('host-exhausted', { step: 'open', of: path, text, errno: code }, cause)
    }
    // ESRCH: the process of /proc/PID/ns/net ended after the path was looked up.
    const isGone = code === 'ENOENT' || code === 'ENOTDIR' || code === 'ESRCH'
    return isGone ? undefined : UNREADABLE
  }
}

function idOf(fd: number): string {
  const { dev, ino } = fstatSync(fd)
  return `${dev}:${ino}`
}

type Own = { readonly dev: number; readonly id: string }
let ownFound: Own | undefined

/** The namespace of this process: its main thread never leaves it, so it is looked at once. */
function own(): Own {
  if (ownFound !== undefined) return ownFound
  const { dev, ino } = statSync(OWN)
  ownFound = { dev, id: `${dev}:${ino}` }
  return ownFound
}
