/**
 * Automatic pools among documents: made for the workloads that were written,
 * by all documents together, since a subnet may stand behind the workload that
 * asks for it. Standalone no controller makes them later.
 * @module
 */
import {
  admitPool,
  type Application,
  autoPoolName,
  autoPoolsFor,
  autoPoolsOf,
  holdsNothing,
  isReclaimed,
  POOL_LABEL,
} from '#ipam/index.ts'
import type { Document } from '#needs/records.ts'
import { POOL_KIND, SPIDER_API_VERSION } from '#schema/spider-ip-pool.ts'
import { SPIDER_SUBNET_KIND } from '#schema/spider-subnet.ts'
import { RESERVED_IP_KIND } from '#schema/spider-reserved-ip.ts'
import { type AdmissionError, objectName } from '#values/admission.ts'
import { settingsIn } from './settings.ts'
import { documentsOf, keyOf, type State, withDocument, withoutKeys } from './state.ts'

export const POOL = { apiVersion: SPIDER_API_VERSION, kind: POOL_KIND } as const
export const SPIDER_SUBNET = { apiVersion: SPIDER_API_VERSION, kind: SPIDER_SUBNET_KIND } as const
export const RESERVED_IP = { apiVersion: SPIDER_API_VERSION, kind: RESERVED_IP_KIND } as const
const NODE = { apiVersion: 'v1', kind: 'Node' } as const

export type WithAutoPools = {
  readonly state: State
  /** Keys of pools that were made or changed, and of those that nobody asks for any more. */
  readonly generated: readonly string[]
  readonly obsolete: readonly string[]
  readonly errors: readonly (AdmissionError & { readonly key: string })[]
  readonly warnings: readonly string[]
}

/** `written` are the keys of the documents that are looked at. */
export function withAutoPools(state: State, written: readonly string[]): WithAutoPools {
  const start: WithAutoPools = { state, generated: [], obsolete: [], errors: [], warnings: [] }
  return written.reduce((before, key) => {
    const document = before.state.get(key)
    return document === undefined ? before : take(before, document)
  }, start)
}

function take(before: WithAutoPools, workload: Document): WithAutoPools {
  const { state } = before
  const pools = documentsOf(state, POOL)
  const standing = autoPoolsFor(workload, pools)
  const { pools: made, faults } = autoPoolsOf(workload, {
    settings: settingsIn(state),
    subnets: documentsOf(state, SPIDER_SUBNET),
    pools,
    reserved: documentsOf(state, RESERVED_IP),
    nodes: documentsOf(state, NODE).length,
  })
  if (faults.length > 0) {
    const { kind, metadata } = workload
    const object = objectName({ kind, namespace: metadata.namespace, name: metadata.name })
    const errors = faults.map((fault) => ({ object, ...fault, key: keyOf(workload) }))
    return { ...before, errors: [...before.errors, ...errors] }
  }
  const admitted = made.map((pool) => admittedPool(pool, state))
  const keys = admitted.map(keyOf)
  const left = standing.filter((pool) => !keys.includes(keyOf(pool)) && isReclaimed(pool))
  const gone = left.filter(holdsNothing)
  const kept = left.filter((pool) => !gone.includes(pool))
  return {
    state: withoutKeys(admitted.reduce(withDocument, state), gone.map(keyOf)),
    generated: [...before.generated, ...keys],
    obsolete: [...before.obsolete, ...gone.map(keyOf)],
    errors: before.errors,
    warnings: [
      ...before.warnings,
      ...kept.map(
        ({ metadata }) =>
          `SpiderIPPool ${metadata.name} is asked for no more and still holds addresses: it stays`,
      ),
    ],
  }
}

/** As admission leaves it: with what it inherits of its subnet. */
function admittedPool(pool: Document, state: State): Document {
  const { document } = admitPool(pool, {
    previous: state.get(keyOf(pool)),
    others: [],
    subnets: documentsOf(state, SPIDER_SUBNET),
    settings: settingsIn(state),
  })
  return document ?? pool
}

/** An automatic pool whose application has got its uid by now. */
export function withApplication(pool: Document, stored: readonly Document[]): Document {
  const { labels = {} } = pool.metadata
  if (labels[POOL_LABEL.name] === undefined || labels[POOL_LABEL.uid] !== '') return pool
  const application = stored.find((one) => isApplication(one, labels))
  const { uid = '', namespace = '', name = '' } = application?.metadata ?? {}
  if (application === undefined || uid === '') return pool
  const { apiVersion, kind } = application
  const of: Application = { apiVersion, kind, namespace, name, uid }
  const ifName = labels[POOL_LABEL.interface] ?? ''
  const family = labels[POOL_LABEL.version] === 'IPv6' ? 6 : 4
  return {
    ...pool,
    metadata: {
      ...pool.metadata,
      name: autoPoolName({ application: of, ifName, family }),
      labels: { ...labels, [POOL_LABEL.uid]: uid },
    },
  }
}

function isApplication(
  { apiVersion, kind, metadata }: Document,
  labels: Readonly<Record<string, string>>,
): boolean {
  return (
    labels[POOL_LABEL.gv] === apiVersion.replace('/', '_') &&
    labels[POOL_LABEL.kind] === kind &&
    labels[POOL_LABEL.namespace] === metadata.namespace &&
    labels[POOL_LABEL.name] === metadata.name
  )
}
