/**
 * CNI plugin `ipvlan`: an ipvlan of an Ethernet interface, in the pod. It shares its
 * master's hardware address, and its mode with all ipvlans of that master.
 *
 * Spec: CNI 1.1.0; Linux Documentation/networking/ipvlan.rst. Behind another main
 * plugin it takes that one's interface as master and its addresses.
 * @module
 */
import type { IfName } from '#values/if-name.ts'
import type { IpvlanMode } from '#values/link.ts'
import { IPVLAN_CONF } from '#schema/plugin-conf.ts'
import type { CniDns } from '#wire/cni/result.ts'
import { answerOf } from './addressing.ts'
import { type CheckNeeds, checkMain } from './check.ts'
import { confReader, dnsOf } from './conf.ts'
import { fail } from './failures.ts'
import { type MainNeeds, type PodSaw, detachLink, observePod } from './main-link.ts'
import {
  type MasterConf,
  type MasterNeeds,
  type MasterSaw,
  checkMaster,
  findMaster,
} from './master.ts'
import type { Plugin, PluginRequest } from './plugin.ts'
import { parentPlace, planStacked } from './stacked.ts'

export type IpvlanNeeds = MainNeeds & MasterNeeds & CheckNeeds
export type IpvlanConf = MasterConf & {
  readonly mode: IpvlanMode
  /** Bytes; the master's when 0. */
  readonly mtu: number
  readonly dns: CniDns | undefined
}
export type IpvlanSaw = PodSaw & MasterSaw

const read = confReader(IPVLAN_CONF)
const MODES: ReadonlyMap<string, IpvlanMode> = new Map([
  ['', 'l2'],
  ['l2', 'l2'],
  ['l3', 'l3'],
  ['l3s', 'l3s'],
])

export const ipvlan: Plugin<IpvlanConf, IpvlanNeeds, IpvlanSaw> = {
  type: 'ipvlan',
  role: 'main',
  recalls: true,

  parse(raw) {
    const { value, warnings } = read(raw)
    const mode = MODES.get(value.mode ?? '')
    if (mode === undefined) throw fail('ipvlan-mode-unknown', { mode: value.mode })
    const { master, linkInContainer, mtu } = value
    if (mtu < 0) throw fail('plugin-conf-invalid', { field: 'mtu', reason: `${mtu} is negative` })
    return { conf: { master, linkInContainer, mode, mtu, dns: dnsOf(value.dns) }, warnings }
  },

  async observe(request, needs) {
    const chained = withPrevious(request)
    const [pod, found] = await Promise.all([
      observePod(chained, needs),
      findMaster({ ...request, conf: confOf(request) }, needs),
    ])
    return { ...pod, ...found }
  },

  plan(request, saw) {
    const chained = withPrevious(request)
    const { conf, ifName } = request
    if (chained.addressing === undefined) throw fail('ipam-required', { ifName, type: 'ipvlan' })
    const { name } = checkMaster(request, saw, 'ipvlan')
    const place = parentPlace(conf.linkInContainer)
    const spec = { kind: 'ipvlan', parent: name, mode: conf.mode, ...place } as const
    return planStacked(chained, { saw, spec, mtu: conf.mtu || undefined, address: undefined })
  },

  answer(request, saw) {
    const { mtu, dns } = request.conf
    const master = checkMaster(request, saw, 'ipvlan')
    const made = { mac: master.address, mtu: mtu || master.mtu, dns }
    return answerOf(withPrevious(request), made)
  },

  check(request, needs) {
    return checkMain(request, needs, {
      kind: 'ipvlan',
      keepsMtu: true,
      settings: ({ kind }) => [
        {
          setting: 'mode',
          found: kind.kind === 'ipvlan' && kind.mode,
          wanted: request.conf.mode,
        },
      ],
    })
  },

  planDetach: (request) => detachLink(request, 'ipvlan'),
}

/** Without a master of its own, a plugin in a chain takes the interface before it. */
function confOf({ conf, prevResult }: PluginRequest<IpvlanConf>): MasterConf {
  if (conf.master !== undefined || prevResult === undefined) return conf
  return { ...conf, master: singleInterface(prevResult.interfaces) }
}

function singleInterface(interfaces: readonly { readonly name: IfName }[]): IfName {
  const [only, ...more] = interfaces
  if (only === undefined || more.length > 0) throw fail('master-chained-missing')
  return only.name
}

/** Without an IPAM of its own it has the addresses of the result before it. */
function withPrevious(request: PluginRequest<IpvlanConf>): PluginRequest<IpvlanConf> {
  const { addressing, prevResult } = request
  if (addressing !== undefined || (prevResult?.ips.length ?? 0) === 0) return request
  return { ...request, addressing: prevResult }
}
