/**
 * The link that a plugin's own hangs on: named, or that of the default route; on
 * the host or in the pod; there, or planned by the same request.
 *
 * Spec: containernetworking plugins, `master` and `linkInContainer`.
 * @module
 */
import type { IfName } from '#values/if-name.ts'
import type { Link } from '#values/link.ts'
import type { Where } from '#values/netns.ts'
import { MAIN_TABLE } from '#values/route.ts'
import type { Step } from '#values/step.ts'
import type { KernelQuestions } from '#needs/kernel.ts'
import { fail } from './failures.ts'
import type { PluginRequest } from './plugin.ts'

export type MasterNeeds = Pick<KernelQuestions, 'link' | 'routes'>

/** What a plugin's configuration says of its master. */
export type MasterConf = {
  /** The interface of the default route when undefined. */
  readonly master: IfName | undefined
  /** It is looked up in the pod's namespace. */
  readonly linkInContainer: boolean
}
export type MasterSaw = {
  /** Name of the master; undefined when there is no default route to tell. */
  readonly name: IfName | undefined
  readonly master: Link | undefined
}

const ETHERNET = 1
const INFINIBAND = 32
const DEFAULTS: ReadonlySet<string> = new Set(['0.0.0.0/0', '::/0'])

/** The master as it is, or as it will be when the plan's turn comes. */
export async function findMaster(
  { conf, netns, planned = [] }: PluginRequest<MasterConf>,
  needs: MasterNeeds,
): Promise<MasterSaw> {
  const where = conf.linkInContainer ? netns : 'host'
  const name = conf.master ?? (await defaultRouteLink(where, needs))
  if (name === undefined) return { name, master: undefined }
  return { name, master: await linkOrPlanned({ where, name }, planned, needs) }
}

/** The interface of the default route with the lowest metric, IPv4 first, as upstream takes it. */
async function defaultRouteLink(where: Where, needs: MasterNeeds): Promise<IfName | undefined> {
  const routes = await needs.routes(where)
  const defaults = routes.filter(
    ({ dst, table, dev }) => DEFAULTS.has(dst) && table === MAIN_TABLE && dev !== undefined,
  )
  const rank = ({ dst, priority }: (typeof routes)[number]): number =>
    (dst === '::/0' ? 2 ** 32 : 0) + (priority ?? 0)
  return defaults.toSorted((a, b) => rank(a) - rank(b))[0]?.dev
}

/** A link that is there; else one that `planned` makes or brings, as far as it is known. */
export async function linkOrPlanned(
  at: { readonly where: Where; readonly name: IfName },
  planned: readonly Step[],
  needs: Pick<KernelQuestions, 'link'>,
): Promise<Link | undefined> {
  const { where, name } = at
  const there = await needs.link(where, name)
  if (there !== undefined) return there
  const step = planned.findLast((one) => makes(one, at))
  const base = step && baseOf(step)
  const found = base && (await linkOrPlanned(base, planned, needs))
  if (step === undefined || found === undefined) return undefined
  const made = { ...found, name, pci: undefined, master: undefined, up: true }
  if (step.do === 'move-link') return { ...made, pci: found.pci }
  if (step.do !== 'create-link') return made
  return { ...made, mtu: step.mtu ?? found.mtu, address: step.address ?? found.address }
}

function makes(step: Step, { where, name }: { where: Where; name: IfName }): boolean {
  if (step.do === 'share-link') return where === 'host' && step.name === name
  if (step.do !== 'create-link' && step.do !== 'move-link') return false
  return step.netns === where && step.name === name
}

/** What a planned link takes after. */
function baseOf(step: Step): { readonly where: Where; readonly name: IfName } | undefined {
  if (step.do === 'move-link') return { where: 'host', name: step.link }
  if (step.do === 'share-link') {
    const { spec } = step
    const name = spec.kind === 'vlan' ? spec.parent : spec.ports[0]
    return name === undefined ? undefined : { where: 'host', name }
  }
  if (step.do !== 'create-link' || step.spec.kind === 'veth') return undefined
  const inPod = 'parentIn' in step.spec && step.spec.parentIn === 'pod'
  return { where: inPod ? step.netns : 'host', name: step.spec.parent }
}

/** What of a master a link over it takes. */
export type MasterLink = Pick<Link, 'name' | 'arpType' | 'mtu' | 'address'>

/**
 * The master, fit to carry a link of `kind`; it can be one that another attachment
 * of the same request has just planned.
 * @throws {Failure} `master-default-missing`, `master-missing`, `master-not-ethernet`
 */
export function checkMaster(
  { conf, netns, planned = [] }: PluginRequest<MasterConf>,
  { name, master }: MasterSaw,
  kind: string,
): MasterLink {
  if (name === undefined) throw fail('master-default-missing')
  const where = conf.linkInContainer ? netns : 'host'
  const found = master ?? linkOfStep(planned.findLast((step) => makes(step, { where, name })))
  if (found === undefined) throw fail('master-missing', { master: name })
  if (found.arpType !== ETHERNET) throw fail('master-not-ethernet', { master: name, kind })
  return found
}

/** Undefined for a step whose link takes after another in ways that only the kernel knows. */
function linkOfStep(step: Step | undefined): MasterLink | undefined {
  if (step?.do !== 'create-link' || step.mtu === undefined) return undefined
  const arpType = step.spec.kind === 'ipoib' ? INFINIBAND : ETHERNET
  return { name: step.name, arpType, mtu: step.mtu, address: step.address }
}

/**
 * The MTU asked for, or the master's when it is 0.
 * @throws {Failure} `mtu-invalid`: negative, or above the master's
 */
export function mtuUnder(mtu: number, master: Pick<Link, 'mtu'>): number {
  if (mtu < 0 || mtu > master.mtu) throw fail('mtu-invalid', { mtu, limit: master.mtu })
  return mtu === 0 ? master.mtu : mtu
}
