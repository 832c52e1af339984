/**
 * Contract of `Journal`: what an attachment's row must survive. Each test opens
 * a journal of its own.
 * @module
 */
import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { Journal, Row } from '#attach/index.ts'
import { parseIfName } from '#values/if-name.ts'
import { parseCidr } from '#values/cidr.ts'
import { parseNetnsPath } from '#values/netns.ts'

/** An empty journal. */
export type JournalWorld = {
  readonly journal: Journal
  /** The same journal as a new process finds it, the old one having been killed. */
  reopen(): Promise<Journal>
  close(): Promise<void>
}

const NETNS = parseNetnsPath('/run/netns/pod')
const ETH0 = parseIfName('eth0')

/** A row with something in every field. */
export function rowOf(attachment: string, over: Partial<Row> = {}): Row {
  return {
    attachment,
    owner: {
      pod: { namespace: 'default', name: 'a', uid: 'uid-a' },
      network: 'ipoib',
      containerId: 'c1',
      ifName: ETH0,
    },
    netns: NETNS,
    netnsId: '4:4026532281',
    mark: 'verbena:uid-a/eth0@c1',
    state: 'open',
    request: {
      cniVersion: '1.1.0',
      plugins: [{ type: 'ipoib', master: 'ib0', pkey: 1 }],
      args: 'K8S_POD_NAME=a',
      prevResult: undefined,
    },
    held: [{ held: 'allocation', name: '10.1.0.2', uid: 'u', pool: 'p' }],
    stages: [
      {
        stage: 'steps',
        steps: [{ do: 'add-address', where: NETNS, link: ETH0, cidr: parseCidr('10.1.0.2/16') }],
      },
    ],
    result: undefined,
    since: 1_700_000_000_000,
    networkRef: undefined,
    root: { type: 'ipoib', network: 'ipoib', ifName: ETH0 },
    ...over,
  }
}

/** As a row comes back: without what is undefined. */
function plain(row: Row): unknown {
  return JSON.parse(JSON.stringify(row))
}

function namesOf(rows: readonly Row[]): string[] {
  return rows.map(({ attachment }) => attachment).toSorted()
}

/** Every test of the contract, for the journal that `open` gives. */
export function journalContract(name: string, open: () => Promise<JournalWorld>): void {
  for (const [does, run] of CLAUSES) {
    test(`Journal on ${name} ${does}`, async () => {
      const world = await open()
      try {
        await run(world)
      } finally {
        await world.close()
      }
    })
  }
}

type Clause = readonly [does: string, run: (world: JournalWorld) => Promise<void> | void]

const CLAUSES: readonly Clause[] = [
  [
    'gives back what was written',
    ({ journal }) => {
      const row = rowOf('a')
      journal.write([row])
      deepEqual(plain(journal.get('a') ?? row), plain(row))
      equal(journal.get('b'), undefined)
    },
  ],
  [
    'replaces a row of the same attachment',
    ({ journal }) => {
      journal.write([rowOf('a', { state: 'intent', held: [] })])
      journal.write([rowOf('a', { state: 'attached' })])
      equal(journal.get('a')?.state, 'attached')
      deepEqual(namesOf(journal.all()), ['a'])
    },
  ],
  [
    'writes several rows, and none',
    ({ journal }) => {
      journal.write([])
      journal.write([rowOf('a'), rowOf('b'), rowOf('c')])
      deepEqual(namesOf(journal.all()), ['a', 'b', 'c'])
    },
  ],
  [
    'erases rows, and what is not there',
    ({ journal }) => {
      journal.write([rowOf('a'), rowOf('b'), rowOf('c')])
      journal.erase(['a', 'c', 'never'])
      journal.erase([])
      deepEqual(namesOf(journal.all()), ['b'])
    },
  ],
  [
    'finds rows by container, also after it changed',
    ({ journal }) => {
      const other = { ...rowOf('b').owner, containerId: 'c2' }
      journal.write([rowOf('a'), rowOf('b', { owner: other })])
      deepEqual(namesOf(journal.byContainer('c1')), ['a'])
      journal.write([rowOf('a', { owner: other })])
      deepEqual(namesOf(journal.byContainer('c1')), [])
      deepEqual(namesOf(journal.byContainer('c2')), ['a', 'b'])
    },
  ],
  [
    'keeps any text',
    ({ journal }) => {
      const row = rowOf('é/"\n', { mark: '\u0000 \\ 界' })
      journal.write([row])
      deepEqual(plain(journal.get('é/"\n') ?? rowOf('a')), plain(row))
    },
  ],
  [
    'has after a crash all that a call returned from',
    async ({ journal, reopen }) => {
      journal.write([rowOf('a'), rowOf('b')])
      journal.write([rowOf('b', { state: 'detaching' })])
      journal.erase(['a'])
      const after = await reopen()
      deepEqual(namesOf(after.all()), ['b'])
      equal(after.get('b')?.state, 'detaching')
    },
  ],
]
