/**
 * The fuzzer: takes an input of the corpus, changes it, runs the target, and
 * keeps what breaks it. No coverage is measured: what guides it is that inputs
 * which are answered by a value, and not by a failure, are changed further.
 * @module
 */
import { mutateBytes } from './mutate-bytes.ts'
import { mutateJson } from './mutate-json.ts'
import { mutateText } from './mutate-text.ts'
import type { Rng } from './random.ts'
import { faultOf, type Input, type Target } from './target.ts'

export type Found = { readonly input: Input; readonly fault: string }

export type Fuzzed = {
  readonly inputs: number
  /** One of each fault. */
  readonly found: readonly Found[]
}

export type Fuzzing = {
  readonly target: Target
  /** At least one. */
  readonly corpus: readonly Input[]
  readonly rng: Rng
  /** Ends after so many milliseconds, or inputs. */
  readonly untilMs: number
  readonly most: number
  /** Told of every input before it is run: what hangs is known. */
  readonly before?: (input: Input) => void
}

/** Inputs of a run that are kept beside the corpus. */
const MOST_KEPT = 500
/** What is longer is run, and not changed further; what is longer still is not run. */
const LENGTH = { kept: 1 << 14, run: 1 << 19 } as const
const MOST_FOUND = 20

/** Every input of the corpus first, as it is. */
export async function fuzz(fuzzing: Fuzzing): Promise<Fuzzed> {
  const { target, corpus, rng, untilMs, most, before = () => undefined } = fuzzing
  const kept: Input[] = [...corpus]
  const found = new Map<string, Found>()
  const endMs = performance.now() + untilMs
  let inputs = 0
  for (; inputs < corpus.length || (performance.now() < endMs && inputs < most); inputs++) {
    const input = corpus[inputs] ?? mutate(target, rng.pick(kept), rng.pick(kept), rng)
    before(input)
    const fault = await faultOf(target, input)
    if (fault === undefined) {
      const short = input.length <= LENGTH.kept
      if (short && inputs >= corpus.length && rng.oneIn(50)) keep(kept, input, rng, corpus.length)
      continue
    }
    const key = fault.replaceAll(/\d+/g, 'N').slice(0, 120)
    const known = found.get(key)
    if (known === undefined || input.length < known.input.length) found.set(key, { input, fault })
    if (found.size >= MOST_FOUND) break
  }
  return { inputs, found: [...found.values()] }
}

function keep(kept: Input[], input: Input, rng: Rng, fixed: number): void {
  if (kept.length < MOST_KEPT + fixed) kept.push(input)
  else kept[fixed + rng.below(MOST_KEPT)] = input
}

function mutate({ form }: Target, input: Input, other: Input, rng: Rng): Input {
  if (form === 'bytes') return mutateBytes(bytesOf(input), rng, bytesOf(other))
  const change = form === 'json' ? mutateJson : mutateText
  return change(textOf(input), rng, textOf(other)).slice(0, LENGTH.run)
}

export function bytesOf(input: Input): Uint8Array {
  return new Uint8Array(typeof input === 'string' ? Buffer.from(input, 'utf8') : input)
}

export function textOf(input: Input): string {
  return typeof input === 'string' ? input : Buffer.from(input).toString('utf8')
}
