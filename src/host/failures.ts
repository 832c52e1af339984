/**
 * Failures of the host: its kernel, its namespaces, its files.
 * @module
 */
import { type FailureTable, failOf } from '#values/failure.ts'

/** Code → message and consequences, for every failure of `host/`. */
export const HOST_FAILURES = {
  'netns-foreign': {
    message: 'Cannot use network namespace {path}: it is a file, but no network namespace',
    retry: 'never',
    cni: 8,
    exit: 1,
    http: 409,
  },
  'dump-interrupted': {
    message: 'Cannot list {of}: they changed during each of {tries} tries',
    retry: 'now',
    cni: 11,
    exit: 1,
    http: 503,
  },
  'host-exhausted': {
    message: 'Cannot {step} {of}: {text} ({errno})',
    retry: 'later',
    cni: 11,
    exit: 1,
    http: 503,
  },
  'sysctl-invalid': {
    message: 'Cannot name sysctl {path}: it is not below /proc/sys',
    retry: 'never',
    cni: 7,
    exit: 2,
    http: 422,
  },
  'file-failed': {
    message: 'Cannot {action} {path}: {reason}',
    retry: 'later',
    cni: 5,
    exit: 1,
    http: 500,
  },
  'addon-missing': {
    message: 'Cannot load the netns addon {path}: run make native',
    retry: 'never',
    cni: 5,
    exit: 1,
    http: 500,
  },
} as const satisfies FailureTable

export const fail = failOf(HOST_FAILURES)
