/** Time and chance as needs, so that a plan and a test own them. @module */

/** Time. */
export interface Clock {
  /** Milliseconds since 1970-01-01 UTC. */
  nowMs(): number
  /** Resolves after `ms`, or at once when `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** Chance and identity. */
export interface Random {
  /** A whole number in 0..below-1. */
  below(below: number): number
  /** RFC 9562 version 4. */
  uuid(): string
}
