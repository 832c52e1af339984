/**
 * All networks of a pod: the default one, then those of its annotation, each
 * with its configuration and the name of its interface. Every problem is found
 * before anything happens.
 *
 * Spec: Kubernetes Network Custom Resource Definition De-facto Standard 1.3,
 * sections 4 and 5; order and precedence are Multus'.
 * @module
 */
import type { Document } from '#needs/records.ts'
import { Failure } from '#values/failure.ts'
import { type IfName, parseIfName } from '#values/if-name.ts'
import type { Ip } from '#values/ip.ts'
import { nad as nadSchema } from '#schema/nad.ts'
import { readWith } from '#schema/zod.ts'
import { type NetworkSelection, readNetworks, type ReadNetworks } from './annotation.ts'
import { type ConfList, parseConfList } from './conflist.ts'
import { defaultRouteProblems } from './default-route.ts'
import { fail, failTogether } from './failures.ts'
import { POD_ANNOTATION } from './network-annotation.ts'

/** One pod as its runtime names it, with the networks of its cluster. */
export type NetworksRequest = {
  readonly pod: {
    readonly namespace: string
    readonly name: string
    readonly annotations: Readonly<Record<string, string>>
  }
  /** CNI_IFNAME: the interface of the default network. */
  readonly ifName: string
  /** The default network of pods that do not name one; undefined when there is none. */
  readonly clusterNetwork: { readonly namespace: string; readonly name: string } | undefined
  /** Namespace of a default network that is named without one. */
  readonly multusNamespace: string
  /** Undefined lets a pod name networks of any namespace. */
  readonly isolation: { readonly globalNamespaces: readonly string[] } | undefined
}

/** One attachment that a pod asks for. */
export type WantedAttachment = {
  /** `namespace/name` of the NAD. */
  readonly network: string
  readonly isDefault: boolean
  readonly ifName: IfName
  readonly confList: ConfList
  /** Of `ips`, `mac`, `infinibandGUID`, `portMappings`, `bandwidth`, `deviceID`. */
  readonly runtimeConfig: Readonly<Record<string, unknown>>
  /** Goes into `args.cni` of every plugin. */
  readonly cniArgs: Readonly<Record<string, unknown>>
  /** Pairs for CNI_ARGS beside those of the runtime: `MAC`, `IP`. */
  readonly envArgs: Readonly<Record<string, string>>
  readonly defaultRoute: readonly Ip[] | undefined
  /** What the kubelet counts for this network: annotation `resourceName` of the NAD. */
  readonly resourceName: string | undefined
}

export interface NetworkNeeds {
  nad(namespace: string, name: string): Promise<Document | undefined>
  /** Text of the configuration in the CNI configuration folder whose `name` this is. */
  confByName(name: string): Promise<string | undefined>
}

/** What is asked for at one place of the list; place 0 is the default network. */
type Asked = { readonly place: number; readonly selection: NetworkSelection }

/**
 * @throws {Failure} the problem that Multus would name first, the others as texts in
 *   `details.also`: `network-annotation-invalid`, `network-isolated`, `nad-missing`,
 *   `nad-config-empty`, `nad-config-unreadable`, `nad-config-invalid`,
 *   `interface-asked-twice`, `default-route-twice`
 */
export async function wantedAttachments(
  request: NetworksRequest,
  needs: NetworkNeeds,
): Promise<WantedAttachment[]> {
  const first = readDefault(request)
  const others = readOthers(request)
  const looked = await Promise.all(
    [...first.selections, ...others.selections].map(async (selection, index) => {
      const place = index + 1 - first.selections.length
      if (selection === undefined) return undefined
      return problemOr(() => attachmentOf({ place, selection }, request, needs))
    }),
  )
  const count = first.selections.length
  const wanted = looked.flatMap((one) => {
    return one === undefined || one instanceof Failure ? [] : [one]
  })
  const problems = [
    ...first.problems,
    ...looked.slice(0, count).filter((one) => one instanceof Failure),
    ...others.problems,
    ...looked.slice(count).filter((one) => one instanceof Failure),
    ...defaultRouteProblems(wanted),
    ...nameProblems(wanted),
  ]
  if (problems.length > 0) throw failTogether(problems)
  return wanted
}

function readDefault({ pod, clusterNetwork, multusNamespace }: NetworksRequest): ReadNetworks {
  const text = pod.annotations[POD_ANNOTATION.defaultNetwork]
  if (text === undefined) {
    return { selections: clusterNetwork ? [bareSelection(clusterNetwork)] : [], problems: [] }
  }
  const read = readNetworks(text, { defaultNamespace: multusNamespace })
  if (read.selections.length === 1 || read.problems.length > 0) {
    return { selections: read.selections.slice(0, 1), problems: read.problems }
  }
  const many = read.selections.length > 1
  const what = many
    ? 'more than one default network is specified'
    : 'no default network is specified'
  const details = { text: `tryLoadK8sPodDefaultNetwork: ${what}`, item: text }
  return { selections: [undefined], problems: [fail('network-annotation-invalid', details)] }
}

function readOthers({ pod }: NetworksRequest): ReadNetworks {
  const text = pod.annotations[POD_ANNOTATION.networks] ?? ''
  if (text === '') return { selections: [], problems: [] }
  return readNetworks(text, { defaultNamespace: pod.namespace })
}

function bareSelection({ namespace, name }: { namespace: string; name: string }): NetworkSelection {
  return {
    namespace,
    name,
    ifName: undefined,
    ips: [],
    mac: undefined,
    guid: undefined,
    portMappings: undefined,
    bandwidth: undefined,
    deviceId: undefined,
    cniArgs: {},
    defaultRoute: undefined,
  }
}

async function attachmentOf(
  { place, selection }: Asked,
  request: NetworksRequest,
  needs: NetworkNeeds,
): Promise<WantedAttachment> {
  const { namespace, name } = selection
  const isDefault = place === 0
  if (!isDefault) checkIsolation(selection, request)
  const raw = await needs.nad(namespace, name)
  if (raw === undefined) throw fail('nad-missing', { namespace, name })
  const read = readWith(nadSchema, raw)
  if (!read.ok) {
    const reason = read.faults.map((fault) => `${fault.field}: ${fault.message}`).join('; ')
    throw fail('nad-config-invalid', { nad: `${namespace}/${name}`, reason })
  }
  const own = parseIfName(isDefault ? request.ifName : `net${place}`)
  return {
    network: `${namespace}/${name}`,
    isDefault,
    ifName: selection.ifName ?? own,
    confList: await confListOf(read.value.spec.config, selection, needs),
    runtimeConfig: runtimeConfigOf(selection),
    cniArgs: selection.cniArgs,
    envArgs: envArgsOf(selection),
    defaultRoute: selection.defaultRoute,
    resourceName: read.value.metadata.annotations?.[POD_ANNOTATION.resourceName],
  }
}

function checkIsolation({ namespace }: NetworkSelection, request: NetworksRequest): void {
  const { pod, isolation } = request
  if (isolation === undefined || namespace === pod.namespace) return
  if (isolation.globalNamespaces.includes(namespace)) return
  throw fail('network-isolated', { pod: pod.namespace, target: namespace })
}

async function confListOf(
  config: string | undefined,
  { namespace, name }: NetworkSelection,
  needs: NetworkNeeds,
): Promise<ConfList> {
  const text = config === undefined || config === '' ? await needs.confByName(name) : config
  if (text === undefined) throw fail('nad-config-empty', { nad: `${namespace}/${name}`, name })
  return parseConfList(text, { namespace, name })
}

function runtimeConfigOf(selection: NetworkSelection): Readonly<Record<string, unknown>> {
  const { ips, mac, guid, portMappings, bandwidth, deviceId } = selection
  return {
    ...(ips.length === 0 ? {} : { ips }),
    ...(mac === undefined ? {} : { mac }),
    ...(guid === undefined ? {} : { infinibandGUID: guid }),
    ...(portMappings === undefined ? {} : { portMappings }),
    ...(bandwidth === undefined ? {} : { bandwidth }),
    ...(deviceId === undefined ? {} : { deviceID: deviceId }),
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

async function problemOr<T>(work: () => Promise<T>): Promise<T | Failure> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof Failure) return cause
    throw cause
  }
}
