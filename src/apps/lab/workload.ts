/**
 * The scheduler's and the kubelet's documents: nodes, the pods of a DaemonSet,
 * what becomes of them.
 *
 * Spec: Kubernetes core/v1 Node, Pod; apps/v1 DaemonSet.
 * @module
 */
import type { Document, Stored } from '#needs/records.ts'
import { type DaemonSet, daemonSet } from '#schema/daemon-set.ts'
import { type Pod, pod } from '#schema/pod.ts'
import { readWith } from '#schema/zod.ts'

const HOST_NAME = 'kubernetes.io/hostname'

/** A Node as its kubelet registers it. */
export function nodeDocument(
  name: string,
  of: { readonly address: string | undefined; readonly kernel: string; readonly os: string },
): Document {
  const addresses =
    of.address === undefined ? [] : [{ type: 'InternalIP', address: of.address.split('/')[0] }]
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { [HOST_NAME]: name } },
    status: {
      addresses,
      conditions: [{ type: 'Ready', status: 'True' }],
      nodeInfo: {
        kernelVersion: of.kernel,
        osImage: of.os,
        containerRuntimeVersion: 'lab',
        kubeletVersion: 'lab',
      },
    },
  }
}

/** Undefined for a document that is none. */
export function daemonSetOf(document: Stored): DaemonSet | undefined {
  const read = readWith(daemonSet, document)
  return read.ok ? read.value : undefined
}

/** The set's pod for a node; undefined when its node selector leaves the node out. */
export function podOfDaemonSet(
  set: Stored,
  { node, suffix }: { readonly node: string; readonly suffix: string },
): Document | undefined {
  const template = daemonSetOf(set)?.spec.template
  const selector = Object.entries(template?.spec.nodeSelector ?? {})
  if (template === undefined || selector.some(([k, v]) => k !== HOST_NAME || v !== node)) {
    return undefined
  }
  const { name, uid, namespace = 'default' } = set.metadata
  const { labels, annotations } = template.metadata
  const { apiVersion, kind } = set
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${name}-${suffix}`,
      namespace,
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
      ownerReferences: [
        { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true },
      ],
    },
    spec: { ...template.spec, nodeName: node },
    status: { phase: 'Pending' },
  }
}

/** Words of a pod's first container. An image is not pulled, so its own command is unknown. */
export function commandOf(document: Stored): readonly string[] {
  const [container] = specOf(document)?.containers ?? []
  const words = [...(container?.command ?? []), ...(container?.args ?? [])]
  return words.length > 0 ? words : ['sleep', '1000000']
}

export function specOf(document: Stored): Pod['spec'] | undefined {
  const read = readWith(pod, document)
  return read.ok ? read.value.spec : undefined
}

/** Status of a pod whose process is alive and whose interface is up. */
export function runningStatus(
  document: Stored,
  { ips, startedAt }: { readonly ips: readonly string[]; readonly startedAt: string },
): Record<string, unknown> {
  const addresses = ips.map((ip) => ip.split('/')[0] ?? ip)
  const containers = specOf(document)?.containers ?? []
  return {
    phase: 'Running',
    conditions: [{ type: 'Ready', status: 'True' }],
    ...(addresses[0] === undefined ? {} : { podIP: addresses[0] }),
    podIPs: addresses.map((ip) => ({ ip })),
    containerStatuses: containers.map(({ name }) => ({
      name,
      ready: true,
      restartCount: 0,
      state: { running: { startedAt } },
    })),
  }
}
