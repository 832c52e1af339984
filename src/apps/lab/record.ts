/**
 * What a run has made so far, in a file of its folder: enough to end the run
 * from another process, and to compare the machine with what it was before.
 * @module
 */
import { readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fail } from '#apps/failures.ts'
import type { Stored } from '#needs/records.ts'
import { isRecord } from '#schema/zod.ts'
import { execute } from './command.ts'
import type { Bound } from './ground.ts'
import type { Observed } from './observed.ts'
import { type Run, netnsName } from './run.ts'

export type RunRecord = {
  readonly before: Observed
  readonly nodes: { readonly name: string; pid: number | undefined }[]
  readonly pods: (Bound & { pid: number | undefined })[]
}

const FILE = 'run.json'

export async function writeRecord(run: Run, record: RunRecord): Promise<void> {
  await writeFile(join(run.folder, FILE), JSON.stringify(record), { mode: 0o600 })
}

/** @throws {Failure} `lab-run-unknown` */
export async function readRecord(run: Run): Promise<RunRecord> {
  const text = await readFile(join(run.folder, FILE), 'utf8').catch((cause: unknown) => {
    throw fail('lab-run-unknown', { run: run.id, folder: run.folder }, cause)
  })
  const raw: unknown = JSON.parse(text)
  if (!isRecord(raw)) throw fail('lab-run-unknown', { run: run.id, folder: run.folder })
  return {
    before: observedIn(raw['before']),
    nodes: recordsIn(raw['nodes']).map((one) => ({ name: String(one['name']), pid: pidIn(one) })),
    pods: recordsIn(raw['pods']).flatMap((one) => {
      const pod = podIn(one['pod'])
      const { node, containerId } = one
      if (pod === undefined) return []
      return [{ pod, node: String(node), containerId: String(containerId), pid: pidIn(one) }]
    }),
  }
}

/** Removes all namespaces of a run, or with `leave` all but the last. */
export async function removeNamespaces(
  run: Run,
  of: { readonly env: Readonly<Record<string, string | undefined>>; readonly leave: boolean },
): Promise<string[]> {
  const names = (await readdir('/run/netns').catch(() => []))
    .filter((name) => name.startsWith(netnsName(run, '')))
    .toSorted()
  const gone = of.leave ? names.slice(0, -1) : names
  const problems: string[] = []
  for (const name of gone) {
    const { env } = of
    const ran = await execute({ words: ['ip', 'netns', 'delete', name], env })
    if (ran.status !== 0) problems.push(`namespace ${name}: ${ran.all.trim()}`)
  }
  return problems
}

function podIn(value: unknown): Stored | undefined {
  if (!isRecord(value) || !isRecord(value['metadata'])) return undefined
  const { name, namespace, uid } = value['metadata']
  const metadata = {
    name: String(name),
    namespace: String(namespace),
    uid: String(uid),
    resourceVersion: '',
    creationTimestamp: '',
  }
  return { apiVersion: 'v1', kind: 'Pod', metadata }
}

function observedIn(value: unknown): Observed {
  if (!isRecord(value)) return {}
  return Object.fromEntries(
    Object.entries(value).map(([key, lines]) => [
      key,
      Array.isArray(lines) ? lines.filter((line) => typeof line === 'string') : [],
    ]),
  )
}

function recordsIn(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : []
}

function pidIn({ pid }: Record<string, unknown>): number | undefined {
  return typeof pid === 'number' ? pid : undefined
}
