/**
 * One agent's life: every change of the world that it is about to make is a
 * point at which it can be killed. After that it does nothing any more: each
 * further change is refused, as if it had never been asked for.
 * @module
 */
import type { Step } from '#values/step.ts'

/** A change that was about to be made; `step` is undefined where it is none of the kernel's. */
export type Point = { readonly what: string; readonly step: Step['do'] | undefined }

export type Life = {
  /** @throws {Error} here the agent is killed, or it was before */
  point(what: string, step?: Step['do']): void
  readonly passed: readonly Point[]
  /** Where it was killed. */
  readonly end: Point | undefined
}

/** An agent that is killed before its change number `last`, counted from 1; or never. */
export function makeLife(last = Number.POSITIVE_INFINITY): Life {
  const passed: Point[] = []
  let end: Point | undefined
  return {
    passed,
    get end() {
      return end
    },
    point(what, step) {
      if (end === undefined && passed.length + 1 >= last) end = { what, step }
      if (end !== undefined) throw new Error(`agent was killed before ${end.what}`)
      passed.push({ what, step })
    },
  }
}
