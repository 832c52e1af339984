/**
 * Runs the whole CLI in memory, for tests: texts in, texts and status out.
 * @module
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { allocationLabels } from '#ipam/index.ts'
import type { Document } from '#needs/records.ts'
import { openRecords } from '#store/records.ts'
import type { Context } from './context.ts'
import { runCli } from './run.ts'
import { programFile } from './version.ts'

/** What a command printed, and its exit status. */
export type Ran = { readonly status: number; readonly stdout: string; readonly stderr: string }

/** A folder with a store of its own and the files of one test. */
export type Bench = AsyncDisposable & {
  readonly folder: string
  readonly store: string
  /** What stands on the machine's interfaces, as commands look at them; may be changed. */
  readonly live: Map<string, string>
  /** Namespaces of the machine, by dev:ino; may be changed. */
  readonly netns: Set<string>
  /** Writes a file into the folder; gives its path. */
  file(name: string, text: string): Promise<string>
  /** Puts documents into the store as another writer would. */
  put(...documents: readonly Document[]): Promise<void>
  /** `words` as a shell would part them; `stdin` is what `-` reads. */
  verbena(words: readonly string[], stdin?: string): Promise<Ran>
}

/** Folder of the guides' files. */
export const MANIFESTS = programFile('manifests') ?? 'manifests'

/** The pool of the IPoIB guide. */
export const POOL = `apiVersion: spiderpool.spidernet.io/v2beta1
kind: SpiderIPPool
metadata: { name: v4-91 }
spec: { subnet: 172.91.0.0/16, gateway: 172.91.0.1, ips: [172.91.0.100-172.91.0.120] }
`

/** 2026-01-01 00:02:00 UTC: a test's now, in milliseconds. */
const NOW_MS = Date.UTC(2026, 0, 1, 0, 2, 0)

export async function makeBench(): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'verbena-cli-'))
  const store = join(folder, 'store.db')
  const [live, netns] = [new Map<string, string>(), new Set<string>()]
  const look: Context['look'] = async () => ({ looked: true, live, netns, marks: new Set() })
  return {
    folder,
    store,
    live,
    netns,
    async file(name, text) {
      const path = join(folder, name)
      await writeFile(path, text)
      return path
    },
    async put(...documents) {
      await using records = await openRecords({ path: store })
      for (const document of documents) await records.create(document)
    },
    verbena: (argv, stdin = '') => runInMemory(argv, { store, stdin, look }),
    async [Symbol.asyncDispose]() {
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function runInMemory(
  argv: readonly string[],
  {
    store,
    stdin,
    look,
  }: { readonly store: string; readonly stdin: string } & Pick<Required<Context>, 'look'>,
): Promise<Ran> {
  const written = { stdout: '', stderr: '' }
  const status = await runCli({
    argv,
    env: { VERBENA_STORE: store },
    stdin: (async function* () {
      yield stdin
    })(),
    stdout: { write: (text) => (written.stdout += text) },
    stderr: { write: (text) => (written.stderr += text) },
    clock: { nowMs: () => NOW_MS },
    look,
  })
  return { status, ...written }
}

/** An address that a pod holds. */
export function allocation(address: string, podName: string, uid = `uid-of-${podName}`): Document {
  const [pool, owner, node] = ['v4-91', `${uid}/eth0`, 'node-1']
  return {
    apiVersion: 'verbena.dev/v1alpha1',
    kind: 'Allocation',
    metadata: { name: address, labels: allocationLabels({ owner, pool, node }) },
    spec: {
      address,
      pool,
      family: 4,
      owner,
      podUid: uid,
      podNamespace: 'default',
      podName,
      interface: 'eth0',
      containerId: 'c0ffee',
      node,
      network: 'ipoib',
    },
  }
}

/** A running pod. */
export function pod(name: string, podIP: string): Document {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: { containers: [{ name: 'mofed-test' }], nodeName: 'node-1' },
    status: {
      phase: 'Running',
      podIP,
      containerStatuses: [{ name: 'mofed-test', ready: true, restartCount: 0 }],
    },
  }
}

/** An agent's status socket in the folder of a bench, until it is disposed. */
export async function serveStatus(
  { folder }: Bench,
  attachments: readonly unknown[],
  also: { readonly refused?: readonly unknown[]; readonly world?: unknown } = {},
): Promise<AsyncDisposable & { readonly path: string }> {
  const path = join(folder, 'status.sock')
  const { world, ...rest } = also
  const server = createServer(({ url }, answer) => {
    const status = { node: 'node-1', attachments, ...rest }
    answer.end(JSON.stringify(url === '/world' ? (world ?? null) : status))
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return {
    path,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
