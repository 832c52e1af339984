/**
 * Every kind of document that is accepted: scope, names on the command line, reader.
 *
 * Spec: Kubernetes API conventions (group, version, kind, resource names).
 * @module
 */
import { type FieldFault, objectName } from '#values/admission.ts'
import { allocation } from './allocation.ts'
import { daemonSet, deployment, statefulSet } from './daemon-set.ts'
import type { RawDocument } from './documents.ts'
import { forbidden, notSupported } from './fault.ts'
import { type AnyDocument, anyDocument } from './metadata.ts'
import { NAD_API_VERSION, NAD_KIND, nad } from './nad.ts'
import { namespace, node } from './node-namespace.ts'
import { pod } from './pod.ts'
import { spiderCoordinator } from './spider-coordinator.ts'
import { spiderEndpoint } from './spider-endpoint.ts'
import { spiderIpPool } from './spider-ip-pool.ts'
import { spiderMultusConfig } from './spider-multus-config.ts'
import { spiderReservedIp } from './spider-reserved-ip.ts'
import { spiderSubnet } from './spider-subnet.ts'
import { WORKLOAD_ROWS } from './workload-kinds.ts'
import { templateOf, thirdParty } from './workload.ts'
import { isRecord, type Reading, readWith, unknownKeys, type z } from './zod.ts'

/** A kind of document. */
export type Kind = {
  readonly apiVersion: string
  readonly kind: string
  readonly scope: 'cluster' | 'namespaced'
  /** Resource name: `spiderippools`. */
  readonly plural: string
  /** What else it is called on the command line, in lower case: singular, short names. */
  readonly names: readonly string[]
  /** Prunes, fills in the defaults of the schema, gives every fault of the schema. */
  read(raw: unknown): Reading<AnyDocument>
}

type Row = Omit<Kind, 'read'> & { readonly schema: z.ZodType<AnyDocument> }

const SPIDER = 'spiderpool.spidernet.io/v2beta1'
const OURS = 'verbena.dev/v1alpha1'
const SRIOV = 'sriovnetwork.openshift.io/v1'

const ROWS: readonly Row[] = [
  {
    apiVersion: SPIDER,
    kind: 'SpiderIPPool',
    scope: 'cluster',
    schema: spiderIpPool,
    plural: 'spiderippools',
    names: ['spiderippool', 'sp', 'pools', 'pool'],
  },
  {
    apiVersion: SPIDER,
    kind: 'SpiderSubnet',
    scope: 'cluster',
    schema: spiderSubnet,
    plural: 'spidersubnets',
    names: ['spidersubnet', 'ss', 'subnets', 'subnet'],
  },
  {
    apiVersion: SPIDER,
    kind: 'SpiderReservedIP',
    scope: 'cluster',
    schema: spiderReservedIp,
    plural: 'spiderreservedips',
    names: ['spiderreservedip', 'sr', 'reservedips', 'reservedip'],
  },
  {
    apiVersion: SPIDER,
    kind: 'SpiderEndpoint',
    scope: 'namespaced',
    schema: spiderEndpoint,
    plural: 'spiderendpoints',
    names: ['spiderendpoint', 'se'],
  },
  {
    apiVersion: SPIDER,
    kind: 'SpiderMultusConfig',
    scope: 'namespaced',
    schema: spiderMultusConfig,
    plural: 'spidermultusconfigs',
    names: ['spidermultusconfig', 'smc', 'networks', 'network'],
  },
  {
    apiVersion: SPIDER,
    kind: 'SpiderCoordinator',
    scope: 'cluster',
    schema: spiderCoordinator,
    plural: 'spidercoordinators',
    names: ['spidercoordinator', 'scc'],
  },
  {
    apiVersion: NAD_API_VERSION,
    kind: NAD_KIND,
    scope: 'namespaced',
    schema: nad,
    plural: 'network-attachment-definitions',
    names: ['network-attachment-definition', 'net-attach-def', 'nads', 'nad'],
  },
  {
    apiVersion: OURS,
    kind: 'Allocation',
    scope: 'cluster',
    schema: allocation,
    plural: 'allocations',
    names: ['allocation'],
  },
  {
    apiVersion: 'v1',
    kind: 'Pod',
    scope: 'namespaced',
    schema: pod,
    plural: 'pods',
    names: ['pod', 'po'],
  },
  {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    scope: 'namespaced',
    schema: daemonSet,
    plural: 'daemonsets',
    names: ['daemonset', 'ds'],
  },
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    scope: 'namespaced',
    schema: deployment,
    plural: 'deployments',
    names: ['deployment', 'deploy'],
  },
  {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    scope: 'namespaced',
    schema: statefulSet,
    plural: 'statefulsets',
    names: ['statefulset', 'sts'],
  },
  ...WORKLOAD_ROWS,
  {
    apiVersion: 'v1',
    kind: 'Node',
    scope: 'cluster',
    schema: node,
    plural: 'nodes',
    names: ['node', 'no'],
  },
  {
    apiVersion: 'v1',
    kind: 'Namespace',
    scope: 'cluster',
    schema: namespace,
    plural: 'namespaces',
    names: ['namespace', 'ns'],
  },
  {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    scope: 'namespaced',
    schema: anyDocument,
    plural: 'configmaps',
    names: ['configmap', 'cm'],
  },
  {
    apiVersion: 'v1',
    kind: 'Secret',
    scope: 'namespaced',
    schema: anyDocument,
    plural: 'secrets',
    names: ['secret'],
  },
  {
    apiVersion: SRIOV,
    kind: 'SriovNetworkNodePolicy',
    scope: 'namespaced',
    schema: anyDocument,
    plural: 'sriovnetworknodepolicies',
    names: ['sriovnetworknodepolicy'],
  },
]

/** All kinds, in the order in which `get all` shows them. */
export const KINDS: readonly Kind[] = ROWS.map(({ schema, ...row }) => ({
  ...row,
  read: (raw: unknown) => readWith(schema, raw),
}))

export function kindOf(of: {
  readonly apiVersion: string
  readonly kind: string
}): Kind | undefined {
  return KINDS.find(({ apiVersion, kind }) => apiVersion === of.apiVersion && kind === of.kind)
}

/** The kind that `word` means on a command line: `smc`, `SpiderIPPool`, `daemonsets.apps`. */
export function kindNamed(word: string): Kind | undefined {
  const [name = '', ...group] = word.toLowerCase().split('.')
  return KINDS.find(({ apiVersion, plural, names }) => {
    const itsGroup = apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : ''
    const inGroup = group.length === 0 || group.join('.') === itsGroup
    return inGroup && (plural === name || names.includes(name))
  })
}

/** A kind of another vendor whose template asks for an automatic pool; the rest is kept. */
function workloadKindOf(raw: RawDocument): Kind | undefined {
  const metadata = templateOf(raw)?.['metadata']
  const annotations = isRecord(metadata) ? metadata['annotations'] : undefined
  if (!isRecord(annotations) || !Object.keys(annotations).some(isSubnetAnnotation)) return undefined
  const { apiVersion, kind } = raw
  const [name, schema] = [kind.toLowerCase(), thirdParty(apiVersion, kind)]
  return {
    apiVersion,
    kind,
    scope: 'namespaced',
    plural: `${name}s`,
    names: [name],
    read: (document) => readWith(schema, document),
  }
}

function isSubnetAnnotation(key: string): boolean {
  return key === 'ipam.spidernet.io/subnet' || key === 'ipam.spidernet.io/subnets'
}

/** A document whose kind is known and whose namespace is settled. */
export type Placed =
  | {
      readonly ok: true
      readonly kind: Kind
      readonly document: RawDocument
      readonly object: string
    }
  | { readonly ok: false; readonly object: string; readonly fault: FieldFault }

/**
 * Finds the kind of a document and gives it the namespace that it is in: a
 * namespaced one without goes into `defaultNamespace`, a cluster-scoped one has none.
 */
export function placeDocument(raw: RawDocument, defaultNamespace: string): Placed {
  const metadata = isRecord(raw['metadata']) ? raw['metadata'] : {}
  const name = typeof metadata['name'] === 'string' ? metadata['name'] : ''
  const given = typeof metadata['namespace'] === 'string' ? metadata['namespace'] : undefined
  const kind = kindOf(raw) ?? workloadKindOf(raw)
  if (kind === undefined) {
    const object = objectName({ kind: raw.kind, namespace: given, name })
    const known = KINDS.map((one) => `${one.kind} of ${one.apiVersion}`)
    return {
      ok: false,
      object,
      fault: notSupported('kind', `${raw.kind} of ${raw.apiVersion}`, known),
    }
  }
  if (kind.scope === 'namespaced') {
    const namespace = given === undefined || given === '' ? defaultNamespace : given
    // what is no text is left for the schema to refuse: it must not land in another namespace
    const mistyped = metadata['namespace'] ?? ''
    const kept = typeof mistyped === 'string' ? namespace : mistyped
    const document = { ...raw, metadata: { ...metadata, namespace: kept } }
    return { ok: true, kind, document, object: objectName({ kind: kind.kind, namespace, name }) }
  }
  const object = objectName({ kind: kind.kind, namespace: undefined, name })
  if (given !== undefined && given !== '' && given !== 'default') {
    const detail = `${JSON.stringify(given)} cannot be the namespace of a cluster-scoped document`
    return { ok: false, object, fault: forbidden('metadata.namespace', detail) }
  }
  const { namespace: _, ...rest } = metadata
  return { ok: true, kind, document: { ...raw, metadata: rest }, object }
}

/** One sentence for each key that was pruned: what an API server warns of. */
export function warningsOf(raw: unknown, value: unknown): string[] {
  return unknownKeys(raw, value).map((path) => `unknown field ${JSON.stringify(path)} is ignored`)
}
