/**
 * CNI plugin `sbr`: source based routing. What is sent from an address of the
 * interface leaves by that interface: a rule for each address leads to a table of
 * its own, which has the interface's routes in place of the main table.
 *
 * Spec: CNI 1.1.0; containernetworking `sbr`; ip-rule(8).
 * @module
 */
import { type Cidr, cidrOf, cidrParts } from '#values/cidr.ts'
import type { IfName } from '#values/if-name.ts'
import { type Family, type Ip, bitsOf, familyOf, parseIp } from '#values/ip.ts'
import { VERBENA_PROTOCOL } from '#values/mark.ts'
import type { Route, Rule } from '#values/route.ts'
import type { Step } from '#values/step.ts'
import type { KernelQuestions } from '#needs/kernel.ts'
import { SBR_CONF } from '#schema/chained-conf.ts'
import type { CniIp, CniResult } from '#wire/cni/result.ts'
import { confReader } from './conf.ts'
import { fail } from './failures.ts'
import { planSourceRoutes, tablesFrom } from './source-routes.ts'
import { plannedRoutes } from './planned-routes.ts'
import type { DetachRequest, Plugin, PluginRequest } from './plugin.ts'

export type SbrNeeds = Pick<KernelQuestions, 'routes' | 'rules' | 'addresses' | 'link'>
export type SbrConf = {
  /** Undefined: free ones are taken, and routes moved there. */
  readonly table: number | undefined
  /** In place of the gateway that an address came with. */
  readonly gateways: ReadonlyMap<Family, Ip>
  readonly addSourceHints: boolean
}
/** Of the pod's namespace. */
export type SbrSaw = { readonly routes: readonly Route[]; readonly rules: readonly Rule[] }

const read = confReader(SBR_CONF)
const MOST_GATEWAYS = 2

export const sbr: Plugin<SbrConf, SbrNeeds, SbrSaw> = {
  type: 'sbr',
  role: 'chained',

  parse(raw) {
    const { value, warnings } = read(raw)
    const { table, addSourceHints } = value
    return { conf: { table, addSourceHints, gateways: gatewaysOf(value.gateways) }, warnings }
  },

  async observe({ netns }, needs) {
    const [routes, rules] = await Promise.all([needs.routes(netns), needs.rules(netns)])
    return { routes, rules }
  },

  plan(request, saw) {
    const { conf, netns, ifName } = request
    const ips = ownIps(request)
    if (conf.table !== undefined) {
      const { table } = conf
      return ips.map(({ address }) => ruleStep(netns, ruleFor(address, table)))
    }
    const tables = tablesFrom(usedTables(request, saw), ips.length)
    const wanted = ips.map(({ address, gateway }, i) => {
      const family = familyOf(address)
      const via = conf.gateways.get(family) ?? gateway
      return { address, via, table: tables[i] ?? 0 }
    })
    const rules = wanted.map(({ address, table }) => ruleStep(netns, ruleFor(address, table)))
    const hints = conf.addSourceHints
    const routes = plannedRoutes(request, saw.routes, request.planned ?? [])
    return [...rules, ...planSourceRoutes({ netns, ifName, wanted, hints }, routes)]
  },

  answer: (request) => previous(request),

  async check(request, needs) {
    const { conf, netns, prevResult } = request
    if (prevResult === undefined) return [fail('plugin-prev-result-missing')]
    const rules = await needs.rules(netns)
    return ownIps(request)
      .map(({ address }) => hostCidr(address))
      .filter((from) => {
        const led = rules.filter((rule) => rule.from === from)
        return !led.some(({ table }) => conf.table === undefined || table === conf.table)
      })
      .map((from) => fail('check-rule-missing', { rule: `from ${from}`, where: netns }))
  },

  planDetach: () => [],

  /** Whoever made the rules: those that begin at an address of the interface. */
  async observeDetach({ conf, netns, ifName, prevResult }: DetachRequest<SbrConf>, needs) {
    const [addresses, rules] = await Promise.all([needs.addresses(netns), needs.rules(netns)])
    const own = addresses.filter(({ link }) => link === ifName).map(({ cidr }) => hostCidr(cidr))
    const told = (prevResult?.ips ?? []).map(({ address }) => hostCidr(address))
    const from = new Set<string | undefined>(own.length > 0 ? own : told)
    const wanted = rules.filter((rule) => {
      return from.has(rule.from) && (conf?.table === undefined || rule.table === conf.table)
    })
    return wanted.map((rule): Step => ({ do: 'remove-rule', where: netns, rule }))
  },
}

function previous({ prevResult }: PluginRequest<SbrConf>): CniResult {
  if (prevResult === undefined) throw fail('sbr-prev-result-missing')
  return prevResult
}

/** Numbers that a rule or a route of the pod has, or will have when the plan's turn comes. */
function usedTables(
  { netns, planned = [] }: PluginRequest<SbrConf>,
  { routes, rules }: SbrSaw,
): ReadonlySet<number> {
  const coming = planned.flatMap((step): number[] => {
    if (step.do === 'add-route' && step.where === netns) return [step.route.table]
    return step.do === 'add-rule' && step.where === netns ? [step.rule.table] : []
  })
  const there = [...routes.map(({ table }) => table), ...rules.map(({ table }) => table)]
  return new Set([...there, ...coming])
}

/** Addresses of the interface; those that name none are thought to be its own. */
function ownIps(request: PluginRequest<SbrConf>): readonly CniIp[] {
  const { ifName } = request
  const { ips, interfaces } = previous(request)
  const own = ips.filter((ip) => {
    const told = ip.interface === undefined ? undefined : interfaces[ip.interface]
    return told === undefined ? ip.interface === undefined : isInPod(told, ifName)
  })
  if (own.length === 0) throw fail('sbr-addresses-missing', { ifName })
  return own
}

function isInPod(told: CniResult['interfaces'][number], ifName: IfName): boolean {
  return told.name === ifName && told.sandbox !== undefined && told.sandbox !== ''
}

function ruleFor(address: CniIp['address'], table: number): Rule {
  return {
    family: familyOf(address),
    priority: undefined,
    from: hostCidr(address),
    to: undefined,
    fwmark: undefined,
    table,
    protocol: VERBENA_PROTOCOL,
  }
}

function ruleStep(netns: PluginRequest<unknown>['netns'], rule: Rule): Step {
  return { do: 'add-rule', where: netns, rule }
}

/** The address alone, with all bits. */
function hostCidr(address: Cidr): Cidr {
  const { ip, family } = cidrParts(address)
  return cidrOf(ip, bitsOf(family))
}

function gatewaysOf(texts: readonly string[]): ReadonlyMap<Family, Ip> {
  if (texts.length > MOST_GATEWAYS) throw fail('sbr-gateways-many')
  const gateways = texts.map((text) => {
    try {
      return parseIp(text)
    } catch (cause) {
      throw fail('sbr-gateway-invalid', { gateway: text }, cause)
    }
  })
  const byFamily = new Map(gateways.map((ip) => [familyOf(ip), ip] as const))
  if (byFamily.size < gateways.length) {
    throw fail('sbr-gateways-same-family', { gateways: texts.join(' ') })
  }
  return byFamily
}
