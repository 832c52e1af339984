/**
 * Failures of the apps: what a person or a client at the door is told.
 * @module
 */
import { type FailureTable, failOf } from '#values/failure.ts'

/** Code → message and consequences, for every failure of the apps. */
export const APP_FAILURES = {
  'plugin-unknown': {
    message: 'Cannot run plugin {type}: Verbena has no plugin of that name',
    retry: 'never', cni: 7, exit: 1, http: 404,
  },
  'socket-taken': {
    message: 'Cannot listen on {path}: another agent answers there',
    retry: 'never', cni: 5, exit: 1, http: 409,
  },
  'command-invalid': {
    message: 'Cannot read the command line: {reason}', retry: 'never', cni: 4, exit: 2, http: 400,
  },
  'file-unreadable': {
    message: 'Cannot read file {file}', retry: 'never', cni: 5, exit: 1, http: 404,
  },
  'documents-refused': {
    message: 'Cannot apply: {count} errors, nothing was written',
    retry: 'never', cni: 7, exit: 1, http: 422,
  },
  'apply-contended': {
    message: 'Cannot apply: others wrote the same documents {tries} times in a row',
    retry: 'now', cni: 11, exit: 1, http: 409,
  },
  'kind-unknown': {
    message: 'Cannot find kind {word}: known kinds are {known}',
    retry: 'never', cni: 7, exit: 1, http: 404,
  },
  'object-missing': {
    message: 'Cannot find {plural} {name}{where}: not found in the store',
    retry: 'never', cni: 7, exit: 1, http: 404,
  },
  'store-absent': {
    message: 'Cannot open store {path}: no such file, verbena apply makes it',
    retry: 'never', cni: 5, exit: 1, http: 503,
  },
  'agent-absent': {
    message: 'Cannot start the agent: {path} is not built, make builds it',
    retry: 'never', cni: 5, exit: 1, http: 503,
  },
  'agent-silent': {
    message: 'Cannot ask the agent at {path} for its status',
    retry: 'later', cni: 11, exit: 1, http: 503,
  },
} as const satisfies FailureTable

export const fail = failOf(APP_FAILURES)
