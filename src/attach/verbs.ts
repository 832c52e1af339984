/**
 * CNI verbs: a call → what is printed for it. It is one plugin by itself, an
 * IPAM, or all networks of a pod.
 *
 * Spec: CNI 1.1.0, sections 2 to 5.
 * @module
 */
import { attachAll } from './add.ts'
import { ipamTypeOf, parseChain } from './chain.ts'
import { checkAttachment } from './check.ts'
import { detachByConf, detachRows, rowsToDetach } from './del.ts'
import { fail } from './failures.ts'
import { type Alive, collectGarbage } from './garbage.ts'
import { checkReservation, releaseLater, reserveOnly } from './ipam-only.ts'
import { META_TYPES, parseConfList, pluginsOf } from '#network/index.ts'
import type { AttachNeeds, Foreign, Wanted } from './needs.ts'
import type { Row } from './row.ts'
import type { Turns } from './turns.ts'
import { failureIn } from '#values/failure.ts'
import { type NetnsPath, parseNetnsPath } from '#values/netns.ts'
import type { Owner, PodRef } from '#values/owner.ts'
import { podOfArgs } from '#wire/cni/args.ts'
import { type JsonObject, isJsonObject } from '#wire/cni/conf.ts'
import { type CniCall, type CniRequest, parseCniRequest } from '#wire/cni/request.ts'
import { formatResult } from '#wire/cni/result-json.ts'
import { prevResultOf } from '#wire/cni/result-parse.ts'
import { encodeVersions } from '#wire/cni/version.ts'
import { type PodNetworks, type PodRequest, mainRow } from './pod-networks.ts'

/** Type under which one request attaches all networks of a pod. */
export const POD_TYPE = 'verbena'
/** Type under which one request runs a whole list of plugins (`plugins`) as one attachment. */
export const LIST_TYPE = 'conflist'
/** What a dangling or empty CNI_NETNS stands for on DEL. */
const NO_NETNS: NetnsPath = parseNetnsPath('/proc/0/ns/net')

export type VerbNeeds = {
  readonly attach: AttachNeeds
  readonly pods: PodNetworks
  readonly turns: Turns
  /** Looks for addresses that wait for their interface to go. */
  settleSoon(): void
}

type Attaching = Extract<CniRequest, { verb: 'ADD' | 'DEL' | 'CHECK' }>
type OfNetwork = Extract<CniRequest, { verb: 'GC' | 'STATUS' }>
/** One ADD, DEL or CHECK, with what the connection told of its caller. */
type Call = {
  readonly request: Attaching
  readonly pod: PodRef | undefined
  readonly callerNetns: Wanted['callerNetns']
  readonly foreign: Foreign
}

/**
 * Standard output of a request that succeeds.
 * @throws {Failure} for the error object
 */
export async function answerCall(
  from: CniCall & { readonly netnsId: string },
  needs: VerbNeeds,
  foreign: Foreign,
): Promise<string> {
  const request = parseCniRequest(from)
  if (request.verb === 'VERSION') return encodeVersions()
  if (request.verb === 'GC') return garbage(request, needs, foreign)
  if (request.verb === 'STATUS') return status(request, needs)
  checkType(request.type, needs)
  const pod = podOfArgs(request.args)
  const callerNetns = request.netnsOverride ? null : from.netnsId
  const call = { request, pod, callerNetns, foreign }
  // by type, too: another vendor's plugin, run for one request, may call our IPAM with its own
  const turn = `${pod?.uid ?? request.containerId}/${request.type}`
  return needs.turns(turn, () => attaching(call, needs))
}

async function attaching(call: Call, needs: VerbNeeds): Promise<string> {
  const { request } = call
  if (request.verb === 'ADD') {
    const row = await add(call, needs)
    return printed(row, call, needs)
  }
  if (request.verb === 'DEL') await del(call, needs)
  else await check(call, needs)
  return ''
}

/** A result that the asked version has no words for is none: then nothing stays. */
async function printed({ result }: Row, call: Call, { attach }: VerbNeeds): Promise<string> {
  const { request, foreign } = call
  if (result === undefined) return ''
  try {
    return formatResult(result, request.version)
  } catch (cause) {
    await detachRows({ ...identityOf(call), whole: isMeta(request.type) }, attach, foreign)
    throw cause
  }
}

async function add(call: Call, needs: VerbNeeds): Promise<Row> {
  const { request, foreign } = call
  if (isMeta(request.type)) {
    const wanteds = await needs.pods.begin(podRequest(call))
    const rows = await attachAll(wanteds, needs.attach, foreign).catch(async (cause: unknown) => {
      await needs.pods.forget(request.containerId)
      throw cause
    })
    needs.pods.publish(rows)
    return mainRow(rows)
  }
  const wanted = await wantedOf(call, needs)
  const ipam = needs.attach.catalogue.ipams.get(request.type)
  if (ipam !== undefined) return reserveOnly(wanted, ipam, needs.attach)
  return mainRow(await attachAll([wanted], needs.attach, foreign))
}

async function del(call: Call, needs: VerbNeeds): Promise<void> {
  const { attach } = needs
  const whole = isMeta(call.request.type)
  const detaching = { ...identityOf(call), whole }
  if (attach.catalogue.ipams.has(call.request.type)) {
    const rows = rowsToDetach(detaching, attach)
    if (rows.length > 0) releaseLater(rows, attach)
    else await detachByConf(await wantedOf(call, needs), attach)
    needs.settleSoon()
    return
  }
  const detached = await detachRows(detaching, attach, call.foreign)
  if (whole) await needs.pods.forget(call.request.containerId)
  if (detached > 0) return
  const wanteds = whole
    ? await needs.pods.wantedIfKnown(podRequest(call))
    : [await wantedOf(call, needs)]
  for (const wanted of wanteds) await detachByConf(wanted, attach)
}

async function check(call: Call, needs: VerbNeeds): Promise<void> {
  const { attach } = needs
  const { type } = call.request
  const ipam = attach.catalogue.ipams.get(type)
  const wanteds = isMeta(type)
    ? await needs.pods.wanted(podRequest(call))
    : [await wantedOf(call, needs)]
  for (const wanted of wanteds) {
    // a runtime always passes it to a plugin; a list or a pod as a whole has its journal
    const isOwn = attach.catalogue.plugins.has(type)
    if (isOwn && wanted.prevResult === undefined) throw fail('check-prev-result-missing')
    const [fault] =
      ipam === undefined
        ? await checkAttachment(wanted, attach)
        : await checkReservation(wanted, ipam, attach)
    if (fault !== undefined) throw fault
  }
}

async function garbage(request: OfNetwork, needs: VerbNeeds, foreign: Foreign): Promise<string> {
  // a runtime that does not say what lives gets nothing taken down
  if (request.verb !== 'GC' || request.valid === undefined) return ''
  await collectGarbage({ network: request.name, alive: request.valid }, needs.attach, foreign)
  await collectAddresses(request, request.valid, needs)
  return ''
}

/** Addresses that no row tells of: of the replaced IPAM, or of a journal that was lost. */
async function collectAddresses(
  request: OfNetwork,
  alive: readonly Alive[],
  { attach }: VerbNeeds,
): Promise<void> {
  const { ipams } = attach.catalogue
  const living = new Set(alive.map(({ containerId }) => containerId))
  // an interface that the runtime does not know may be another network's of a pod
  const isGone = (containerId: string): boolean =>
    !living.has(containerId) && attach.journal.byContainer(containerId).length === 0
  for (const raw of rawsOf(request)) {
    const ipam = ipams.get(ipams.has(request.type) ? request.type : String(ipamTypeOf(raw)))
    if (ipam?.collect !== undefined) await ipam.collect(ipam.parse(raw).conf, isGone)
  }
}

function rawsOf(request: OfNetwork): Wanted['plugins'] {
  const { type, conf } = request
  return type === LIST_TYPE ? pluginsOfList(request) : [{ ...conf, type }]
}

/** Ready when the journal answers and the configuration is one we could attach with. */
async function status(request: OfNetwork, needs: VerbNeeds): Promise<string> {
  checkType(request.type, needs)
  needs.attach.journal.byContainer('')
  if (isMeta(request.type)) await needs.pods.checkReady({ ...request.conf, type: request.type })
  const { catalogue } = needs.attach
  const ipam = catalogue.ipams.get(request.type)
  if (ipam !== undefined) ipam.parse(request.conf)
  else if (!isMeta(request.type)) parseChain({ plugins: rawsOf(request), args: '' }, catalogue)
  return ''
}

function checkType(type: string, { attach }: VerbNeeds): void {
  const { plugins, ipams } = attach.catalogue
  if (isMeta(type) || type === LIST_TYPE || plugins.has(type) || ipams.has(type)) return
  throw fail('plugin-unknown', { type })
}

/** A plugin of this type attaches all networks of a pod. */
function isMeta(type: string): boolean {
  return META_TYPES.includes(type)
}

/** Whose the request is, and what the runtime calls it. */
function identityOf({ request, pod }: Call): { readonly owner: Owner; readonly root: Row['root'] } {
  const { containerId, ifName, name: network, type } = request
  return { owner: { pod, network, containerId, ifName }, root: { network, ifName, type } }
}

function podRequest(call: Call): PodRequest {
  const { type, version: cniVersion, argsText: args, path } = call.request
  const conf = { ...call.request.conf, type }
  const { callerNetns } = call
  const netns = netnsOf(call.request)
  return { ...identityOf(call), netns, conf, cniVersion, args, path, callerNetns }
}

function netnsOf({ verb, netns }: Attaching): NetnsPath {
  return verb === 'DEL' && !netns.startsWith('/') ? NO_NETNS : parseNetnsPath(netns)
}

/** One plugin, as a runtime called it. */
async function wantedOf(call: Call, needs: VerbNeeds): Promise<Wanted> {
  const { request, pod, callerNetns } = call
  const { version: cniVersion, conf, argsText: args, type } = request
  const documents =
    request.verb === 'ADD' && pod !== undefined
      ? await needs.pods.documents(pod)
      : { pod: undefined, namespace: undefined }
  const plugins = type === LIST_TYPE ? pluginsOfList(request) : [{ ...conf, type }]
  // DEL does without the store
  const complete =
    request.verb === 'DEL' ? plugins : await needs.pods.withClusterValues(plugins, documents.pod)
  return {
    ...identityOf(call),
    ...documents,
    netns: netnsOf(request),
    cniVersion,
    plugins: complete,
    args,
    prevResult: prevResultOf(conf, cniVersion),
    networkRef: undefined,
    ofPod: undefined,
    callerNetns,
  }
}

/** @throws {Failure} `list-invalid`: there is no network object that could be named */
function readList(conf: JsonObject, name: string): ReturnType<typeof parseConfList> {
  try {
    return parseConfList(JSON.stringify(conf), { namespace: '', name })
  } catch (cause) {
    const reason = failureIn(cause)?.details['reason']
    if (reason === undefined) throw cause
    throw fail('list-invalid', { network: name, reason })
  }
}

/** The plugins of a list, each as a runtime would pass it. */
function pluginsOfList({ name, version, conf }: Attaching | OfNetwork): Wanted['plugins'] {
  const { runtimeConfig } = conf
  const list = readList(conf, name)
  const capabilities = isJsonObject(runtimeConfig) ? runtimeConfig : {}
  const injected = { runtimeConfig: capabilities, cniArgs: {}, prevResult: conf['prevResult'] }
  return pluginsOf({ ...list, name, cniVersion: version }, injected)
}
