/**
 * A store, a journal and interfaces that agree, and every way in which they do
 * not: for tests of `check` and `repair`.
 * @module
 */
import { ok } from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Row } from '#attach/index.ts'
import { openJournal } from '#store/journal.ts'
import { openRecords } from '#store/records.ts'
import { parseIfName } from '#values/if-name.ts'
import { parseNetnsPath } from '#values/netns.ts'
import { allocation, type Bench, makeBench, pod, POOL } from './cli-in-memory.ts'

/** An address that is held, and a free one. */
export const [HELD, FREE] = ['172.91.0.100', '172.91.0.105'] as const
const NETNS = '4:1001'

/** A store with the guide's pool, a pod that is attached, its agent's journal. */
export async function filled(): Promise<Bench> {
  const bench = await makeBench()
  await bench.verbena(['apply', '-f', '-'], POOL)
  await bench.put(pod('ipoib-psf4q', HELD))
  const uid = await uidOfPod(bench)
  await bench.put(allocation(HELD, 'ipoib-psf4q', uid))
  bench.live.set(HELD, 'eth0 in /run/netns/p1')
  bench.netns.add(NETNS)
  await writeRows(bench, rowOf(bench, uid, HELD))
  return bench
}

async function uidOfPod(bench: Bench): Promise<string> {
  const { stdout } = await bench.verbena(['get', 'pod', 'ipoib-psf4q', '-o', 'json'])
  return JSON.parse(stdout).metadata.uid
}

/** The journal of its agent. */
export function journalOf({ folder }: Bench): string {
  return join(folder, 'node-1', 'journal.db')
}

async function writeRows(bench: Bench, ...rows: readonly Row[]): Promise<void> {
  await mkdir(join(bench.folder, 'node-1'), { recursive: true })
  await using journal = openJournal({ path: journalOf(bench) })
  journal.write(rows)
}

function rowOf(_: Bench, uid: string | undefined, address: string, netnsId = NETNS): Row {
  const containerId = uid === undefined ? 'beef' : 'c0ffee'
  const pod = uid === undefined ? undefined : { namespace: 'default', name: 'ipoib-psf4q', uid }
  const [ifName, network] = [parseIfName('eth0'), 'ipoib']
  const key = uid === undefined ? `ipoib/${containerId}/eth0` : `${uid}/eth0`
  return {
    attachment: `${key}/verbena`,
    owner: { pod, network, containerId, ifName },
    netns: parseNetnsPath('/run/netns/p1'),
    netnsId,
    mark: `verbena:${key}`,
    state: 'attached',
    request: { cniVersion: '1.0.0', plugins: [], args: '', prevResult: undefined },
    held: [{ held: 'allocation', name: address, uid: 'of-the-record', pool: 'v4-91' }],
    stages: [],
    result: undefined,
    since: 0,
    networkRef: undefined,
    root: { network, ifName, type: 'verbena' },
  }
}

/** Writes into a file past everybody. */
export function inFile(path: string, ...statements: readonly string[]): void {
  const db = new DatabaseSync(path)
  for (const statement of statements) db.exec(statement)
  db.close()
}

async function change(bench: Bench, name: string, of: (spec: object) => object): Promise<void> {
  await using records = await openRecords({ path: bench.store })
  const ref = { apiVersion: 'verbena.dev/v1alpha1', kind: 'Allocation', namespace: undefined, name }
  const found = await records.get(ref)
  ok(found)
  await records.replace({ ...found, ...of(found) })
}

const NAMED = `kind = (SELECT id FROM kinds WHERE kind = 'Allocation') AND name =`

export type Planting = {
  readonly damage: string
  readonly plant: (bench: Bench) => Promise<void> | void
  /** Words with which check names it. */
  readonly says: RegExp
  /** What is held in the end. */
  readonly holds?: readonly string[]
  readonly words?: (bench: Bench) => string[]
}

/** Every damage. */
export const PLANTINGS: readonly Planting[] = [
  {
    damage: 'holder-gone',
    plant: (bench) => bench.put(allocation(FREE, 'gone')),
    says: /pod default\/gone .*does not exist/,
  },
  {
    damage: 'holder-gone',
    plant: (bench) => bench.put(allocation(FREE, 'ipoib-psf4q', 'uid-of-an-older-one')),
    says: /with UID uid-of-an-older-one does not exist/,
  },
  {
    damage: 'outside-pool',
    plant: async (bench) => bench.put(allocation('172.91.0.99', 'ipoib-psf4q', 'x')),
    says: /outside the addresses of pool v4-91/,
  },
  {
    damage: 'pool-missing',
    plant: async (bench) => {
      const uid = await uidOfPod(bench)
      await bench.put({ ...allocation(FREE, 'ipoib-psf4q', uid) })
      await change(bench, FREE, ({ spec }: { spec?: object }) => ({ spec: { ...spec, pool: 'x' } }))
    },
    says: /its pool x does not exist/,
  },
  {
    damage: 'held-twice',
    plant: async (bench) => bench.put(allocation(FREE, 'ipoib-psf4q', await uidOfPod(bench))),
    says: /holds 172\.91\.0\.100 of the same pool too/,
  },
  {
    damage: 'address-twice',
    plant: async (bench) => {
      const twin = allocation(HELD, 'twin')
      await bench.put({ ...twin, metadata: { ...twin.metadata, name: FREE } })
    },
    says: /it holds 172\.91\.0\.100, which default\/ipoib-psf4q \(eth0\) holds too/,
  },
  {
    damage: 'misnamed',
    plant: async (bench) => {
      const uid = await uidOfPod(bench)
      await bench.verbena(['delete', 'allocation', HELD])
      const lost = allocation(HELD, 'ipoib-psf4q', uid)
      await bench.put({ ...lost, metadata: { ...lost.metadata, name: FREE } })
    },
    says: /it holds 172\.91\.0\.100, which is not its name/,
  },
  {
    damage: 'misnamed',
    plant: (bench) => {
      const lost = allocation(FREE, 'gone')
      return bench.put({ ...lost, metadata: { ...lost.metadata, name: 'x' } })
    },
    says: /its name is no address; it holds 172\.91\.0\.105/,
  },
  {
    damage: 'unreadable',
    plant: (bench) => change(bench, HELD, () => ({ spec: {} })),
    says: /it says nothing of its address and pool and owner/,
  },
  {
    damage: 'mislabelled',
    plant: (bench) =>
      change(bench, HELD, ({ metadata }: { metadata?: object }) => ({
        metadata: { ...metadata, labels: {} },
      })),
    says: /it cannot be found by verbena\.dev\/owner/,
  },
  {
    damage: 'used-not-held',
    plant: async (bench) => void (await bench.verbena(['delete', 'allocation', HELD])),
    says: /eth0 of container c0ffee uses it, nobody holds it/,
  },
  {
    damage: 'unused',
    plant: async (bench) => {
      const one = allocation(FREE, 'ipoib-psf4q', await uidOfPod(bench))
      const spec = Object(one['spec'])
      const owner = 'other/eth0'
      await bench.put({ ...one, spec: { ...spec, owner } })
      await bench.put(pod('other', FREE))
    },
    says: /no interface of default\/ipoib-psf4q \(eth0\) has it, and no agent knows of it/,
  },
  {
    damage: 'released',
    plant: async (bench) => {
      const one = allocation(FREE, 'ipoib-psf4q', await uidOfPod(bench))
      const spec = { ...Object(one['spec']), owner: 'ipoib/beef/eth0', podUid: '' }
      await bench.put({ ...one, spec, status: { state: 'releasing' } })
    },
    says: /gave it back, and its interface is gone/,
  },
  {
    damage: 'pool-empty',
    plant: async (bench) => {
      await using records = await openRecords({ path: bench.store })
      const spec = { subnet: '10.1.0.0/16', ips: ['10.1.0.1'], ipVersion: 4 }
      await records.create({
        apiVersion: 'spiderpool.spidernet.io/v2beta1',
        kind: 'SpiderIPPool',
        metadata: { name: 'old', deletionTimestamp: '2026-01-01T00:00:00Z' },
        spec,
      })
    },
    says: /SpiderIPPool\/old +it is terminating and holds no address any more/,
  },
  {
    damage: 'pool-counts',
    plant: async (bench) => {
      await using records = await openRecords({ path: bench.store })
      const [apiVersion, kind] = ['spiderpool.spidernet.io/v2beta1', 'SpiderIPPool']
      const found = await records.get({ apiVersion, kind, namespace: undefined, name: 'v4-91' })
      ok(found)
      await records.replace({ ...found, status: { allocatedIPCount: 7, totalIPCount: 21 } })
    },
    says: /its status counts 7 allocations, there are 1/,
  },
  {
    damage: 'endpoint-gone',
    plant: (bench) =>
      bench.put({
        apiVersion: 'spiderpool.spidernet.io/v2beta1',
        kind: 'SpiderEndpoint',
        metadata: { name: 'gone', namespace: 'default' },
        status: { current: { uid: 'uid-of-gone', ips: [] }, ownerControllerType: 'DaemonSet' },
      }),
    says: /SpiderEndpoint\/default\/gone +its pod with UID uid-of-gone does not exist/,
  },
  {
    damage: 'row-unreadable',
    plant: async (bench) => {
      await bench.put(allocation(FREE, 'gone'))
      inFile(bench.store, `UPDATE documents SET body = '{"api' WHERE ${NAMED} '${FREE}'`)
    },
    says: /Allocation\/172\.91\.0\.105 +its text is no JSON object/,
  },
  {
    damage: 'row-unreadable',
    plant: (bench) =>
      inFile(bench.store, `UPDATE documents SET body = 'x' WHERE ${NAMED} '${HELD}'`),
    says: /Allocation\/172\.91\.0\.100 +its text is no JSON object/,
  },
  {
    damage: 'row-unreadable',
    plant: async (bench) => {
      await bench.put(pod('other', FREE))
      inFile(bench.store, `UPDATE documents SET body = '[]' WHERE name = 'other'`)
    },
    says: /Pod\/default\/other +its text is no JSON object/,
  },
  {
    damage: 'row-misplaced',
    plant: (bench) =>
      inFile(bench.store, `UPDATE documents SET labels = '' WHERE ${NAMED} '${HELD}'`),
    says: /it is found by other labels than its own/,
  },
  {
    damage: 'journal-unreadable',
    plant: (bench) =>
      inFile(journalOf(bench), `INSERT INTO attachments VALUES ('a/eth0/verbena', 'c1', '{}')`),
    says: /Journal\/node-1\/a\/eth0\/verbena +its text is that of another attachment/,
  },
  {
    damage: 'row-misplaced',
    plant: (bench) => inFile(journalOf(bench), `UPDATE attachments SET container = 'x'`),
    says: /it is found by another container than its own/,
  },
  {
    damage: 'row-empty',
    plant: async (bench) => writeRows(bench, rowOf(bench, undefined, FREE, '4:9')),
    says: /Journal\/node-1\/ipoib\/beef\/eth0\/verbena +the namespace and the links of container/,
  },
  {
    damage: 'file-unused',
    plant: async (bench) => {
      await mkdir(join(bench.folder, 'net'))
      await writeFile(join(bench.folder, 'net', '10.8.0.2'), 'beef\r\neth0')
      await writeFile(join(bench.folder, 'net', '10.8.0.3'), 'c0ffee\r\neth0')
    },
    says: /net\/10\.8\.0\.2 +no interface has the address, and no agent knows of container beef/,
    words: ({ folder }) => ['--host-local', join(folder, 'net')],
  },
]
