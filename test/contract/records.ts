/**
 * Contract of `Records`: what every home of documents must do. Each test opens
 * a home of its own and leaves nothing in it.
 * @module
 */
import { deepEqual, equal, notEqual, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { SHARING, WATCHING } from './records-watch.ts'
import type { Stored } from '#needs/records.ts'
import { failureIn } from '#values/failure.ts'
import {
  type Clause,
  POD,
  POOL,
  type RecordsWorld,
  owned,
  pod,
  pool,
  poolRef,
} from './records-world.ts'

function namesOf(items: readonly Stored[]): string[] {
  return items.map(({ metadata }) => metadata.name)
}

/** Every test of the contract, for the home that `open` gives. */
export function recordsContract(name: string, open: () => Promise<RecordsWorld>): void {
  const contract = (does: string, run: (world: RecordsWorld) => Promise<void>): void => {
    test(`Records on ${name} ${does}`, { timeout: 30_000 }, async () => {
      const world = await open()
      try {
        await run(world)
      } finally {
        await world.close()
      }
    })
  }
  for (const [does, run] of [...WRITING, ...OWNING, ...LISTING, ...SHARING, ...WATCHING]) {
    contract(does, run)
  }
}

const WRITING: readonly Clause[] = [
  [
    'gives what it creates a uid, a version, a generation and a time',
    async ({ records }) => {
      const { metadata, ...rest } = await records.create(pool('a', { rail: '1' }))
      deepEqual(rest, { ...POOL, spec: { subnet: '10.1.0.0/16' } })
      deepEqual([metadata.name, metadata.labels, metadata.generation], ['a', { rail: '1' }, 1])
      ok(/^[0-9a-f-]{36}$/.test(metadata.uid), metadata.uid)
      ok(!Number.isNaN(Date.parse(metadata.creationTimestamp)), metadata.creationTimestamp)
      notEqual(metadata.resourceVersion, '')
    },
  ],
  [
    'gets what it created',
    async ({ records }) => {
      const made = await records.create(pod('default', 'a'))
      deepEqual(await records.get({ ...POD, namespace: 'default', name: 'a' }), made)
    },
  ],
  [
    'gets nothing under another namespace, kind or group',
    async ({ records }) => {
      await records.create(pod('default', 'a'))
      equal(await records.get({ ...POD, namespace: 'kube-system', name: 'a' }), undefined)
      equal(await records.get({ ...POD, kind: 'Node', namespace: 'default', name: 'a' }), undefined)
      equal(
        await records.get({ apiVersion: 'v2', kind: 'Pod', namespace: 'default', name: 'a' }),
        undefined,
      )
    },
  ],
  [
    'refuses a second document of one name',
    async ({ records }) => {
      const first = await records.create(pool('a'))
      await rejects(records.create(pool('a')), { code: 'record-exists' })
      deepEqual(await records.get(poolRef('a')), first)
    },
  ],
  [
    'creates what comes together, and refuses alone what has a name that is taken',
    async ({ records }) => {
      await records.create(pool('b'))
      const names = ['a', 'b', 'c', 'a']
      const done = await Promise.allSettled(names.map((name) => records.create(pool(name))))
      deepEqual(
        done.map((one) => (one.status === 'fulfilled' ? 'made' : failureIn(one.reason)?.code)),
        ['made', 'record-exists', 'made', 'record-exists'],
      )
      const { items } = await records.list(POOL)
      deepEqual(
        items.map(({ metadata }) => metadata.name),
        ['a', 'b', 'c'],
      )
      equal(new Set(items.map(({ metadata }) => metadata.resourceVersion)).size, 3)
    },
  ],
  [
    'replaces by compare-and-swap',
    async ({ records }) => {
      const made = await records.create(pool('a'))
      const next = await records.replace({
        ...made,
        spec: { subnet: '10.1.0.0/16', disable: true },
      })
      notEqual(next.metadata.resourceVersion, made.metadata.resourceVersion)
      equal(next.metadata.uid, made.metadata.uid)
      equal(next.metadata.creationTimestamp, made.metadata.creationTimestamp)
      await rejects(records.replace({ ...made, spec: {} }), { code: 'record-conflict' })
      deepEqual(await records.get(poolRef('a')), next)
    },
  ],
  [
    'counts changes of spec as generations, of status and labels not',
    async ({ records }) => {
      const made = await records.create(pool('a'))
      const labelled = await records.replace({
        ...made,
        metadata: { ...made.metadata, labels: { a: 'b' } },
        status: { totalIPCount: 1 },
      })
      equal(labelled.metadata.generation, 1)
      equal((await records.replace({ ...labelled, spec: {} })).metadata.generation, 2)
    },
  ],
  [
    'refuses to replace what is not there',
    async ({ records }) => {
      const made = await records.create(pool('a'))
      await records.delete(poolRef('a'))
      await rejects(records.replace(made), { code: 'record-missing' })
    },
  ],
  [
    'deletes once',
    async ({ records }) => {
      await records.create(pool('a'))
      equal(await records.delete(poolRef('a')), true)
      equal(await records.delete(poolRef('a')), false)
      equal(await records.get(poolRef('a')), undefined)
    },
  ],
  [
    'deletes by uid only that very object',
    async ({ records }) => {
      const first = await records.create(pool('a'))
      await records.delete(poolRef('a'))
      const second = await records.create(pool('a'))
      notEqual(second.metadata.uid, first.metadata.uid)
      await rejects(records.delete(poolRef('a'), { uid: first.metadata.uid }), {
        code: 'record-conflict',
      })
      equal(await records.delete(poolRef('a'), { uid: second.metadata.uid }), true)
    },
  ],
  [
    'does not give the version of a deleted document to another',
    async ({ records }) => {
      const first = await records.create(pool('a'))
      await records.delete(poolRef('a'))
      const second = await records.create(pool('a'))
      await rejects(records.replace({ ...first, spec: {} }), { code: 'record-conflict' })
      notEqual(second.metadata.resourceVersion, first.metadata.resourceVersion)
    },
  ],
  [
    'keeps any text and number of a document',
    async ({ records }) => {
      const spec = { text: 'é \u0000 "\\ \n', list: [1, 2.5, null, true], deep: { a: { b: [] } } }
      await records.create({ ...POOL, metadata: { name: 'a' }, spec })
      deepEqual((await records.get(poolRef('a')))?.['spec'], spec)
    },
  ],
]

const OWNING: readonly Clause[] = [
  [
    'deletes with a controller what it owns, and what that owns',
    async ({ records }) => {
      const owner = await records.create(pool('owner'))
      const child = await records.create(owned('child', owner))
      await records.create(owned('grandchild', child))
      await records.create(pool('other'))
      await records.delete(poolRef('owner'))
      deepEqual(namesOf((await records.list(POOL)).items), ['other'])
    },
  ],
  [
    'leaves what names another as its controller',
    async ({ records }) => {
      const owner = await records.create(pool('owner'))
      const child = owned('child', owner)
      const references = child.metadata.ownerReferences?.map((r) => ({ ...r, controller: false }))
      await records.create({
        ...child,
        metadata: { ...child.metadata, ownerReferences: references ?? [] },
      })
      await records.delete(poolRef('owner'))
      deepEqual(namesOf((await records.list(POOL)).items), ['child'])
    },
  ],
]

const LISTING: readonly Clause[] = [
  [
    'lists one kind by namespace and name',
    async ({ records }) => {
      for (const [namespace, name] of [
        ['b', 'y'],
        ['a', 'z'],
        ['b', 'x'],
        ['a-b', 'm'],
      ] as const) {
        await records.create(pod(namespace, name))
      }
      await records.create(pool('a'))
      const { items, next } = await records.list(POD)
      deepEqual(items.map((i) => `${i.metadata.namespace}/${i.metadata.name}`).toSorted(), [
        'a-b/m',
        'a/z',
        'b/x',
        'b/y',
      ])
      equal(next, undefined)
      deepEqual(namesOf((await records.list({ ...POD, namespace: 'b' })).items), ['x', 'y'])
    },
  ],
  [
    'lists by all of several labels',
    async ({ records }) => {
      await records.create(pool('a', { rail: '1', site: 'x' }))
      await records.create(pool('b', { rail: '1', site: 'y' }))
      await records.create(pool('c', { rail: '2', site: 'x' }))
      const named = async (labels: Record<string, string>): Promise<string[]> =>
        namesOf((await records.list({ ...POOL, labels })).items)
      deepEqual(await named({ rail: '1' }), ['a', 'b'])
      deepEqual(await named({ rail: '1', site: 'x' }), ['a'])
      deepEqual(await named({ rail: '3' }), [])
    },
  ],
  [
    'lists by the labels that a document has now',
    async ({ records }) => {
      const made = await records.create(pool('a', { rail: '1' }))
      await records.replace({ ...made, metadata: { ...made.metadata, labels: { rail: '2' } } })
      deepEqual(namesOf((await records.list({ ...POOL, labels: { rail: '1' } })).items), [])
      deepEqual(namesOf((await records.list({ ...POOL, labels: { rail: '2' } })).items), ['a'])
    },
  ],
  [
    'lists in pages, each document once',
    async ({ records }) => {
      for (let i = 0; i < 25; i++) {
        await records.create(pool(`p-${String(i).padStart(2, '0')}`, { even: String(i % 2 === 0) }))
      }
      for (const labels of [undefined, { even: 'true' }]) {
        const found: string[] = []
        let from: string | undefined
        do {
          const page = await records.list({
            ...POOL,
            limit: 4,
            ...(labels && { labels }),
            ...(from !== undefined && { from }),
          })
          ok(page.items.length <= 4)
          found.push(...namesOf(page.items))
          from = page.next
        } while (from !== undefined)
        equal(found.length, labels === undefined ? 25 : 13)
        deepEqual(found, [...new Set(found)].toSorted())
      }
    },
  ],
]
