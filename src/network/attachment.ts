/**
 * All networks of a pod: the default one, then those of the cluster, those of
 * its annotation and the plugins that run last, each with its configuration and
 * the name of its interface. Every problem is found before anything happens.
 *
 * Spec: Kubernetes Network Custom Resource Definition De-facto Standard 1.3,
 * sections 4 and 5; order and precedence are Multus'.
 * @module
 */
import { Failure } from '#values/failure.ts'
import { type IfName, parseIfName } from '#values/if-name.ts'
import type { Ip } from '#values/ip.ts'
import { NO_SELECTION, type NetworkSelection } from './annotation.ts'
import type { ConfList } from './conflist.ts'
import { defaultRouteProblems } from './default-route.ts'
import { DEVICE_INFO_FOLDER, deviceInfoName, devicePluginFile } from './device-info.ts'
import { fail, failTogether, inAnnotation } from './failures.ts'
import type { ClusterNetwork, MultusConf } from './multus-conf.ts'
import { POD_ANNOTATION } from './network-annotation.ts'
import { deviceOfEach, type PodDevices } from './pod-devices.ts'
import { readDefault, readOthers } from './pod-selection.ts'
import {
  auxiliaryNetwork,
  networkOfCluster,
  networkOfNad,
  type NetworkNeeds,
  type Resolved,
} from './resolve.ts'

/** One pod as its runtime names it, with the networks of its cluster. */
export type NetworksRequest = {
  readonly pod: {
    readonly namespace: string
    readonly name: string
    readonly annotations: Readonly<Record<string, string>>
  }
  readonly containerId: string
  /** CNI_IFNAME: the interface of the default network. */
  readonly ifName: string
  readonly multus: MultusConf
  /** What the kubelet gave to the pod; asked only when a network counts a resource. */
  devices(): Promise<PodDevices>
}

/** One attachment that a pod asks for. */
export type WantedAttachment = {
  /** `namespace/name` of the NAD; the name of the network where there is none. */
  readonly network: string
  readonly isDefault: boolean
  readonly ifName: IfName
  /** With `deviceID` and `pciBusID` in every plugin, where a device was given. */
  readonly confList: ConfList
  /** Capability arguments: those of the runtime, then `ips`, `mac`, `infinibandGUID`, ... */
  readonly runtimeConfig: Readonly<Record<string, unknown>>
  /** Goes into `args.cni` of every plugin. */
  readonly cniArgs: Readonly<Record<string, unknown>>
  /** Pairs for CNI_ARGS beside those of the runtime: `MAC`, `IP`. */
  readonly envArgs: Readonly<Record<string, string>>
  readonly defaultRoute: readonly Ip[] | undefined
  /** What the kubelet counts for this network: annotation `resourceName` of the NAD. */
  readonly resourceName: string | undefined
  /** The device of that resource that the network has. */
  readonly device: string | undefined
  /** The device plugin's file, and the copy that the attachment has of it. */
  readonly deviceInfo: { readonly from: string; readonly to: string } | undefined
  /** True for the plugins that run last: they make no interface and are given an empty result. */
  readonly isBare: boolean
}

/** What is asked for at one place of the list; place 0 is the default network. */
type Asked =
  | { readonly by: 'selection'; readonly selection: NetworkSelection; readonly free: boolean }
  | { readonly by: 'cluster'; readonly network: ClusterNetwork }
type Placed = Resolved & { readonly place: number; readonly selection: NetworkSelection }
type Around = { readonly request: NetworksRequest; readonly needs: NetworkNeeds }

/**
 * @throws {Failure} the problem that Multus would name first, the others as texts in
 *   `details.also`: `network-annotation-invalid`, `network-isolated`, `nad-missing`,
 *   `nad-config-empty`, `nad-config-unreadable`, `nad-config-invalid`,
 *   `cluster-network-missing`, `auxiliary-chain-unplaced`, `pod-resources-unreadable`,
 *   `device-asked-twice`, `interface-asked-twice`, `default-route-twice`
 */
export async function wantedAttachments(
  request: NetworksRequest,
  needs: NetworkNeeds,
): Promise<WantedAttachment[]> {
  const around = { request, needs }
  const { asked, first, others } = askedOf(request)
  const looked = await Promise.all(
    asked.map(async (one, place) => {
      return one === undefined ? undefined : problemOr(() => resolve(one, place, around))
    }),
  )
  const auxiliary = await problemOr(() => auxiliaryNetwork({ multus: request.multus, needs }))
  const count = asked.length - others.length
  const own = request.pod.annotations[POD_ANNOTATION.defaultNetwork] === undefined ? 0 : 1
  const problems = [
    ...problemsOf([...first, ...looked.slice(0, own)], POD_ANNOTATION.defaultNetwork),
    ...looked.slice(own, count).filter((one) => one instanceof Failure),
    ...problemsOf([...others, ...looked.slice(count)], POD_ANNOTATION.networks),
    ...(auxiliary instanceof Failure ? [auxiliary] : []),
  ]
  const placed = looked.flatMap((one) => {
    return one === undefined || one instanceof Failure ? [] : [one]
  })
  const wanted = await problemOr(() => withDevices(placed, around))
  if (wanted instanceof Failure) throw failTogether([...problems, wanted])
  const together = [...defaultRouteProblems(wanted), ...nameProblems(wanted)]
  const all = [...problems, ...problemsOf(together, POD_ANNOTATION.networks)]
  if (all.length > 0) throw failTogether(all)
  if (auxiliary === undefined || auxiliary instanceof Failure) return wanted
  return [...wanted, bareOf(auxiliary, asked.length)]
}

type AllAsked = {
  /** By place; undefined where there is nothing, or something that cannot be read. */
  readonly asked: readonly (Asked | undefined)[]
  /** Problems of the default network's annotation, and of the others' one. */
  readonly first: readonly Failure[]
  readonly others: readonly (NetworkSelection | Failure | undefined)[]
}

function askedOf({ pod, multus }: NetworksRequest): AllAsked {
  const own = readDefault(pod, multus.multusNamespace)
  const system = multus.systemNamespaces.includes(pod.namespace)
  const networks = system ? multus.networks.slice(0, multus.ordinaryFrom) : multus.networks
  const cluster = networks.map((network) => ({ by: 'cluster', network }) as const)
  const main = own === undefined ? cluster[0] : own.selection && selected(own.selection, true)
  const others = readOthers(pod)
  const more = others.map((one) => {
    return one === undefined || one instanceof Failure ? undefined : selected(one, false)
  })
  return { asked: [main, ...cluster.slice(1), ...more], first: own?.problems ?? [], others }
}

function selected(selection: NetworkSelection, free: boolean): Asked {
  return { by: 'selection', selection, free }
}

async function resolve(asked: Asked, place: number, { request, needs }: Around): Promise<Placed> {
  const around = { multus: request.multus, needs }
  if (asked.by === 'cluster') {
    const found = await networkOfCluster(asked.network, around)
    return { ...found, place, selection: NO_SELECTION }
  }
  const { selection, free } = asked
  if (!free) checkIsolation(selection, request)
  return { ...(await networkOfNad(selection, around)), place, selection }
}

function checkIsolation(
  { namespace, name }: NetworkSelection,
  { pod, multus: { isolation } }: NetworksRequest,
): void {
  if (isolation === undefined || namespace === pod.namespace) return
  if (isolation.globalNamespaces.includes(namespace)) return
  throw fail('network-isolated', { pod: pod.namespace, target: namespace, name })
}

async function withDevices(placed: readonly Placed[], around: Around): Promise<WantedAttachment[]> {
  const resources = placed.map(({ resourceName }) => resourceName)
  const counted = resources.some((one) => one !== undefined)
  const devices = counted ? await around.request.devices() : new Map()
  const given = deviceOfEach(resources, devices)
  const wanted = placed.map((one, i) => attachmentOf(one, given[i], around.request))
  const taken = new Map<unknown, string>()
  for (const { device, runtimeConfig, network, ifName } of wanted) {
    const own = runtimeConfig['deviceID']
    const first = taken.get(own)
    // an id that the kubelet gave means something only within its resource
    if (device === undefined && first !== undefined) {
      throw fail('device-asked-twice', { device: own, first, second: `${network} (${ifName})` })
    }
    if (own !== undefined) taken.set(own, `${network} (${ifName})`)
  }
  return wanted
}

function attachmentOf(
  { place, selection, network, confList, resourceName }: Placed,
  device: string | undefined,
  { ifName: first, containerId, multus }: NetworksRequest,
): WantedAttachment {
  const isDefault = place === 0
  const ifName = selection.ifName ?? parseIfName(isDefault ? first : `net${place}`)
  const to = `${DEVICE_INFO_FOLDER}/${deviceInfoName({ network, containerId, ifName })}`
  const deviceID = device ?? selection.deviceId
  const injected = device === undefined ? {} : { deviceID: device, pciBusID: device }
  return {
    network,
    isDefault,
    ifName,
    confList: { ...confList, plugins: confList.plugins.map((one) => ({ ...one, ...injected })) },
    runtimeConfig: {
      ...multus.runtimeConfig,
      ...runtimeConfigOf(selection),
      ...(deviceID === undefined ? {} : { deviceID, CNIDeviceInfoFile: to }),
    },
    cniArgs: selection.cniArgs,
    envArgs: envArgsOf(selection),
    defaultRoute: selection.defaultRoute,
    resourceName,
    device,
    deviceInfo:
      device === undefined || resourceName === undefined
        ? undefined
        : { from: devicePluginFile(resourceName, device), to },
    isBare: false,
  }
}

function bareOf(confList: ConfList, place: number): WantedAttachment {
  return {
    network: confList.name,
    isDefault: false,
    ifName: parseIfName(`net${place}`),
    confList,
    runtimeConfig: {},
    cniArgs: {},
    envArgs: {},
    defaultRoute: undefined,
    resourceName: undefined,
    device: undefined,
    deviceInfo: undefined,
    isBare: true,
  }
}

function runtimeConfigOf(selection: NetworkSelection): Readonly<Record<string, unknown>> {
  const { ips, mac, guid, portMappings, bandwidth } = selection
  return {
    ...(ips.length === 0 ? {} : { ips }),
    ...(mac === undefined ? {} : { mac }),
    ...(guid === undefined ? {} : { infinibandGUID: guid }),
    ...(portMappings === undefined ? {} : { portMappings }),
    ...(bandwidth === undefined ? {} : { bandwidth }),
  }
}

function envArgsOf({ ips, mac }: NetworkSelection): Readonly<Record<string, string>> {
  return {
    ...(mac === undefined ? {} : { MAC: mac }),
    ...(ips.length === 0 ? {} : { IP: ips.join(',') }),
  }
}

/** A name that two attachments of the pod want: the second is refused. */
function nameProblems(wanted: readonly WantedAttachment[]): Failure[] {
  const taken = new Map<IfName, string>()
  return wanted.flatMap(({ ifName, network }) => {
    const first = taken.get(ifName)
    if (first !== undefined) {
      return [fail('interface-asked-twice', { ifName, first, second: network })]
    }
    taken.set(ifName, network)
    return []
  })
}

/** What is wrong among them, by the annotation that asks for it. */
function problemsOf(found: readonly unknown[], annotation: string): Failure[] {
  return found
    .filter((one) => one instanceof Failure)
    .map((problem) => inAnnotation(problem, annotation))
}

async function problemOr<T>(work: () => Promise<T>): Promise<T | Failure> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof Failure) return cause
    throw cause
  }
}
