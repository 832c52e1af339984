/**
 * Targets: what stands in files: rows of the journal and of the store, the
 * folder of host-local, worlds.
 * @module
 */
import { deepEqual } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { settleReleases, recover } from '#attach/index.ts'
import { checkAllocations, hostLocalIpam, planRepairs } from '#ipam/index.ts'
import type { Document } from '#needs/records.ts'
import { simHost } from '#sim/read-world.ts'
import { withDefaults } from '#sim/world-defaults.ts'
import { simKernel } from '#sim/kernel.ts'
import { worldOf } from '#sim/write-world.ts'
import { world as worldSchema } from '#schema/world.ts'
import { readWith } from '#schema/zod.ts'
import { openJournal } from '#store/journal.ts'
import { openRecords } from '#store/records.ts'
import { damagedAttachments, damagedDocuments } from '#store/salvage.ts'
import { parseIfName } from '#values/if-name.ts'
import { isJsonObject } from '#wire/cni/conf.ts'
import { bootAgent } from '#test/scenarios/memory-agent.ts'
import { makeGround } from '#test/scenarios/ground.ts'
import { simFiles } from '#sim/files.ts'
import { WORLD } from '#test/scenarios/world.ts'
import { textOf } from './engine.ts'
import { jsonOf } from './targets-cni.ts'
import { must, type Target } from './target.ts'

const OWNER = {
  pod: { namespace: 'default', name: 'a', uid: 'u-1' },
  network: 'net',
  containerId: 'c0ffee',
  ifName: parseIfName('eth0'),
}
const ROW = {
  attachment: 'u-1/eth0/verbena',
  owner: OWNER,
  netns: '/run/netns/p1',
  netnsId: '4:4026531841',
  mark: 'verbena:u-1/eth0@c0ffee',
  state: 'open',
  request: {
    cniVersion: '1.0.0',
    plugins: [
      { type: 'macvlan', master: 'eth1', name: 'net', ipam: { type: 'spiderpool' } },
      { type: 'coordinator', name: 'net' },
    ],
    args: '',
  },
  held: [{ held: 'allocation', name: '10.7.0.100', uid: 'x', pool: 'v4' }],
  stages: [
    {
      stage: 'steps',
      steps: [
        {
          do: 'create-link',
          netns: '/run/netns/p1',
          way: 'in-place',
          temp: 'vb12',
          name: 'eth0',
          mark: 'verbena:u-1/eth0@c0ffee',
          spec: { kind: 'macvlan', parent: 'eth1', mode: 'bridge' },
        },
        {
          do: 'add-route',
          where: 'host',
          route: { dst: '10.7.0.100/32', dev: 'eth1', table: 254 },
        },
        { do: 'set-sysctl', where: 'host', path: 'net/ipv4/ip_forward', value: '1', was: '0' },
      ],
    },
    { stage: 'foreign', type: 'acme', env: {}, stdin: '{}', answer: '' },
  ],
  result: { interfaces: [], ips: [{ address: '10.7.0.100/16' }], routes: [], dns: {} },
  since: 0,
  root: { network: 'net', ifName: 'eth0', type: 'verbena' },
}
const ALLOCATION = {
  apiVersion: 'verbena.dev/v1alpha1',
  kind: 'Allocation',
  metadata: { name: '10.7.0.100', uid: 'u', labels: { 'verbena.dev/pool': 'v4' } },
  spec: { address: '10.7.0.100', pool: 'v4', owner: 'u-1/eth0', podUid: 'u-1', node: 'node-1' },
}
const POOL = {
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderIPPool',
  metadata: { name: 'v4', uid: 'p' },
  spec: { subnet: '10.7.0.0/16', ips: ['10.7.0.100-10.7.0.119'], ipVersion: 4 },
}

/** A row as it may stand in the file, and what an agent does at its start. */
async function startOver(text: string): Promise<void> {
  await using ground = await makeGround(WORLD, [])
  const key = String(Object(jsonOf(text)?.json)['attachment'])
  const row = jsonOf(text)?.json
  if (!isJsonObject(row)) return
  const journal = { ...ground.journal }
  const rows = new Map([[key, JSON.parse(text)]])
  Object.assign(journal, {
    all: () => [...rows.values()],
    get: (attachment: string) => rows.get(attachment),
    byContainer: () => [...rows.values()],
    write: () => undefined,
    erase: (keys: readonly string[]) => keys.forEach((one) => rows.delete(one)),
  })
  const { attach } = bootAgent({ ...ground, journal })
  await recover(attach)
  await settleReleases(attach)
}

let made: string | undefined

/** A folder of this thread, which goes with it. */
function folder(): string {
  if (made !== undefined) return made
  const path = mkdtempSync(join(tmpdir(), 'verbena-fuzz-'))
  process.once('exit', () => rmSync(path, { recursive: true, force: true }))
  made = path
  return path
}

/** A file of each sort, in memory's place: rows are put in as they are. */
async function rowInJournal(body: string): Promise<void> {
  const path = join(folder(), 'journal.db')
  await using journal = openJournal({ path })
  const db = new DatabaseSync(path)
  try {
    db.exec('DELETE FROM attachments')
    db.prepare("INSERT INTO attachments VALUES ('u-1/eth0/verbena', 'c0ffee', ?)").run(body)
    const damaged = damagedAttachments(path).some(({ readable }) => !readable)
    if (!damaged) must('a row that is not damaged reads', () => journal.all())
    journal.all()
  } finally {
    db.close()
  }
}

async function rowInStore(body: string): Promise<void> {
  const path = join(folder(), 'store.db')
  await using records = await openRecords({ path })
  const db = new DatabaseSync(path)
  const { apiVersion, kind } = ALLOCATION
  const ref = { apiVersion, kind, namespace: undefined, name: ALLOCATION.metadata.name }
  try {
    db.exec('DELETE FROM documents')
    await records.create(ALLOCATION)
    db.prepare('UPDATE documents SET body = ?').run(body)
    damagedDocuments(path)
    await records.get(ref)
    await records.list({ apiVersion, kind })
  } finally {
    db.close()
  }
}

async function folderOfHostLocal(text: string): Promise<void> {
  const files = new Map<string, string>()
  const lines = text.split('\n---\n')
  for (const [i, line] of lines.entries()) {
    files.set(
      `/d/net/${line.split('\t')[0]?.replaceAll('/', '') || i}`,
      line.split('\t')[1] ?? line,
    )
  }
  files.set('/d/net/last_reserved_ip.0', lines[0] ?? '')
  const ipam = hostLocalIpam({ files: simFiles({ files }) })
  const part = { type: 'host-local', subnet: '10.8.0.0/24', dataDir: '/d' }
  const { conf } = ipam.parse({ name: 'net', ipam: part })
  const common = { conf, owner: OWNER }
  const asked = { requested: [], args: '', pod: undefined, namespace: undefined }
  const { held } = await ipam.reserve({ ...common, ...asked, cniVersion: '1.0.0' })
  await ipam.release({ ...common, held })
}

function checkOf(raw: unknown): void {
  const documents = (Array.isArray(raw) ? raw : [raw]).filter(isDocument)
  const of = (kind: string): Document[] => documents.filter((one) => one.kind === kind)
  const live = new Map([['10.7.0.101', 'eth0']])
  const state = {
    allocations: of('Allocation'),
    pools: of('SpiderIPPool'),
    pods: of('Pod'),
    endpoints: of('SpiderEndpoint'),
    uses: [],
    nodes: new Set(['node-1']),
    busy: new Set<string>(),
    live,
  }
  planRepairs(checkAllocations(state), state, { looked: true, live })
}

/** What the store gives is a document at least: its reader holds that much. */
function isDocument(raw: unknown): raw is Document {
  if (!isJsonObject(raw) || typeof raw['kind'] !== 'string') return false
  const { metadata } = raw
  return isJsonObject(metadata) && typeof metadata['name'] === 'string'
}

export const STORE_TARGETS: readonly Target[] = [
  {
    name: 'journal-row',
    form: 'json',
    seeds: () => [JSON.stringify(ROW), '{"attachment'],
    run: (input) => rowInJournal(textOf(input)),
  },
  {
    name: 'journal-recover',
    form: 'json',
    seeds: () => [JSON.stringify(ROW)],
    run: (input) => startOver(textOf(input)),
  },
  {
    name: 'record-row',
    form: 'json',
    seeds: () => [JSON.stringify(ALLOCATION), '{"metadata'],
    run: (input) => rowInStore(textOf(input)),
  },
  {
    name: 'check-documents',
    form: 'json',
    seeds: () => [JSON.stringify([ALLOCATION, POOL, { ...POOL, kind: 'SpiderEndpoint' }])],
    run(input) {
      const raw = jsonOf(textOf(input))
      if (raw !== undefined) checkOf(raw.json)
    },
  },
  {
    name: 'host-local-folder',
    form: 'text',
    seeds: () => ['10.8.0.2\tc0ffee\r\neth0\n---\n10.8.0.3\tc0ffee\n---\nlock\t'],
    run: (input) => folderOfHostLocal(textOf(input)),
  },
  {
    name: 'world',
    form: 'json',
    seeds: () => [JSON.stringify(WORLD)],
    run(input) {
      const read = readWith(worldSchema, jsonOf(textOf(input))?.json)
      if (!read.ok) return
      const written = worldOf(simKernel(withDefaults(read.value)))
      const again = must('what was written reads', () => worldOf(simKernel(simHost(written))))
      deepEqual(again, written)
    },
  },
]
