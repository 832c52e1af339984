/**
 * Contract of `Records` where two clients meet: who wins, and what a watch sees.
 * @module
 */
import { deepEqual, equal } from 'node:assert/strict'
import type { Change, Records } from '#needs/records.ts'
import { type Clause, POOL, owned, pod, pool, poolRef } from './records-world.ts'

/** Longest wait for a change, in milliseconds. */
const WATCH_MS = 5_000

export const SHARING: readonly Clause[] = [
  [
    'lets exactly one of two clients create a name',
    async ({ records, other }) => {
      for (let i = 0; i < 20; i++) {
        const tries = [records, other, records, other].map((r) => r.create(pool(`p-${i}`)))
        const done = await Promise.allSettled(tries)
        equal(done.filter(({ status }) => status === 'fulfilled').length, 1)
        for (const one of done) {
          if (one.status === 'rejected') equal(one.reason.code, 'record-exists')
        }
      }
    },
  ],
  [
    'lets exactly one of two clients replace a version',
    async ({ records, other }) => {
      const made = await records.create(pool('a'))
      const done = await Promise.allSettled(
        [records, other].map((r, i) => r.replace({ ...made, spec: { i } })),
      )
      deepEqual(done.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
    },
  ],
  [
    'shows each client what the other wrote',
    async ({ records, other }) => {
      const made = await records.create(pool('a'))
      deepEqual(await other.get(poolRef('a')), made)
      await other.delete(poolRef('a'), { uid: made.metadata.uid })
      equal(await records.get(poolRef('a')), undefined)
    },
  ],
]

export const WATCHING: readonly Clause[] = [
  [
    'watches what comes after a list, in the order of writing',
    async ({ records }) => {
      await records.create(pool('before'))
      const { resourceVersion } = await records.list(POOL)
      const made = await records.create(pool('a'))
      await using seen = follow(records, { since: resourceVersion })
      await seen.reaches(['added a'])
      const next = await records.replace({ ...made, spec: {} })
      await seen.reaches(['added a', 'modified a'])
      await records.delete(poolRef('a'))
      await seen.reaches(['added a', 'modified a', 'deleted a'])
      deepEqual(seen.changes.at(-1)?.document.spec, next['spec'])
      equal(seen.changes.at(-1)?.document.metadata.uid, made.metadata.uid)
    },
  ],
  [
    'watches what another client writes',
    async ({ records, other }) => {
      const { resourceVersion } = await records.list(POOL)
      await using seen = follow(records, { since: resourceVersion })
      const made = await other.create(pool('a'))
      await seen.reaches(['added a'])
      deepEqual(seen.changes[0]?.document, made)
      await other.delete(poolRef('a'))
      await seen.reaches(['added a', 'deleted a'])
    },
  ],
  [
    'watches what goes with its owner',
    async ({ records }) => {
      const owner = await records.create(pool('owner'))
      await records.create(owned('child', owner))
      const { resourceVersion } = await records.list(POOL)
      await using seen = follow(records, { since: resourceVersion })
      await records.delete(poolRef('owner'))
      await seen.reaches(['deleted owner', 'deleted child'])
    },
  ],
  [
    'watches one kind, one namespace, one label',
    async ({ records }) => {
      const { resourceVersion: since } = await records.list(POOL)
      await using red = follow(records, { since, labels: { colour: 'red' } })
      await records.create(pod('default', 'pod'))
      await records.create(pool('blue', { colour: 'blue' }))
      await records.create(pool('red', { colour: 'red' }))
      await red.reaches(['added red'])
    },
  ],
  [
    'watches a document that leaves and enters a selection',
    async ({ records }) => {
      const made = await records.create(pool('a', { colour: 'red' }))
      const { resourceVersion: since } = await records.list(POOL)
      await using red = follow(records, { since, labels: { colour: 'red' } })
      const labels = { colour: 'blue' }
      const blue = await records.replace({ ...made, metadata: { ...made.metadata, labels } })
      await red.reaches(['deleted a'])
      await records.replace({ ...blue, metadata: { ...blue.metadata, labels: { colour: 'red' } } })
      await red.reaches(['deleted a', 'added a'])
    },
  ],
  [
    'resumes a watch at the version of its last change',
    async ({ records }) => {
      const { resourceVersion: since } = await records.list(POOL)
      await records.create(pool('a'))
      await records.create(pool('b'))
      await using first = follow(records, { since })
      await first.reaches(['added a', 'added b'])
      await using second = follow(records, { since: first.changes[0]?.resourceVersion ?? '' })
      await second.reaches(['added b'])
    },
  ],
  [
    'ends a watch that is aborted',
    async ({ records }) => {
      const seen = follow(records, { since: (await records.list(POOL)).resourceVersion })
      await seen[Symbol.asyncDispose]()
    },
  ],
]

type From = { readonly since: string; readonly labels?: Record<string, string> }

/** A watch of pools that is read as it comes. */
function follow(records: Records, { since, ...selection }: From) {
  const ended = new AbortController()
  const changes: Change[] = []
  const reading = (async () => {
    const watch = records.watch({ ...POOL, ...selection }, since, ended.signal)
    for await (const change of watch) changes.push(change)
  })()
  reading.catch(() => undefined)
  const lines = (): string[] => changes.map((c) => `${c.change} ${c.document.metadata.name}`)
  return {
    changes,
    /** Waits until exactly these changes were seen. */
    async reaches(wanted: readonly string[]): Promise<void> {
      const until = Date.now() + WATCH_MS
      while (lines().length < wanted.length && Date.now() < until) {
        await new Promise((resolve) => setTimeout(resolve, 2))
      }
      deepEqual(lines(), wanted)
    },
    async [Symbol.asyncDispose](): Promise<void> {
      ended.abort()
      await reading
    },
  }
}
