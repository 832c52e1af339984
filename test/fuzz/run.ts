/**
 * A long run: `npm run fuzz -- [--target NAME] [--seconds N] [--seed S]`, all
 * targets one after the other, N seconds each. What is found goes into the
 * corpus. Exit status 1 when something was found.
 * @module
 */
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { textOfThrown } from '#values/failure.ts'
import { addToCorpus } from './corpus.ts'
import type { Found, Fuzzed } from './engine.ts'
import type { Target } from './target.ts'
import { TARGETS } from './targets.ts'
import { NOTE, type WorkerTask } from './worker.ts'

/** An input that takes longer never comes back. */
const HANGS_MS = 20_000
const MEMORY_BYTES = 1 << 20
const MOST_HEAP_MB = 1_024

const { values } = parseArgs({
  options: {
    target: { type: 'string', multiple: true },
    seconds: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 32) },
    keep: { type: 'boolean', default: true },
  },
  allowNegative: true,
})

async function fuzzInThread(target: Target, seed: number, untilMs: number): Promise<Fuzzed> {
  const memory = new SharedArrayBuffer(MEMORY_BYTES)
  const words = new Int32Array(memory, 0, 3)
  const task: WorkerTask = { name: target.name, seed, untilMs, memory }
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: task,
    resourceLimits: { maxOldGenerationSizeMb: MOST_HEAP_MB },
  })
  let [seen, sinceMs] = [0, performance.now()]
  return new Promise((resolve) => {
    const end = (fault: string): void => {
      clearInterval(watch)
      void worker.terminate()
      const inputs = words[NOTE.inputs] ?? 0
      resolve({ inputs, found: [{ input: lastOf(words, memory), fault }] })
    }
    const watch = setInterval(() => {
      const inputs = Atomics.load(words, NOTE.inputs)
      if (inputs !== seen) [seen, sinceMs] = [inputs, performance.now()]
      else if (performance.now() - sinceMs > HANGS_MS) end(`it hangs for ${HANGS_MS} ms`)
    }, 500)
    worker.on('message', (fuzzed: Fuzzed) => {
      clearInterval(watch)
      resolve(fuzzed)
    })
    worker.on('error', (error: unknown) => end(`the thread ended: ${textOfThrown(error)}`))
  })
}

function lastOf(words: Int32Array, memory: SharedArrayBuffer): Found['input'] {
  const size = words[NOTE.size] ?? 0
  const bytes = Uint8Array.from(new Uint8Array(memory, NOTE.bytesFrom, size))
  return words[NOTE.isText] === 1 ? Buffer.from(bytes).toString('utf8') : bytes
}

const seed = Number(values.seed)
const seconds = Number(values.seconds)
const chosen = TARGETS.filter(({ name }) => values.target?.includes(name) ?? true)
let all = 0
let faults = 0
for (const target of chosen) {
  const { inputs, found } = await fuzzInThread(target, seed, seconds * 1_000)
  console.log(
    `${target.name.padEnd(24)} ${String(inputs).padStart(9)} inputs, ${found.length} found`,
  )
  for (const { input, fault } of found) {
    const place = values.keep ? addToCorpus(target, input) : `${input.length} long`
    console.log(`  ${fault}\n    ${place}`)
  }
  all += inputs
  faults += found.length
}
console.log(`${chosen.length} targets, ${all} inputs, ${faults} found, seed ${seed}`)
process.exitCode = faults > 0 || chosen.length === 0 ? 1 : 0
