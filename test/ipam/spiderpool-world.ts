/**
 * A store in memory with pools, and IPAM requests as the agent makes them.
 * @module
 */
import { deepEqual } from 'node:assert/strict'
import { type Reservation, admitPool, allocationsOf, fieldOf, spiderpoolIpam } from '#ipam/index.ts'
import type { Document, Records } from '#needs/records.ts'
import { openRecords } from '#store/records.ts'
import { parseIfName } from '#values/if-name.ts'

/** Chance of the machine. */
export const random = {
  below: (below: number) => Math.floor(Math.random() * below),
  uuid: () => '',
}

/** A store with pools, and the IPAM of one agent over it. */
export async function world(
  pools: Record<string, object>,
  node = 'node-1',
  more: Partial<Parameters<typeof spiderpoolIpam>[0]> = {},
) {
  const records = await openRecords({ path: ':memory:' })
  for (const [name, spec] of Object.entries(pools)) await putPool(records, name, spec)
  const followed: (() => Promise<void>)[] = []
  const follow = (work: () => Promise<void>): void => void followed.push(work)
  const ipam = spiderpoolIpam({ records, random, node, follow, ...more })
  return {
    records,
    ipam,
    /** Does what follows the answers. */
    async settle() {
      await Promise.all(followed.splice(0).map((work) => work()))
    },
    async [Symbol.asyncDispose]() {
      await ipam[Symbol.asyncDispose]()
      await records[Symbol.asyncDispose]()
    },
  }
}

/** Admits and stores a pool. */
export async function putPool(
  records: Records,
  name: string,
  spec: object,
  metadata: object = {},
): Promise<void> {
  const raw = {
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderIPPool',
    metadata: { name, ...metadata },
    spec,
  }
  const { document, faults } = admitPool(raw, { previous: undefined, others: [] })
  deepEqual(faults, [])
  if (document !== undefined) await records.create(document)
}

/** What a test asks for; the rest is as it mostly is. */
export type Asked = {
  ipam?: object
  pod?: string
  uid?: string
  ifName?: string
  container?: string
  requested?: string[]
  annotations?: Record<string, string>
  namespace?: Record<string, string>
  status?: object
  podSpec?: object
  labels?: Record<string, string>
  ownerReferences?: Document['metadata']['ownerReferences']
}

/** A request as attach/ makes it. */
export function asking(ipam: ReturnType<typeof spiderpoolIpam>, asked: Asked = {}) {
  const { pod = 'a', ifName = 'eth0', container = `c-${pod}`, requested = [] } = asked
  const part = { type: 'spiderpool', default_ipv4_ippool: ['v4'], ...asked.ipam }
  const document: Document = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: pod,
      namespace: 'default',
      uid: asked.uid ?? `uid-${pod}`,
      annotations: asked.annotations ?? {},
      labels: asked.labels ?? {},
      ownerReferences: asked.ownerReferences ?? [],
    },
    spec: asked.podSpec ?? {},
    status: asked.status ?? { phase: 'Pending' },
  }
  const namespace: Document = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'default', annotations: asked.namespace ?? {} },
  }
  return {
    conf: ipam.parse({ cniVersion: '1.1.0', name: 'net', type: 'ipoib', ipam: part }).conf,
    owner: {
      pod: { namespace: 'default', name: pod, uid: asked.uid ?? `uid-${pod}` },
      network: 'net',
      containerId: container,
      ifName: parseIfName(ifName),
    },
    cniVersion: '1.1.0' as const,
    requested,
    args: '',
    pod: document,
    namespace,
  }
}

/** The addresses of an answer. */
export function ipsOf({ addressing }: Reservation): string[] {
  return addressing.ips.map(({ address }) => address)
}

/** Every allocation: name, pod, interface. */
export async function held(records: Records): Promise<string[]> {
  const { items } = await records.list(allocationsOf('all'))
  return items.map(
    (item) => `${item.metadata.name} ${fieldOf(item, 'podName')} ${fieldOf(item, 'interface')}`,
  )
}

/** Stores a document as it is. */
export function putDocument(records: Records, document: Document) {
  return records.create(document)
}
