/**
 * An agent over a simulated host: its own verbs, features and journal, with a
 * kernel, files and a store that are memory. What it does touches nothing, and
 * can be looked at afterwards.
 * @module
 */
import type { Journal, Row } from '#attach/index.ts'
import type { Random } from '#needs/clock.ts'
import type { Files } from '#needs/files.ts'
import type { Records } from '#needs/records.ts'
import type { World } from '#schema/world.ts'
import { simFiles } from '#sim/files.ts'
import { type SimKernel, simKernel } from '#sim/kernel.ts'
import { withDefaults } from '#sim/world-defaults.ts'
import type { SimWorld } from '#sim/world.ts'
import { worldOf } from '#sim/write-world.ts'
import { openJournal } from '#store/journal.ts'
import { openRecords } from '#store/records.ts'
import { shortHash } from '#values/hash.ts'
import type { PodRef } from '#values/owner.ts'
import type { State } from './state.ts'
import { type Grounds, type Verbs, verbsOver } from './verbs-over.ts'
import { type Loaded, loadState } from './world-objects.ts'

/** A PodResources answer, and the name of its file. */
export type PodResources = { readonly file: string; readonly text: string }

export type WhatIfOptions = Pick<Grounds, 'node' | 'clusterNetwork' | 'confFolder'> & {
  readonly world: World
  /** Rows that an earlier call printed. */
  readonly rows: readonly unknown[]
  /** Admitted documents. */
  readonly state: State
  /** The pod of the request: its Pod gets that uid where its document has none. */
  readonly pod: PodRef | undefined
  /** The kubelet's PodResources answer; undefined for the checkpoint among the world's files. */
  readonly podResources: PodResources | undefined
  readonly nowMs: () => number
  /** Chance is the same for the same text. */
  readonly seed: string
}

export type WhatIf = AsyncDisposable & {
  readonly kernel: SimKernel
  readonly records: Records
  readonly journal: Journal
  /** The documents as the store has them at first. */
  readonly loaded: Loaded
  readonly verbs: Verbs
  /** The host as it was at first, written whole. */
  readonly before: SimWorld
}

/** @throws {Failure} `sim-world-invalid`: two things of the world do not fit together */
export async function openWhatIf(options: WhatIfOptions): Promise<WhatIf> {
  const { world, state, pod, nowMs, seed } = options
  const kernel = simKernel(withDefaults(world))
  const before = worldOf(kernel)
  const records = await openRecords({ path: ':memory:', keepsUid: true })
  const journal = openJournal({ path: ':memory:' })
  journal.write(rowsOf(options.rows))
  const loaded = await loadState(state, records, pod)
  const verbs = verbsOver({
    ...options,
    kernel,
    records,
    journal,
    files: withAnswer(simFiles(kernel.host), options.podResources),
    podResources: options.podResources?.file,
    clock: { nowMs, sleep: () => Promise.resolve() },
    random: randomOf(seed),
  })
  return {
    kernel,
    records,
    journal,
    loaded,
    verbs,
    before,
    async [Symbol.asyncDispose]() {
      await verbs[Symbol.asyncDispose]()
      await journal[Symbol.asyncDispose]()
      await records[Symbol.asyncDispose]()
    },
  }
}

/** The answer is in no world: it is read where the command line names it. */
function withAnswer(files: Files, answer: PodResources | undefined): Files {
  if (answer === undefined) return files
  return { ...files, read: async (path) => (path === answer.file ? answer.text : files.read(path)) }
}

/** The reader of the world looked at what they must have. */
function rowsOf(printed: readonly unknown[]): Row[] {
  return JSON.parse(JSON.stringify(printed))
}

/** Numbers that look random (a linear congruential generator), from a text. */
function randomOf(seed: string): Random {
  let state = Number.parseInt(shortHash(seed).slice(-6), 36) >>> 0
  const below = (bound: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * bound)
  }
  const hex = (digits: number): string =>
    Array.from({ length: digits }, () => below(16).toString(16)).join('')
  const uuid = (): string => `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`
  return { below, uuid }
}
