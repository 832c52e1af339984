/**
 * CNI plugin `coordinator`, mode underlay: gives a pod whose interfaces bypass
 * the host a way to the host and over it. The first interface gets a veth pair
 * (`veth0` in the pod), rules and routes on both sides, and the way back of what
 * came in over the pair; a later one gets its own table. It changes nothing in
 * the result.
 *
 * It plans together with the plugins before it, whose links it cannot see yet:
 * addresses come from prevResult, never from the pod.
 *
 * Spec: CNI 1.1.0, section 3 (chained plugins); Linux ip-rule(8).
 * @module
 */
import type { Failure } from '#values/failure.ts'
import { cidrParts } from '#values/cidr.ts'
import type { Step } from '#values/step.ts'
import type { Random } from '#needs/clock.ts'
import type { KernelQuestions } from '#needs/kernel.ts'
import {
  type CoordinatorConf,
  FIRST_NIC,
  HOST_TABLE,
  parseCoordinator,
} from './coordinator-conf.ts'
import {
  type CoordinatorSaw,
  addressesOf,
  hostVethOf,
  needed,
  planFirst,
  planLater,
  sysctlPaths,
} from './coordinator-plan.ts'
import { ruleFromPod, ruleToPod } from './coordinator-rules.ts'
import { POD_VETH } from './coordinator-steps.ts'
import { tableOf } from './coordinator-tune.ts'
import { fail } from './failures.ts'
import { randomMac } from './mac.ts'
import type { DetachRequest, Plugin, PluginRequest } from './plugin.ts'

type Question = 'addresses' | 'link' | 'links' | 'routes' | 'rules' | 'sourceToward' | 'sysctl'
export type CoordinatorNeeds = Pick<Random, 'below'> & Pick<KernelQuestions, Question>

const NOTHING_SEEN = { podLinks: [], podRoutes: [], hostVeth: undefined, hostAddresses: [] }

export const coordinator: Plugin<CoordinatorConf, CoordinatorNeeds, CoordinatorSaw> = {
  type: 'coordinator',
  role: 'chained',
  parse: parseCoordinator,

  async observe(request, needs) {
    const { conf, netns, ifName, containerId } = request
    const macs = { pod: randomMac(needs), host: randomMac(needs) }
    if (conf.mode === 'disabled') return { ...NOTHING_SEEN, sources: [], sysctls: {}, macs }
    const ips = addressesOf(needed(request.prevResult), request.ifName).map(
      ({ address }) => cidrParts(address).ip,
    )
    const paths = sysctlPaths(request)
    const [podLinks, podRoutes, hostVeth, hostAddresses, sources, values] = await Promise.all([
      needs.links(netns),
      conf.tunePodRoutes && ifName !== conf.firstNic ? needs.routes(netns) : [],
      needs.link('host', hostVethOf(containerId)),
      needs.addresses('host'),
      Promise.all(ips.map((ip) => needs.sourceToward(ip))),
      Promise.all(paths.map((path) => needs.sysctl(netns, path))),
    ])
    const sysctls = Object.fromEntries(paths.map((path, at) => [path, values[at]]))
    return { podLinks, podRoutes, hostVeth, hostAddresses, sources, sysctls, macs }
  },

  plan(request, saw) {
    const { conf, ifName } = request
    if (conf.mode === 'disabled') return []
    const ips = addressesOf(needed(request.prevResult), request.ifName)
    if (ips.length === 0) throw fail('coordinator-addresses-missing', { ifName })
    const isFirst = ifName === conf.firstNic
    return isFirst ? planFirst(request, saw, ips) : planLater(request, saw, ips)
  },

  answer: ({ prevResult }) => needed(prevResult),

  check: (request, needs) => checkCoordinator(request, needs),

  planDetach,
}

/** What makes the pod and its host reach each other; the rest is the interface's own plugin's. */
async function checkCoordinator(
  { conf, netns, ifName, prevResult }: PluginRequest<CoordinatorConf>,
  needs: CoordinatorNeeds,
): Promise<Failure[]> {
  if (conf.mode === 'disabled') return []
  if (prevResult === undefined) return [fail('plugin-prev-result-missing')]
  const [veth, rules, routes] = await Promise.all([
    needs.link(netns, POD_VETH),
    needs.rules('host'),
    needs.routes('host'),
  ])
  const pair: Failure[] = []
  if (veth === undefined) {
    pair.push(fail('check-interface-missing', { ifName: POD_VETH, where: netns }))
  } else if (!veth.up) {
    const setting = { setting: 'state', found: 'down', wanted: 'up' }
    pair.push(fail('check-setting-differs', { ifName: POD_VETH, ...setting }))
  }
  const ways = addressesOf(prevResult, ifName).flatMap(({ address }) => {
    const { to, table } = ruleToPod(cidrParts(address).ip, conf.hostTable)
    const failures: Failure[] = []
    if (!rules.some((rule) => rule.to === to && rule.table === table)) {
      const rule = `to ${to} lookup ${table}`
      failures.push(fail('check-rule-missing', { rule, where: 'host' }))
    }
    if (!routes.some((route) => route.dst === to && route.table === table)) {
      failures.push(fail('check-route-missing', { dst: to, where: `table ${table} of the host` }))
    }
    return failures
  })
  return [...pair, ...ways]
}

/** What an ADD without journal row can have left; in the pod only a veth of that name. */
function planDetach({ conf, netns, ifName, prevResult }: DetachRequest<CoordinatorConf>): Step[] {
  const firstNic = conf?.firstNic ?? FIRST_NIC
  const table = conf?.hostTable ?? HOST_TABLE
  const ips = addressesOf(prevResult, ifName).map(({ address }) => cidrParts(address).ip)
  const onHost = ips.flatMap((ip): Step[] => {
    const rule = ruleToPod(ip, table)
    // The replaced plugin's rules bear no protocol.
    return [rule, { ...rule, protocol: 0 }].map((each) => ({
      do: 'remove-rule',
      where: 'host',
      rule: each,
    }))
  })
  if (ifName === firstNic) {
    const names = [POD_VETH]
    return [...onHost, { do: 'delete-link', netns, names, mark: undefined, kind: 'veth' }]
  }
  const own = tableOf(ifName, { firstNic, linksUp: 0 })
  const inPod = ips.map((ip): Step => ({
    do: 'remove-rule',
    where: netns,
    rule: ruleFromPod(ip, own),
  }))
  return [...onHost, ...inPod]
}
