/**
 * Fuzzes one target in a thread of its own, so that what hangs or runs out of
 * memory ends nothing else. Before each input it notes it down where the other
 * side can see it.
 * @module
 */
import { parentPort, workerData } from 'node:worker_threads'
import { corpusOf } from './corpus.ts'
import { bytesOf, fuzz } from './engine.ts'
import { rngOf } from './random.ts'
import { TARGETS } from './targets.ts'

/** Words at the beginning of the memory: how many inputs, bytes of the last, 1 where it is text. */
export const NOTE = { inputs: 0, size: 1, isText: 2, bytesFrom: 12 } as const

export type WorkerTask = {
  readonly name: string
  readonly seed: number
  readonly untilMs: number
  readonly memory: SharedArrayBuffer
}

async function work({ name, seed, untilMs, memory }: WorkerTask): Promise<void> {
  const target = TARGETS.find((one) => one.name === name)
  if (target === undefined) throw new Error(`no target ${name}`)
  const words = new Int32Array(memory, 0, 3)
  const bytes = new Uint8Array(memory, NOTE.bytesFrom)
  const fuzzed = await fuzz({
    target,
    corpus: corpusOf(target),
    rng: rngOf(seed),
    untilMs,
    most: Number.POSITIVE_INFINITY,
    before(input) {
      const content = bytesOf(input).subarray(0, bytes.length)
      bytes.set(content)
      words[NOTE.size] = content.length
      words[NOTE.isText] = typeof input === 'string' ? 1 : 0
      Atomics.add(words, NOTE.inputs, 1)
    },
  })
  parentPort?.postMessage(fuzzed)
}

if (parentPort !== null) await work(workerData)
