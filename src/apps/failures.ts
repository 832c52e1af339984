/**
 * Failures of the apps: what a person or a client at the door is told.
 * @module
 */
import { type FailureTable, failOf } from '#values/failure.ts'

/** Code → message and consequences, for every failure of the apps. */
export const APP_FAILURES = {
  'verb-unsupported': {
    message: 'unknown CNI_COMMAND: {verb}', retry: 'never', cni: 4, exit: 1, http: 400,
  },
  'plugin-unknown': {
    message: 'Cannot run plugin {type}: Verbena has no plugin of that name',
    retry: 'never', cni: 7, exit: 1, http: 404,
  },
  'agent-stopping': {
    message: 'Cannot serve: the agent is stopping', retry: 'later', cni: 11, exit: 1, http: 503,
  },
  'socket-taken': {
    message: 'Cannot listen on {path}: another agent answers there',
    retry: 'never', cni: 5, exit: 1, http: 409,
  },
} as const satisfies FailureTable

export const fail = failOf(APP_FAILURES)
