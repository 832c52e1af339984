/**
 * Error numbers of Linux as names and words.
 *
 * Spec: errno(3), include/uapi/asm-generic/errno.h.
 * @module
 */
import { constants } from 'node:os'
import { getSystemErrorMap } from 'node:util'

/** The numbers that the code tells apart. */
export const ERRNO = {
  ENOENT: 2,
  ESRCH: 3,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  EPROTONOSUPPORT: 93,
  EOPNOTSUPP: 95,
  EAFNOSUPPORT: 97,
  EADDRNOTAVAIL: 99,
  ENETUNREACH: 101,
  EHOSTUNREACH: 113,
} as const

/** No memory, no descriptors: nothing is wrong with what was asked. */
const EXHAUSTED: ReadonlySet<number> = new Set([
  constants.errno.ENOMEM,
  constants.errno.ENFILE,
  constants.errno.EMFILE,
  constants.errno.ENOBUFS,
])

/** True when the machine has no more of something now, and the same can succeed later. */
export function isExhausted(errno: number): boolean {
  return EXHAUSTED.has(errno)
}

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.errno).map(([name, number]) => [number, name]),
)

/** `ENODEV` for 19; the number itself when it has no name. */
export function errnoName(errno: number): string {
  return NAMES.get(errno) ?? String(errno)
}

/** `no such device` for 19; the name where there are no words. */
export function errnoWords(errno: number): string {
  return getSystemErrorMap().get(-errno)?.[1] ?? errnoName(errno)
}
