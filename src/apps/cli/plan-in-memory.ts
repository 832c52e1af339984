/**
 * Documents of plans, and `verbena plan -o json` in memory, for tests.
 * @module
 */
import { ok } from 'node:assert/strict'
import type { Plan } from './plan-json.ts'
import { runText, withFile } from './world-in-memory.ts'

/** Eleven addresses. */
export const POOL = {
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderIPPool',
  metadata: { name: 'v4' },
  spec: { subnet: '10.6.0.0/16', ips: ['10.6.0.10-10.6.0.20'] },
}
export const CONTAINERS = { containers: [{ name: 'c' }] }

/** A network of namespace `default`. */
export function nad(name: string, config: object): object {
  return {
    apiVersion: 'k8s.cni.cncf.io/v1',
    kind: 'NetworkAttachmentDefinition',
    metadata: { name, namespace: 'default' },
    spec: { config: JSON.stringify({ cniVersion: '1.0.0', name, ...config }) },
  }
}

/** Pod `default/a`. */
export function pod(annotations: Readonly<Record<string, string>>, metadata: object = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'a', namespace: 'default', annotations, ...metadata },
    spec: CONTAINERS,
  }
}

/** The annotation that names networks. */
export const networks = (text: string) => ({ 'k8s.v1.cni.cncf.io/networks': text })

/** What `plan -o json` prints for documents; `status` is its exit status. */
export async function planned(
  documents: readonly object[],
  options: readonly string[] = [],
): Promise<Plan & { readonly status: number }> {
  const list = { apiVersion: 'v1', kind: 'List', items: documents }
  const pair = ['--pod', 'default/a', '--node', 'node-1', '-o', 'json']
  const ran = await withFile(list, (file) => runText(['plan', '-f', file, ...pair, ...options]))
  ok(ran.stdout !== '', ran.stderr)
  const plan: Plan = JSON.parse(ran.stdout)
  return { ...plan, status: ran.status }
}
