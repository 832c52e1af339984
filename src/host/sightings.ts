/**
 * Links of the host that a question has just found: a plan made from the answer
 * needs no second look for their indexes. Linux gives an index out again only
 * after two thousand million others, so one that is stale leads nowhere (ENODEV)
 * and never to another link.
 *
 * Spec: Linux net/core/dev.c, dev_index_reserve().
 * @module
 */
import type { IfName } from '#values/if-name.ts'

/** How long an answer serves, in milliseconds: an ADD plans and acts within a few. */
const KEPT_MS = 200

export class Sightings {
  readonly #seen = new Map<IfName, { readonly index: number; readonly atMs: number }>()

  /** A link of the host's namespace was found. */
  found(name: IfName, index: number): void {
    this.#seen.set(name, { index, atMs: performance.now() })
  }

  /** Its index, when it was found just now. */
  indexOf(name: IfName): number | undefined {
    const seen = this.#seen.get(name)
    if (seen === undefined) return undefined
    if (performance.now() - seen.atMs <= KEPT_MS) return seen.index
    this.#seen.delete(name)
    return undefined
  }

  /** The kernel knew better. True when there was anything to forget. */
  forget(): boolean {
    const had = this.#seen.size > 0
    this.#seen.clear()
    return had
  }
}
