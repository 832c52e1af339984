/**
 * The last refusal of each interface that was asked for, for people who wonder
 * why a pod does not start. Memory only; the log has all of them.
 * @module
 */
import { parseCniArgs, podOfArgs } from '#wire/cni/args.ts'
import type { ShimRequest } from './server.ts'

/** An ADD that was refused, and not answered well since. */
export type Refusal = {
  readonly podUid: string | undefined
  readonly containerId: string
  readonly ifName: string
  readonly code: string
  readonly text: string
  /** Milliseconds since 1970. */
  readonly atMs: number
}

/** Interfaces that are remembered; the one refused longest ago goes first. */
const MOST = 256

export class Refusals {
  readonly #last = new Map<string, Refusal>()

  /** An ADD was refused, at `atMs` since 1970. */
  note(request: ShimRequest, why: { code: string; text: string }, atMs: number): void {
    const {
      CNI_COMMAND: verb,
      CNI_CONTAINERID: containerId = '',
      CNI_IFNAME: ifName = '',
    } = request.env
    if (verb !== 'ADD') return
    const podUid = podOfArgs(parseCniArgs(request.env['CNI_ARGS'] ?? ''))?.uid
    const key = keyOf(request)
    this.#last.delete(key)
    this.#last.set(key, { podUid, containerId, ifName, ...why, atMs })
    const [oldest] = this.#last.keys()
    if (this.#last.size > MOST && oldest !== undefined) this.#last.delete(oldest)
  }

  /** It was attached after all, or taken down. */
  forget(request: ShimRequest): void {
    if (this.#last.size > 0) this.#last.delete(keyOf(request))
  }

  /** Oldest first. */
  all(): readonly Refusal[] {
    return [...this.#last.values()]
  }
}

function keyOf({ env }: ShimRequest): string {
  return `${env['CNI_CONTAINERID']} ${env['CNI_IFNAME']}`
}
