/**
 * All networks of a pod: looks the Pod, its Namespace and the network objects
 * up in the store, and turns annotations into attachments.
 * @module
 */
import type { Clock } from '#needs/clock.ts'
import type { Files } from '#needs/files.ts'
import type { Document, Records, Stored } from '#needs/records.ts'
import {
  type DefaultRouteChange,
  defaultRouteChanges,
  devicesInAnswer,
  devicesInCheckpoint,
  KUBELET_CHECKPOINT,
  type MultusConf,
  type MultusDefaults,
  NO_DEVICES,
  type PodDevices,
  pluginsOf,
  readMultusConf,
  type WantedAttachment,
  wantedAttachments,
  withCoordinatorValues,
} from '#network/index.ts'
import { failureIn } from '#values/failure.ts'
import type { Owner, PodRef } from '#values/owner.ts'
import { EMPTY_RESULT } from '#wire/cni/empty-result.ts'
import { knownVersion } from '#wire/cni/version.ts'
import type { RawConf } from './catalogue.ts'
import { copyDeviceFiles, removeDeviceFiles } from './device-files.ts'
import { fail } from './failures.ts'
import type { Wanted } from './needs.ts'
import { containersOf, isPodOf, waitForPod } from './pod-document.ts'
import type { Row } from './row.ts'

/** One request for all networks of a pod. */
export type PodRequest = Pick<
  Wanted,
  'owner' | 'root' | 'netns' | 'cniVersion' | 'args' | 'callerNetns'
> & {
  /** Of the meta plugin, its `type` as it was called. */
  readonly conf: RawConf
  /** CNI_PATH as given. */
  readonly path: string
}

export interface PodNetworks {
  /** @throws {Failure} `pod-unknown` after a bounded wait, `pod-uid-differs`, `nad-missing`, ... */
  wanted(request: PodRequest): Promise<readonly Wanted[]>
  /** The same for an ADD: waits for the node to be ready, and copies what is told of devices. */
  begin(request: PodRequest): Promise<readonly Wanted[]>
  /** For DEL: nothing when the pod, or a network of it, is unknown by now. */
  wantedIfKnown(request: PodRequest): Promise<readonly Wanted[]>
  /** For DEL: what was copied for the container goes. */
  forget(containerId: string): Promise<void>
  /** For STATUS: `network-not-ready` when `conf` names a file that is absent. */
  checkReady(conf: RawConf): Promise<void>
  /** The Pod and its Namespace, undefined where the store does not know them. */
  documents(pod: PodRef): Promise<{ pod: Document | undefined; namespace: Document | undefined }>
  /**
   * Plugins with what the cluster's SpiderCoordinator says where they say nothing; `pod` is
   * undefined for a container that is none.
   */
  withClusterValues(
    plugins: readonly RawConf[],
    pod: Document | undefined,
  ): Promise<readonly RawConf[]>
  /** Writes network-status; follows the answer, never holds it. */
  publish(rows: readonly Row[]): void
}

export type PodNetworkNeeds = MultusDefaults & {
  readonly records: Records
  readonly clock: Clock
  /** The node's: CNI configurations by name, the kubelet's checkpoint, device information. */
  readonly files: Pick<Files, 'read' | 'list' | 'replace' | 'remove'>
  /** A file with the kubelet's PodResources answer; undefined for its checkpoint. */
  readonly podResources: string | undefined
  publish(rows: readonly Row[]): void
}

/** How long an ADD waits for the node to be ready, in milliseconds. */
const READY_WAIT_MS = 45_000
const READY_POLL_MS = 1_000
/** CNI error code 11. */
const TRY_AGAIN = 11
const COORDINATOR = {
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderCoordinator',
} as const

export function podNetworks(needs: PodNetworkNeeds): PodNetworks {
  const { files } = needs
  const documents: PodNetworks['documents'] = async (ref) => {
    const [pod, namespace] = await Promise.all([
      needs.records.get({
        apiVersion: 'v1',
        kind: 'Pod',
        namespace: ref.namespace,
        name: ref.name,
      }),
      namespaceOf(ref, needs),
    ])
    return { pod: pod !== undefined && isPodOf(pod, ref) ? pod : undefined, namespace }
  }
  const wanted: PodNetworks['wanted'] = (request) => wantedOfPod(request, needs)
  return {
    documents,
    wanted,
    async begin(request) {
      await waitUntilReady(readMultusConf(request.conf, needs), needs)
      const wanteds = await wanted(request)
      await copyDeviceFiles(wanteds, files)
      return wanteds
    },
    forget: (containerId) => removeDeviceFiles(containerId, files),
    async checkReady(conf) {
      const { readinessFile: file } = readMultusConf(conf, needs)
      if (file !== undefined && (await files.read(file)) === undefined) {
        throw fail('network-not-ready', { file })
      }
    },
    async wantedIfKnown(request) {
      const ref = request.owner.pod
      if (ref !== undefined && (await documents(ref)).pod === undefined) return []
      try {
        return await wanted(request)
      } catch (cause) {
        // networks that no ADD could follow have made nothing; a store that is away must be told
        const failure = failureIn(cause)
        if (failure === undefined || failure.row.cni === TRY_AGAIN) throw cause
        return []
      }
    },
    async withClusterValues(plugins, pod) {
      if (plugins.every((one) => one['type'] !== 'coordinator')) return plugins
      return completed(plugins, await coordinatorOf(needs), pod)
    },
    publish: needs.publish,
  }
}

async function coordinatorOf({ records }: PodNetworkNeeds): Promise<Document | undefined> {
  return (await records.list({ ...COORDINATOR, limit: 1 })).items[0]
}

function completed(
  plugins: readonly RawConf[],
  coordinator: Document | undefined,
  pod: Document | undefined,
): RawConf[] {
  return plugins.map((plugin) => {
    if (plugin['type'] !== 'coordinator') return plugin
    return withCoordinatorValues(plugin, coordinator, pod)
  })
}

/** The row whose result is the runtime's answer: the default network, which is always first. */
export function mainRow(rows: readonly Row[]): Row {
  const [first] = rows
  if (first === undefined) throw fail('chain-empty', { network: '' })
  return first
}

async function namespaceOf(
  { namespace: name }: PodRef,
  needs: PodNetworkNeeds,
): Promise<Stored | undefined> {
  return needs.records.get({ apiVersion: 'v1', kind: 'Namespace', namespace: undefined, name })
}

async function waitUntilReady(
  { readinessFile: file }: MultusConf,
  needs: PodNetworkNeeds,
): Promise<void> {
  if (file === undefined) return
  for (let waitedMs = 0; (await needs.files.read(file)) === undefined; waitedMs += READY_POLL_MS) {
    if (waitedMs >= READY_WAIT_MS) throw fail('network-not-ready', { file })
    await needs.clock.sleep(READY_POLL_MS)
  }
}

/** A container that is no pod has the networks of the cluster. */
async function wantedOfPod(request: PodRequest, needs: PodNetworkNeeds): Promise<Wanted[]> {
  const multus = readMultusConf(request.conf, needs)
  const ref = request.owner.pod
  if (ref === undefined && multus.networks.length === 0) {
    throw fail('pod-unnamed', { containerId: request.owner.containerId })
  }
  const pod = ref === undefined ? undefined : await waitForPod(ref, needs)
  const [namespace, coordinator, found] = await Promise.all([
    ref === undefined ? undefined : namespaceOf(ref, needs),
    coordinatorOf(needs),
    networksOf(pod, { request, multus, needs }),
  ])
  const changes = defaultRouteChanges(found)
  const pluginPath =
    multus.binDir === undefined
      ? undefined
      : [multus.binDir, request.path].filter(Boolean).join(':')
  return found.map((one, i) =>
    wantedOf(one, {
      ...{ request, pod, namespace, coordinator, pluginPath },
      defaultRoute: changes?.[i],
    }),
  )
}

async function networksOf(
  pod: Stored | undefined,
  of: {
    readonly request: PodRequest
    readonly multus: MultusConf
    readonly needs: PodNetworkNeeds
  },
): Promise<readonly WantedAttachment[]> {
  const { request, multus, needs } = of
  const { namespace = '', name = '', annotations = {} } = pod?.metadata ?? {}
  const { containerId } = request.owner
  const nad = { apiVersion: 'k8s.cni.cncf.io/v1', kind: 'NetworkAttachmentDefinition' }
  return wantedAttachments(
    {
      pod: { namespace, name, annotations },
      containerId,
      ifName: request.root.ifName,
      multus,
      devices: () => devicesOf(pod, request.owner.pod, needs),
    },
    {
      nad: (inNamespace, called) =>
        needs.records.get({ ...nad, namespace: inNamespace, name: called }),
      files: needs.files,
    },
  )
}

/** What the kubelet gave to the pod; nothing where it wrote nothing. */
async function devicesOf(
  pod: Document | undefined,
  ref: PodRef | undefined,
  { files, podResources }: PodNetworkNeeds,
): Promise<PodDevices> {
  if (pod === undefined || ref === undefined) return NO_DEVICES
  const file = podResources ?? KUBELET_CHECKPOINT
  const text = await files.read(file)
  if (text === undefined) return NO_DEVICES
  if (podResources !== undefined) return devicesInAnswer({ file, text }, ref)
  return devicesInCheckpoint({ file, text }, { uid: ref.uid, containers: containersOf(pod) })
}

function wantedOf(
  attachment: WantedAttachment,
  of: {
    readonly request: PodRequest
    readonly pod: Document | undefined
    readonly namespace: Document | undefined
    readonly coordinator: Document | undefined
    readonly pluginPath: string | undefined
    readonly defaultRoute: DefaultRouteChange | undefined
  },
): Wanted {
  const { network, ifName, confList, runtimeConfig, cniArgs, envArgs, isBare } = attachment
  const { request, pod, namespace, coordinator, pluginPath, defaultRoute } = of
  const injected = { runtimeConfig, cniArgs, prevResult: undefined }
  const plugins = completed(pluginsOf(confList, injected), coordinator, pod)
  const owner: Owner = { ...request.owner, network: confList.name, ifName }
  return {
    owner,
    netns: request.netns,
    cniVersion: knownVersion(confList.cniVersion) ?? request.cniVersion,
    plugins,
    args: [request.args, ...Object.entries(envArgs).map((pair) => pair.join('='))].join(';'),
    prevResult: isBare ? EMPTY_RESULT : undefined,
    root: request.root,
    pod,
    namespace,
    networkRef: network,
    ofPod: { defaultRoute, deviceInfo: attachment.deviceInfo, pluginPath },
    callerNetns: request.callerNetns,
  }
}
