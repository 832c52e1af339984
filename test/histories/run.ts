/**
 * Histories as many as wanted: `npm run histories -- [--operations N]
 * [--level whole|addresses] [--length N] [--seed S] [--path P] [--mutant M]
 * [--threads N]`. Each thread has a seed of its own, from S on. Exit status 1
 * when a law is broken; the history, its seed and path are printed.
 * @module
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import type { Explored, Exploring } from './explore.ts'
import { MUTANTS } from './mutant.ts'

/** Seeds of two threads are so far apart: each goes on to the next when it has time. */
const APART = 1_000_000

const { values } = parseArgs({
  options: {
    operations: { type: 'string', default: '1000000' },
    level: { type: 'string', default: 'addresses' },
    length: { type: 'string', default: '120' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 30) },
    path: { type: 'string' },
    mutant: { type: 'string' },
    threads: { type: 'string', default: String(availableParallelism()) },
  },
})

const startedMs = performance.now()
const seed = Number(values.seed)
const threads = values.path === undefined ? Number(values.threads) : 1
const level = values.level === 'whole' ? 'whole' : 'addresses'
const mutant = MUTANTS.find((one) => one === values.mutant)
const exploring: Exploring = {
  level,
  ...(mutant === undefined ? {} : { mutant }),
  lookEvery: 10,
  seed,
  path: values.path,
  operations: Math.ceil(Number(values.operations) / threads),
  length: Number(values.length),
}

function exploreInThread(task: Exploring): Promise<Explored> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./thread.ts', import.meta.url), { workerData: task })
    worker.once('message', resolve)
    worker.once('error', reject)
  })
}

const all = await Promise.all(
  Array.from({ length: threads }, (_, i) =>
    exploreInThread({ ...exploring, seed: seed + i * APART }),
  ),
)
const broken = all.map((one) => one.broken).find((text) => text !== undefined)
const sum = (of: (one: Explored) => number): number =>
  all.reduce((total, one) => total + of(one), 0)
const operations = sum((one) => one.operations)
const seconds = (performance.now() - startedMs) / 1_000
if (broken !== undefined) console.log(broken)
console.log(
  `${level}: ${operations} operations in ${sum((one) => one.histories)} histories, seed ${seed}, ` +
    `${threads} threads, ${seconds.toFixed(1)} s, ${Math.round(operations / seconds)} a second` +
    (broken === undefined ? ': every law holds' : ': a law is broken'),
)
process.exitCode = broken === undefined ? 0 : 1
