/**
 * CNI verbs: a call → what is printed for it. It is one plugin by itself, an
 * IPAM, or all networks of a pod.
 *
 * Spec: CNI 1.1.0, sections 2 to 5.
 * @module
 */
import { attachAll } from './add.ts'
import { checkAttachment } from './check.ts'
import { detachByConf, detachRows, rowsToDetach } from './del.ts'
import { fail } from './failures.ts'
import { collectGarbage } from './garbage.ts'
import { checkReservation, releaseLater, reserveOnly } from './ipam-only.ts'
import type { AttachNeeds, Foreign, Wanted } from './needs.ts'
import type { Row } from './row.ts'
import type { Turns } from './turns.ts'
import { type NetnsPath, parseNetnsPath } from '#values/netns.ts'
import type { Owner, PodRef } from '#values/owner.ts'
import { podOfArgs } from '#wire/cni/args.ts'
import { type CniCall, type CniRequest, parseCniRequest } from '#wire/cni/request.ts'
import { formatResult } from '#wire/cni/result-json.ts'
import { prevResultOf } from '#wire/cni/result-parse.ts'
import { encodeVersions } from '#wire/cni/version.ts'
import { type PodNetworks, type PodRequest, mainRow } from './pod-networks.ts'

/** Type under which one request attaches all networks of a pod. */
export const POD_TYPE = 'verbena'
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
  readonly callerNetns: string | undefined
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
  const callerNetns = request.netnsOverride ? undefined : from.netnsId
  const call = { request, pod, callerNetns, foreign }
  return needs.turns(pod?.uid ?? request.containerId, () => attaching(call, needs))
}

async function attaching(call: Call, needs: VerbNeeds): Promise<string> {
  const { request } = call
  if (request.verb === 'ADD') {
    const { result } = await add(call, needs)
    return result === undefined ? '' : formatResult(result, request.version)
  }
  if (request.verb === 'DEL') await del(call, needs)
  else await check(call, needs)
  return ''
}

async function add(call: Call, needs: VerbNeeds): Promise<Row> {
  const { request, foreign } = call
  if (request.type === POD_TYPE) {
    const wanteds = await needs.pods.wanted(podRequest(call))
    const rows = await attachAll(wanteds, needs.attach, foreign)
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
  const whole = call.request.type === POD_TYPE
  const detaching = { ...identityOf(call), whole }
  if (attach.catalogue.ipams.has(call.request.type)) {
    const rows = rowsToDetach(detaching, attach)
    if (rows.length > 0) releaseLater(rows, attach)
    else await detachByConf(await wantedOf(call, needs), attach)
    needs.settleSoon()
    return
  }
  if ((await detachRows(detaching, attach, call.foreign)) > 0) return
  const wanteds = whole
    ? await needs.pods.wantedIfKnown(podRequest(call))
    : [await wantedOf(call, needs)]
  for (const wanted of wanteds) await detachByConf(wanted, attach)
}

async function check(call: Call, needs: VerbNeeds): Promise<void> {
  const { attach } = needs
  const { type } = call.request
  const ipam = attach.catalogue.ipams.get(type)
  const wanteds =
    type === POD_TYPE ? await needs.pods.wanted(podRequest(call)) : [await wantedOf(call, needs)]
  for (const wanted of wanteds) {
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
  return ''
}

/** Ready when the journal answers and the configuration is one we could attach with. */
async function status(request: OfNetwork, needs: VerbNeeds): Promise<string> {
  checkType(request.type, needs)
  needs.attach.journal.byContainer('')
  needs.attach.catalogue.plugins.get(request.type)?.parse(request.conf)
  return ''
}

function checkType(type: string, { attach }: VerbNeeds): void {
  const { plugins, ipams } = attach.catalogue
  if (type === POD_TYPE || plugins.has(type) || ipams.has(type)) return
  throw fail('plugin-unknown', { type })
}

/** Whose the request is, and what the runtime calls it. */
function identityOf({ request, pod }: Call): { readonly owner: Owner; readonly root: Row['root'] } {
  const { containerId, ifName, name: network, type } = request
  return { owner: { pod, network, containerId, ifName }, root: { network, ifName, type } }
}

function podRequest(call: Call): PodRequest {
  const { conf, version: cniVersion, argsText: args } = call.request
  const { callerNetns } = call
  return { ...identityOf(call), netns: netnsOf(call.request), conf, cniVersion, args, callerNetns }
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
  return {
    ...identityOf(call),
    ...documents,
    netns: netnsOf(request),
    cniVersion,
    plugins: [{ ...conf, type }],
    args,
    prevResult: prevResultOf(conf, cniVersion),
    networkRef: undefined,
    callerNetns,
  }
}
