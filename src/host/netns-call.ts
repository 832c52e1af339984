/**
 * The one door to the netns addon (`native/netns.c`): loads it at the first
 * call and runs programs on its pool threads, never on the main one.
 * @module
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Bytes } from '#wire/netlink/attribute.ts'
import { type Answer, decodeAnswer, readMessages } from '#wire/netlink/message.ts'
import { fail } from './failures.ts'
import { type Op, type OpResult, decodeResults, encodeProgram } from './program.ts'

type Addon = { readonly transact: (program: Bytes) => Promise<Bytes> }

let loaded: Addon | undefined

/**
 * Runs operations in order in one call. After a failure without `goOn` the rest
 * is not executed. Descriptors must stay open until it settles.
 * @throws {Failure} `addon-missing`
 */
export async function runProgram(ops: readonly Op[]): Promise<readonly OpResult[]> {
  if (ops.length === 0) return []
  loaded ??= load()
  return decodeResults(await loaded.transact(encodeProgram(ops)))
}

type Waiting = {
  readonly ops: readonly Op[]
  readonly resolve: (results: readonly OpResult[]) => void
  readonly reject: (cause: unknown) => void
}
const asked: Waiting[] = []
const toAct: Waiting[] = []
let acting = 0

/**
 * Calls with effects at a time. All of them wait for one lock of the kernel
 * (RTNL), and a thread that waits for it on a busy machine costs the others.
 */
const ACTING = 2
/** Programs in one call at most: the first of them waits for the last. */
const TOGETHER = 16

/**
 * The same for questions: operations that have no effect, each executed whatever
 * becomes of the others. Those that are asked in one turn of the event loop
 * share one call: a call costs some 150 µs of waking threads, a question 20.
 */
export async function askProgram(ops: readonly Op[]): Promise<readonly OpResult[]> {
  if (ops.length === 0) return []
  return new Promise((resolve, reject) => {
    asked.push({ ops: ops.map((op) => ({ ...op, goOn: true })), resolve, reject })
    // runs after the promises of this turn, so that they all come together
    if (asked.length === 1) process.nextTick(() => void runTogether(asked.splice(0)))
  })
}

/**
 * The same for effects: those that come while others are on their way share the
 * next call, each a program of its own.
 */
export async function actProgram(ops: readonly Op[]): Promise<readonly OpResult[]> {
  if (ops.length === 0) return []
  return new Promise((resolve, reject) => {
    const own = ops.map((op, at) => (at === 0 ? { ...op, begins: true } : op))
    toAct.push({ ops: own, resolve, reject })
    void actNext()
  })
}

async function actNext(): Promise<void> {
  while (acting < ACTING && toAct.length > 0) {
    acting++
    await runTogether(toAct.splice(0, TOGETHER))
    acting--
  }
}

async function runTogether(together: readonly Waiting[]): Promise<void> {
  try {
    const results = await runProgram(together.flatMap(({ ops }) => ops))
    let at = 0
    for (const { ops, resolve } of together) resolve(results.slice(at, (at += ops.length)))
  } catch (cause) {
    for (const { reject } of together) reject(cause)
  }
}

/** The kernel's words about a failed netlink operation; undefined when it had none. */
export function wordsIn({ data }: OpResult): string | undefined {
  const answers = readMessages(data).map(decodeAnswer)
  return answers.find((answer): answer is Answer => answer !== undefined && answer.errno !== 0)
    ?.text
}

/** `VERBENA_NATIVE`, else beside the bundle (dist/) or above the sources (src/host/). */
function load(): Addon {
  const given = process.env['VERBENA_NATIVE']
  const candidates =
    given === undefined
      ? ['../build/netns.node', '../../build/netns.node'].map((path) =>
          join(import.meta.dirname, path),
        )
      : [given]
  const path = candidates.find((candidate) => existsSync(candidate))
  if (path === undefined) throw fail('addon-missing', { path: candidates.at(-1) })
  const addon: unknown = createRequire(import.meta.url)(path)
  if (!isAddon(addon)) throw fail('addon-missing', { path })
  return addon
}

function isAddon(value: unknown): value is Addon {
  return (
    typeof value === 'object' &&
    value !== null &&
    'transact' in value &&
    typeof value.transact === 'function'
  )
}
