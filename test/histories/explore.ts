/**
 * Looks for a history that breaks a law, and shrinks it.
 * @module
 */
import fc from 'fast-check'
import { formatOperation, OPERATIONS } from './operation.ts'
import type { Playing } from './game.ts'
import { play } from './play.ts'

export type Exploring = Playing & {
  readonly seed: number
  /** Where a shrunk history is, as fast-check names it; undefined for all. */
  readonly path: string | undefined
  /** Operations in all, about. */
  readonly operations: number
  /** Operations of one history at most. */
  readonly length: number
  /** False leaves what was found as long as it is. */
  readonly shrinks?: boolean
}

export type Explored = {
  readonly operations: number
  readonly histories: number
  /** For people: seed, path, the shrunk history and its fault; undefined where all laws hold. */
  readonly broken: string | undefined
  readonly seed: number
  readonly path: string | undefined
}

/** Never throws. */
export async function explore(exploring: Exploring): Promise<Explored> {
  const { seed, path, length, shrinks = true } = exploring
  const endOnFailure = !shrinks || path !== undefined
  let [operations, histories] = [0, 0]
  const history = fc.array(fc.nat(OPERATIONS - 1), { maxLength: length, size: 'max' })
  const property = fc.asyncProperty(history, async (numbers) => {
    const played = await play(numbers, exploring)
    operations += played.operations
    histories++
    return played.fault === undefined
  })
  for (let turn = 0; ; turn++) {
    const left = exploring.operations - operations
    const numRuns = path === undefined ? Math.ceil(left / length) : 1
    const replay = path === undefined ? {} : { path }
    const checked = await fc.check(property, {
      seed: seed + turn,
      numRuns,
      endOnFailure,
      ...replay,
    })
    const [shrunk] = checked.counterexample ?? []
    if (shrunk !== undefined) {
      const at = checked.counterexamplePath ?? ''
      const broken = await describe(shrunk, { exploring, seed: checked.seed, at })
      return { operations, histories, broken, seed: checked.seed, path: at }
    }
    if (path !== undefined || operations >= exploring.operations) {
      return { operations, histories, broken: undefined, seed, path: undefined }
    }
  }
}

async function describe(
  history: readonly number[],
  { exploring, seed, at }: { exploring: Exploring; seed: number; at: string },
): Promise<string> {
  const { fault } = await play(history, exploring)
  const { level, length } = exploring
  const options = `--level ${level} --length ${length} --seed ${seed} --path ${at}`
  const lines = history.map(
    (number, i) => `${String(i + 1).padStart(4)} ${formatOperation(number)}`,
  )
  return [`${fault}`, ...lines, `again: npm run histories -- ${options}`].join('\n')
}
