/**
 * One damage with what would be done about it: what `repair` shows, asks for,
 * and does.
 * @module
 */

export type Planned = {
  /** `Allocation/172.91.0.112`. */
  readonly object: string
  /** In one word. */
  readonly damage: string
  readonly cause: string
  /** What is done; `none: ...` where it is left to a person, and why. */
  readonly action: string
  /** False when it was no longer as it was seen; undefined where nothing is to be done. */
  readonly mend: (() => Promise<boolean>) | undefined
}

/** Equal for the same repair of the same damage, seen at two times. */
export function keyOf({ object, damage, action }: Planned): string {
  return [object, damage, action].join('\n')
}
