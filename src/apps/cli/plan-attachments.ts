/**
 * The attachments of a plan: a host to plan for, the ADD over it, and what it
 * came to.
 * @module
 */
import { type AttachNeeds, planPod, POD_TYPE, type PodRequest, type Wanted } from '#attach/index.ts'
import { fail } from '#apps/failures.ts'
import type { Document } from '#needs/records.ts'
import { POD_ANNOTATION } from '#network/index.ts'
import type { World } from '#schema/world.ts'
import { type Failure, failureIn } from '#values/failure.ts'
import { parseIfName } from '#values/if-name.ts'
import { parseNetnsPath } from '#values/netns.ts'
import type { PodRef } from '#values/owner.ts'
import { NAD } from './derived.ts'
import { textAt, valueAt } from './fields.ts'
import type { PlacedError } from './admission.ts'
import type { Context } from './context.ts'
import { CONF_FOLDER } from './cni-call.ts'
import { networkName } from './network-name.ts'
import { planErrorOf, type PlanPlace } from './plan-error.ts'
import { assumedHost, withDefaultNetwork } from './plan-host.ts'
import { attachmentJson, type PlanAttachment } from './plan-json.ts'
import type { PlannedPod } from './plan-pod.ts'
import { reasoned } from './plan-reasons.ts'
import type { PlanOptions } from './plan-options.ts'
import { optionalSource } from './sources.ts'
import { documentsOf, keyOf } from './state.ts'
import { openWhatIf, type PodResources } from './what-if.ts'
import type { WorldFile } from './world-file.ts'

type Around = {
  readonly options: Omit<PlanOptions, 'output'>
  readonly world: WorldFile | undefined
  readonly context: Context
}
/** What the plan is for. */
type Asked = Around & {
  readonly found: PlannedPod
  readonly pod: PodRef
  readonly podResources: PodResources | undefined
}

export type PlannedAttachments = {
  readonly attachments: readonly PlanAttachment[]
  readonly errors: readonly PlacedError[]
  readonly warnings: readonly string[]
  /** What the ADD would be refused for. */
  readonly failure: Failure | undefined
}

const CONTAINER = 'plan'
const POD_INTERFACE = parseIfName('eth0')
const NETWORK = 'verbena'
const VERSION = '1.1.0'
const ALLOCATION = { apiVersion: 'verbena.dev/v1alpha1', kind: 'Allocation' } as const

/** Never throws for what an ADD would be refused for: that is an error of the plan. */
export async function planAttachments(
  found: PlannedPod,
  around: Around,
): Promise<PlannedAttachments> {
  const { namespace = 'default', name, uid = '' } = found.pod.metadata
  const podResources = await optionalSource(around.options.podResources, around.context)
  const asked: Asked = { ...around, found, pod: { namespace, name, uid }, podResources }
  const told = warningsOf(asked)
  if (valueAt(found.pod, 'spec', 'hostNetwork') === true) {
    return { attachments: [], errors: [], warnings: told, failure: undefined }
  }
  let world: World | undefined
  try {
    const host = await hostFor(asked)
    world = host.world
    const made = await attachmentsOn(world, asked)
    const warnings = [...told, ...host.warnings, ...made.warnings]
    return { ...made, errors: [], warnings, failure: undefined }
  } catch (cause) {
    const refused = world === undefined ? {} : await refusedIn(world, asked)
    const errors = planErrorOf(cause, { pod: { namespace, name }, ...refused })
    return { attachments: [], errors, warnings: told, failure: failureIn(cause) }
  }
}

/** Which attachment would be refused: the last of the shortest list that is. */
async function refusedIn(world: World, asked: Asked): Promise<Omit<PlanPlace, 'pod'>> {
  const own = asked.found.pod.metadata.annotations?.[POD_ANNOTATION.defaultNetwork]
  for (let count = 1; ; count++) {
    await using whatIf = await openAsked(world, asked)
    const { attach, pods } = whatIf.verbs
    let network: string | undefined
    try {
      const wanteds = await pods.wanted(requestOf(asked))
      if (count > wanteds.length) return {}
      network = wanteds[count - 1]?.networkRef
      await planPod(wanteds.slice(0, count), needsFor(asked, attach))
    } catch (cause) {
      if (failureIn(cause) === undefined) throw cause
      return { network, isOwnDefault: own !== undefined && count === 1 }
    }
  }
}

function warningsOf({ found: { pod }, options }: Asked): string[] {
  const name = `pod ${pod.metadata.namespace}/${pod.metadata.name}`
  const node = textAt(pod, 'spec', 'nodeName')
  const elsewhere = node !== undefined && node !== options.node
  return [
    ...(elsewhere ? [`${name} is on node ${node}, not on ${options.node}`] : []),
    ...(valueAt(pod, 'spec', 'hostNetwork') === true
      ? [`${name} has the network of its node: nothing is attached`]
      : []),
  ]
}

/** The world that was given, or the assumed one; with a namespace for the pod. */
async function hostFor(asked: Asked): Promise<{ world: World; warnings: readonly string[] }> {
  const { world: given, found, pod, options } = asked
  if (given !== undefined) return { world: withNetns(given.world, pod.name), warnings: [] }
  const node = found.state.get(
    keyOf({ apiVersion: 'v1', kind: 'Node', metadata: { name: options.node } }),
  )
  // which parents there must be is known once the networks are
  await using whatIf = await openAsked({ netns: {} }, asked)
  const wanteds = await whatIf.verbs.pods.wanted(requestOf(asked))
  const { world, warnings } = assumedHost(wanteds, node)
  const made = { world: withNetns(world, pod.name), warnings }
  const hasFirst = wanteds.some(({ owner }) => owner.ifName === POD_INTERFACE)
  return hasDefault(asked) || hasFirst ? made : withDefaultNetwork(made, pod.name)
}

function withNetns(world: World, name: string): World {
  return name in world.netns ? world : { ...world, netns: { ...world.netns, [name]: {} } }
}

async function attachmentsOn(
  world: World,
  asked: Asked,
): Promise<Pick<PlannedAttachments, 'attachments' | 'warnings'>> {
  await using whatIf = await openAsked(world, asked)
  const { verbs, loaded } = whatIf
  const before = documentsOf(loaded, ALLOCATION)
  const { needs, reasons } = reasoned(verbs.attach, before)
  const wanteds = await verbs.pods.wanted(requestOf(asked))
  if (wanteds.length === 0) throw fail('plan-network-none', { pod: asked.options.pod })
  const planned = await planPod(wanteds, needsFor(asked, needs))
  const attachments = planned.map((one, i) =>
    attachmentJson(one, {
      reasons,
      isDefault: i === 0 && hasDefault(asked),
      resource: resourceOf(one.wanted, asked),
    }),
  )
  const warnings = verbs.notes
    .filter(({ note }) => note === 'warning')
    .map(({ attachment, text }) => `${attachment}: ${text}`)
  return { attachments, warnings }
}

/** On an assumed host no address is somebody else's, and every gateway answers. */
function needsFor({ world }: Asked, needs: AttachNeeds): AttachNeeds {
  if (world !== undefined) return needs
  const { kernel } = needs
  const take: AttachNeeds['kernel']['take'] = (steps) =>
    kernel.take(steps.filter((step) => step.do !== 'probe'))
  return { ...needs, kernel: { ...kernel, take } }
}

function openAsked(world: World, { found, pod, options, context, podResources, ...of }: Asked) {
  return openWhatIf({
    world,
    rows: Array.isArray(of.world?.raw['journal']) ? of.world.raw['journal'] : [],
    state: found.state,
    pod,
    node: options.node,
    clusterNetwork: networkName(options.clusterNetwork),
    confFolder: options.confDir ?? CONF_FOLDER,
    podResources,
    nowMs: () => context.clock.nowMs(),
    seed: `${options.pod} ${options.node}`,
  })
}

function requestOf({ pod }: Asked): PodRequest {
  const { namespace, name, uid } = pod
  const args = [
    'IgnoreUnknown=1',
    `K8S_POD_NAMESPACE=${namespace}`,
    `K8S_POD_NAME=${name}`,
    `K8S_POD_INFRA_CONTAINER_ID=${CONTAINER}`,
    `K8S_POD_UID=${uid}`,
  ]
  return {
    owner: { pod, network: NETWORK, containerId: CONTAINER, ifName: POD_INTERFACE },
    root: { network: NETWORK, ifName: POD_INTERFACE, type: POD_TYPE },
    netns: parseNetnsPath(`/var/run/netns/${name}`),
    conf: { cniVersion: VERSION, name: NETWORK, type: POD_TYPE },
    path: '',
    cniVersion: VERSION,
    args: args.join(';'),
    callerNetns: undefined,
  }
}

/** The first attachment is the default one wherever the pod or the cluster names one. */
function hasDefault({ found, options }: Asked): boolean {
  const own = found.pod.metadata.annotations?.[POD_ANNOTATION.defaultNetwork]
  return own !== undefined || options.clusterNetwork !== undefined
}

function resourceOf({ networkRef = '' }: Wanted, { found }: Asked): string | undefined {
  const [namespace = '', name = ''] = networkRef.split('/')
  const nad: Document | undefined = found.state.get(
    keyOf({ ...NAD, metadata: { namespace, name } }),
  )
  return textAt(nad, 'metadata', 'annotations', POD_ANNOTATION.resourceName)
}
