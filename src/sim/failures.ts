/**
 * Failures of the simulated host that a real one does not have.
 * @module
 */
import { type FailureTable, failOf } from '#values/failure.ts'

/** Code → message and consequences, for every failure of `sim/`. */
export const SIM_FAILURES = {
  'sim-world-invalid': {
    message: 'Cannot build simulated host: {of}: {reason}',
    retry: 'never',
    cni: 7,
    exit: 2,
    http: 422,
  },
  /** What a test throws from `beforeEffect`; nothing of the agent happens after it. */
  'sim-killed': {
    message: 'Agent was killed before effect {n}, {effect} of {step}',
    retry: 'later',
    cni: 11,
    exit: 1,
    http: 503,
  },
} as const satisfies FailureTable

export const fail = failOf(SIM_FAILURES)
