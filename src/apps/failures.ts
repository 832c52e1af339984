/**
 * Failures of the apps: what a person or a client at the door is told.
 * @module
 */
import { type FailureTable, failOf } from '#values/failure.ts'

/** Code → message and consequences, for every failure of the apps. */
export const APP_FAILURES = {
  'socket-taken': {
    message: 'Cannot listen on {path}: another agent answers there',
    retry: 'never',
    cni: 5,
    exit: 1,
    http: 409,
  },
  'command-invalid': {
    message: 'Cannot read the command line: {reason}',
    retry: 'never',
    cni: 4,
    exit: 2,
    http: 400,
  },
  'file-unreadable': {
    message: 'Cannot read file {file}',
    retry: 'never',
    cni: 5,
    exit: 1,
    http: 404,
  },
  'documents-refused': {
    message: 'Cannot apply: {count} errors, nothing was written',
    retry: 'never',
    cni: 7,
    exit: 1,
    http: 422,
  },
  'apply-contended': {
    message: 'Cannot apply: others wrote the same documents {tries} times in a row',
    retry: 'now',
    cni: 11,
    exit: 1,
    http: 409,
  },
  'kind-unknown': {
    message: 'Cannot find kind {word}: known kinds are {known}',
    retry: 'never',
    cni: 7,
    exit: 1,
    http: 404,
  },
  'object-missing': {
    message: 'Cannot find {plural} {name}{where}: not found in the store',
    retry: 'never',
    cni: 7,
    exit: 1,
    http: 404,
  },
  'store-absent': {
    message: 'Cannot open store {path}: no such file, verbena apply makes it',
    retry: 'never',
    cni: 5,
    exit: 1,
    http: 503,
  },
  'agent-absent': {
    message: 'Cannot start the agent: {path} is not built, make builds it',
    retry: 'never',
    cni: 5,
    exit: 1,
    http: 503,
  },
  'agent-silent': {
    message: 'Cannot ask the agent at {path} for its status',
    retry: 'later',
    cni: 11,
    exit: 1,
    http: 503,
  },
  'lab-ground-impossible': {
    message: 'Cannot run the lab on ground {ground}: {reason}',
    retry: 'never',
    cni: 5,
    exit: 1,
    http: 409,
  },
  'lab-command-failed': {
    message: 'Cannot run {command}: {reason}',
    retry: 'never',
    cni: 5,
    exit: 1,
    http: 500,
  },
  'lab-waited': {
    message: 'Cannot go on: waited {seconds} s for {what}',
    retry: 'later',
    cni: 11,
    exit: 1,
    http: 504,
  },
  'lab-process-ended': {
    message: 'Cannot keep the {program} running: it ended, its last words are {said}',
    retry: 'never',
    cni: 5,
    exit: 1,
    http: 500,
  },
  'lab-nothing-to-run': {
    message: 'Cannot run a pod: the files hold no DaemonSet',
    retry: 'never',
    cni: 7,
    exit: 1,
    http: 422,
  },
  'lab-pod-refused': {
    message: 'Cannot attach pod {pod} on {node}: {reason}',
    retry: 'never',
    cni: 5,
    exit: 1,
    http: 409,
  },
  'lab-ping-lost': {
    message: 'Cannot reach {to} from pod {pod}: {lost}{why}',
    retry: 'never',
    cni: 5,
    exit: 1,
    http: 500,
  },
  'lab-left-over': {
    message: 'Cannot call run {run} clean: {left}',
    retry: 'never',
    cni: 5,
    exit: 1,
    http: 500,
  },
  'lab-run-unknown': {
    message: 'Cannot find run {run}: there is no record of it in {folder}',
    retry: 'never',
    cni: 7,
    exit: 1,
    http: 404,
  },
} as const satisfies FailureTable

export const fail = failOf(APP_FAILURES)
