/**
 * What kubelets write into the store: their Node, the state of their pods.
 * @module
 */
import { readFileSync } from 'node:fs'
import { release } from 'node:os'
import type { Records, Stored } from '#needs/records.ts'
import { failureIn } from '#values/failure.ts'
import type { Lab } from './lab.ts'
import { nodeDocument } from './workload.ts'

/** Tries of a write that meets the agent's. */
const TRIES = 20

/** Namespaces that every cluster has, and the nodes of the run. */
export async function registerNodes({ records, nodes }: Lab): Promise<void> {
  for (const name of ['default', 'kube-system']) {
    await records.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
  }
  for (const { name, parents } of nodes) {
    const address = parents.flatMap(({ addresses }) => addresses)[0]
    await records.create(nodeDocument(name, { address, kernel: release(), os: systemName() }))
  }
}

/** Writes `status` over whatever else is written to the document meanwhile. */
export async function updateStatus(
  records: Records,
  { apiVersion, kind, metadata: { namespace, name } }: Stored,
  status: Record<string, unknown>,
): Promise<void> {
  for (let tries = 1; ; tries++) {
    const current = await records.get({ apiVersion, kind, namespace, name })
    if (current === undefined) return
    try {
      await records.replace({ ...current, status })
      return
    } catch (cause) {
      if (failureIn(cause)?.code !== 'record-conflict' || tries === TRIES) throw cause
    }
  }
}

/** `Debian GNU/Linux 12 (bookworm)`. */
function systemName(): string {
  try {
    const text = readFileSync('/etc/os-release', 'utf8')
    return /^PRETTY_NAME="?([^"\n]*)/m.exec(text)?.[1] ?? 'Linux'
  } catch {
    return process.platform
  }
}
