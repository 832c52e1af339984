/**
 * CNI plugin `coordinator`: gives a pod whose interfaces bypass the host a way
 * to the host and over it. Underlay: the first interface gets a veth pair
 * (`veth0` in the pod), rules and routes on both sides, and the way back of what
 * came in over the pair; a later one gets its own table. Overlay: the first
 * interface is another network's, and is that way. Nothing in the result
 * changes but the hardware address, where it makes one.
 *
 * It plans together with the plugins before it, whose links it cannot see yet:
 * addresses come from prevResult, and from the pod only where that has none.
 *
 * Spec: CNI 1.1.0, section 3 (chained plugins); Linux ip-rule(8).
 * @module
 */
import type { Ip } from '#values/ip.ts'
import { cidrParts } from '#values/cidr.ts'
import type { Link } from '#values/link.ts'
import type { Step } from '#values/step.ts'
import type { Random } from '#needs/clock.ts'
import type { KernelQuestions } from '#needs/kernel.ts'
import { type CheckCoordinatorNeeds, checkCoordinator } from './coordinator-check.ts'
import {
  type CoordinatorConf,
  FIRST_NIC,
  HOST_TABLE,
  parseCoordinator,
} from './coordinator-conf.ts'
import { partOf } from './coordinator-mode.ts'
import { keepsMac, madeMac, sysctlPaths } from './coordinator-nic.ts'
import { hostVethOf, planCoordinator } from './coordinator-plan.ts'
import {
  type Coordinating,
  type CoordinatorSaw,
  ipsOf,
  needed,
  toldIps,
  viewOf,
} from './coordinator-planning.ts'
import { ruleFromPod, ruleToPod, whole } from './coordinator-rules.ts'
import { POD_VETH } from './coordinator-steps.ts'
import type { PodSeen } from './coordinator-view.ts'
import { randomMac } from './mac.ts'
import type { DetachRequest, Plugin } from './plugin.ts'

export type CoordinatorNeeds = Pick<Random, 'below'> &
  CheckCoordinatorNeeds &
  Pick<KernelQuestions, 'addresses' | 'links' | 'sourceToward' | 'sysctl'>

/** Of a rule that is to go: whichever table it looks up. */
const ANY_TABLE = 0
const NO_POD: PodSeen = { podLinks: [], podAddresses: [], podRoutes: [], podRules: [] }

export const coordinator: Plugin<CoordinatorConf, CoordinatorNeeds, CoordinatorSaw> = {
  type: 'coordinator',
  role: 'chained',
  parse: parseCoordinator,

  async observe(request, needs) {
    const macs = { pod: randomMac(needs), host: randomMac(needs) }
    const nothing = { hostVeth: undefined, peer: undefined, hostAddresses: [] }
    if (request.conf.mode === 'disabled') {
      return { ...NO_POD, ...nothing, sources: [], sysctls: {}, macs }
    }
    const told = toldIps(needed(request.prevResult), request.ifName)
    const [pod, hostVeth, hostAddresses, early] = await Promise.all([
      observePod(request, told, needs),
      needs.link('host', hostVethOf(request.containerId)),
      needs.addresses('host'),
      told.length > 0 ? observeAbout(request, told, needs) : undefined,
    ])
    const [about, peer] = await Promise.all([
      early ?? observeAbout(request, ipsOf(request, viewOf(request, pod)), needs),
      observePeer(request, pod, needs),
    ])
    return { ...pod, ...about, hostVeth, peer, hostAddresses, macs }
  },

  plan: (request, saw) => {
    needed(request.prevResult)
    return planCoordinator(request, saw)
  },

  answer(request, saw) {
    const result = needed(request.prevResult)
    const view = viewOf(request, saw)
    const mac = madeMac(request, view, ipsOf(request, view))
    if (request.conf.mode === 'disabled' || mac === undefined) return result
    const interfaces = result.interfaces.map((one) => {
      return one.name === request.ifName && one.sandbox !== undefined ? { ...one, mac } : one
    })
    return { ...result, interfaces }
  },

  warnings(request, saw) {
    const { conf, ifName } = request
    if (conf.macPrefix === undefined || conf.mode === 'disabled') return []
    const reason = keepsMac(viewOf(request, saw), ifName)
    if (reason === undefined) return []
    return [`podMACPrefix ${conf.macPrefix} has no effect on ${ifName}: ${reason}`]
  },

  check: (request, needs) => checkCoordinator(request, needs),

  planDetach,
}

/** What is asked of the pod: of the first interface's little, because nothing can be there yet. */
async function observePod(
  { conf, netns, ifName }: Coordinating,
  told: readonly Ip[],
  needs: CoordinatorNeeds,
): Promise<PodSeen> {
  const isFirst = ifName === conf.firstNic
  const [podLinks, podAddresses, podRoutes, podRules] = await Promise.all([
    needs.links(netns),
    isFirst && told.length > 0 ? [] : needs.addresses(netns),
    isFirst ? [] : needs.routes(netns),
    isFirst ? [] : needs.rules(netns),
  ])
  return { podLinks, podAddresses, podRoutes, podRules }
}

async function observeAbout(
  request: Coordinating,
  ips: readonly Ip[],
  needs: CoordinatorNeeds,
): Promise<Pick<CoordinatorSaw, 'sources' | 'sysctls'>> {
  const paths = sysctlPaths(request, ips)
  const [sources, values] = await Promise.all([
    Promise.all(ips.map((ip) => needs.sourceToward(ip))),
    Promise.all(paths.map((path) => needs.sysctl(request.netns, path))),
  ])
  return { sources, sysctls: Object.fromEntries(paths.map((path, at) => [path, values[at]])) }
}

/** The host's end of the first interface: its veth peer, or where the host sends to its address. */
async function observePeer(
  request: Coordinating,
  pod: PodSeen,
  needs: CoordinatorNeeds,
): Promise<Link | undefined> {
  if (!isOverlay(request, pod)) return undefined
  const { firstNic } = request.conf
  const first = pod.podLinks.find(({ name }) => name === firstNic)
  if (first === undefined) return undefined
  const [links, routes] = await Promise.all([needs.links('host'), needs.routes('host')])
  const peer = links.find(({ kind, index, parent }) => {
    return kind.kind === 'veth' && index === first.parent && parent === first.index
  })
  if (peer !== undefined) return peer
  const own = pod.podAddresses.filter(({ link }) => link === firstNic)
  const ways = new Set(own.map(({ cidr }) => whole(cidrParts(cidr).ip)))
  const dev = routes.find(({ dst }) => ways.has(dst))?.dev
  return links.find(({ name }) => name === dev)
}

function isOverlay(request: Coordinating, pod: PodSeen): boolean {
  const { conf, ifName } = request
  if (ifName === conf.firstNic || conf.mode === 'underlay') return false
  const view = viewOf(request, pod)
  if (!view.links.some(({ name }) => name === conf.firstNic)) return false
  if (view.links.some(({ name }) => name === POD_VETH)) return false
  return partOf(request, view).startsWith('overlay')
}

/** What an ADD without journal row can have left; in the pod only a veth of that name. */
function planDetach({ conf, netns, ifName, prevResult }: DetachRequest<CoordinatorConf>): Step[] {
  const table = conf?.hostTable ?? HOST_TABLE
  const onHost = toldIps(prevResult, ifName).flatMap((ip): Step[] => {
    const rule = ruleToPod(ip, table)
    // The replaced plugin's rules bear no protocol.
    return [rule, { ...rule, protocol: 0 }].map((each) => ({
      do: 'remove-rule',
      where: 'host',
      rule: each,
    }))
  })
  if (conf?.mode === 'disabled') return onHost
  if (ifName === (conf?.firstNic ?? FIRST_NIC) && conf?.mode !== 'overlay') {
    const names = [POD_VETH]
    return [...onHost, { do: 'delete-link', netns, names, mark: undefined, kind: 'veth' }]
  }
  const inPod = toldIps(prevResult, ifName).map((ip): Step => ({
    do: 'remove-rule',
    where: netns,
    rule: ruleFromPod(ip, ANY_TABLE),
  }))
  return [...onHost, ...inPod]
}
