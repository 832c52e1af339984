/**
 * All networks of a pod: looks the Pod, its Namespace and the network objects
 * up in the store, and turns annotations into attachments.
 * @module
 */
import type { Clock } from '#needs/clock.ts'
import type { Document, Records, Stored } from '#needs/records.ts'
import {
  type WantedAttachment,
  pluginsOf,
  wantedAttachments,
  withCoordinatorValues,
} from '#network/index.ts'
import { failureIn } from '#values/failure.ts'
import type { Owner, PodRef } from '#values/owner.ts'
import { knownVersion } from '#wire/cni/version.ts'
import type { RawConf } from './catalogue.ts'
import { fail } from './failures.ts'
import type { Wanted } from './needs.ts'
import type { Row } from './row.ts'

/** One request for all networks of a pod. */
export type PodRequest = Pick<
  Wanted,
  'owner' | 'root' | 'netns' | 'cniVersion' | 'args' | 'callerNetns'
> & {
  readonly conf: RawConf
}

export interface PodNetworks {
  /** @throws {Failure} `pod-unknown` after a bounded wait, `pod-uid-differs`, `nad-missing`, ... */
  wanted(request: PodRequest): Promise<readonly Wanted[]>
  /** For DEL: nothing when the pod, or a network of it, is unknown by now. */
  wantedIfKnown(request: PodRequest): Promise<readonly Wanted[]>
  /** The Pod and its Namespace, undefined where the store does not know them. */
  documents(pod: PodRef): Promise<{ pod: Document | undefined; namespace: Document | undefined }>
  /** Writes network-status; follows the answer, never holds it. */
  publish(rows: readonly Row[]): void
}

export type PodNetworkNeeds = {
  readonly records: Records
  readonly clock: Clock
  /** The network of pods that name none. */
  readonly clusterNetwork: { readonly namespace: string; readonly name: string } | undefined
  /** CNI configuration of that name in the configuration folder. */
  confByName(name: string): Promise<string | undefined>
  publish(rows: readonly Row[]): void
}

/** How long an ADD waits for its Pod to be known, in milliseconds. */
const POD_WAIT_MS = 2_500
const POD_POLL_MS = 25
/** CNI error code 11. */
const TRY_AGAIN = 11
const COORDINATOR = {
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderCoordinator',
} as const
/** Namespace of a default network that is named without one, as Multus has it. */
const MULTUS_NAMESPACE = 'kube-system'

export function podNetworks(needs: PodNetworkNeeds): PodNetworks {
  const get = (
    kind: string,
    namespace: string | undefined,
    name: string,
  ): Promise<Stored | undefined> => needs.records.get({ apiVersion: 'v1', kind, namespace, name })
  const documents: PodNetworks['documents'] = async ({ namespace, name, uid }) => {
    const [pod, of] = await Promise.all([
      get('Pod', namespace, name),
      get('Namespace', undefined, namespace),
    ])
    return { pod: pod?.metadata.uid === uid ? pod : undefined, namespace: of }
  }
  const wanted: PodNetworks['wanted'] = async (request) => {
    const ref = request.owner.pod
    if (ref === undefined) {
      throw fail('pod-unnamed', { containerId: request.owner.containerId })
    }
    const pod = await waitForPod(ref, needs)
    const [namespace, coordinators, found] = await Promise.all([
      get('Namespace', undefined, ref.namespace),
      needs.records.list({ ...COORDINATOR, limit: 1 }),
      networksOf(pod, ref, { request, needs }),
    ])
    const coordinator = coordinators.items[0]
    for (const { network, defaultRoute } of found) {
      if (defaultRoute === undefined) continue
      throw fail('default-route-unsupported', { network, value: defaultRoute })
    }
    return found.map((one) => wantedOf(one, { request, pod, namespace, coordinator }))
  }
  return {
    documents,
    wanted,
    async wantedIfKnown(request) {
      const ref = request.owner.pod
      if (ref === undefined || (await documents(ref)).pod === undefined) return []
      try {
        return await wanted(request)
      } catch (cause) {
        // networks that no ADD could follow have made nothing; a store that is away must be told
        const failure = failureIn(cause)
        if (failure === undefined || failure.row.cni === TRY_AGAIN) throw cause
        return []
      }
    },
    publish: needs.publish,
  }
}

/** The row whose result is the runtime's answer: the default network, which is always first. */
export function mainRow(rows: readonly Row[]): Row {
  const [first] = rows
  if (first === undefined) throw fail('chain-empty', { network: '' })
  return first
}

async function waitForPod(ref: PodRef, needs: PodNetworkNeeds): Promise<Stored> {
  const { namespace, name, uid } = ref
  for (let waitedMs = 0; ; waitedMs += POD_POLL_MS) {
    const pod = await needs.records.get({ apiVersion: 'v1', kind: 'Pod', namespace, name })
    if (pod?.metadata.uid === uid) return pod
    if (waitedMs < POD_WAIT_MS) await needs.clock.sleep(POD_POLL_MS)
    else if (pod === undefined) throw fail('pod-unknown', { namespace, name })
    else throw fail('pod-uid-differs', { wanted: uid, found: pod.metadata.uid })
  }
}

async function networksOf(
  pod: Stored,
  ref: PodRef,
  { request, needs }: { request: PodRequest; needs: PodNetworkNeeds },
): Promise<readonly WantedAttachment[]> {
  const apiVersion = 'k8s.cni.cncf.io/v1'
  const kind = 'NetworkAttachmentDefinition'
  return wantedAttachments(
    {
      pod: { ...ref, annotations: pod.metadata.annotations ?? {} },
      ifName: request.root.ifName,
      clusterNetwork: needs.clusterNetwork,
      multusNamespace: MULTUS_NAMESPACE,
      isolation: undefined,
    },
    {
      nad: (namespace, name) => needs.records.get({ apiVersion, kind, namespace, name }),
      confByName: (name) => needs.confByName(name),
    },
  )
}

function wantedOf(
  { network, ifName, confList, runtimeConfig, cniArgs, envArgs }: WantedAttachment,
  of: {
    readonly request: PodRequest
    readonly pod: Document
    readonly namespace: Document | undefined
    readonly coordinator: Document | undefined
  },
): Wanted {
  const { request, pod, namespace, coordinator } = of
  const injected = { runtimeConfig, cniArgs, prevResult: undefined }
  const plugins = pluginsOf(confList, injected).map((plugin) => {
    return plugin['type'] === 'coordinator' ? withCoordinatorValues(plugin, coordinator) : plugin
  })
  const owner: Owner = { ...request.owner, network: confList.name, ifName }
  return {
    owner,
    netns: request.netns,
    cniVersion: knownVersion(confList.cniVersion) ?? request.cniVersion,
    plugins,
    args: [request.args, ...Object.entries(envArgs).map((pair) => pair.join('='))].join(';'),
    prevResult: undefined,
    root: request.root,
    pod,
    namespace,
    networkRef: network,
    callerNetns: request.callerNetns,
  }
}
