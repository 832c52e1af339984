/**
 * What can happen, as one number each, so that a history is a list of numbers:
 * fast to make, and simple to shrink (0 is the ADD of pod 0, with nothing wrong).
 * @module
 */

export const KINDS = [
  ...['add', 'del', 'add', 'del', 'add', 'del', 'new-container', 'repeat', 'late-del'],
  ...['gc', 'restart', 'recreate', 'settle', 'store', 'pool', 'clock', 'both', 'check'],
] as const

export type Operation = {
  readonly kind: (typeof KINDS)[number]
  readonly pod: number
  /** Which container, pool, or other choice. */
  readonly choice: number
  /** The agent is killed before this change; undefined: not at all. */
  readonly killedAt: number | undefined
  /** The runtime never gets the answer. */
  readonly lost: boolean
}

/** Numbers of operations are below this. */
export const OPERATIONS = 2 ** 30
/** Of 16 requests so many go without an accident. */
const QUIET = 11
const MOST_CHANGES = 24

export function operationOf(number: number): Operation {
  const kind = KINDS[number % KINDS.length] ?? 'add'
  let rest = Math.floor(number / KINDS.length)
  const take = (below: number): number => {
    const value = rest % below
    rest = Math.floor(rest / below)
    return value
  }
  const [pod, accident, choice, at] = [take(8), take(16), take(16), take(MOST_CHANGES)]
  const isKilled = accident >= QUIET && accident < 15
  return { kind, pod, choice, killedAt: isKilled ? at + 1 : undefined, lost: accident === 15 }
}

/** For people: `add pod-1, killed before change 3`. */
export function formatOperation(number: number): string {
  const { kind, pod, choice, killedAt, lost } = operationOf(number)
  const killed = killedAt === undefined ? '' : `, killed before change ${killedAt}`
  return `${kind} pod-${pod} (${choice})${killed}${lost ? ', answer lost' : ''}`
}
