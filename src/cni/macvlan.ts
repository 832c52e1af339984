/**
 * CNI plugin `macvlan`: a macvlan of an Ethernet interface of the host, or of one
 * of the pod's own (`linkInContainer`), in the pod.
 * Its hardware address is chosen before it is made, so that the result is whole
 * without reading back; in mode passthru it is the master's.
 *
 * Spec: CNI 1.1.0; Linux include/uapi/linux/if_link.h (IFLA_MACVLAN_*).
 * @module
 */
import type { HardwareAddress } from '#values/hardware-address.ts'
import type { MacvlanMode } from '#values/link.ts'
import type { Random } from '#needs/clock.ts'
import { MACVLAN_CONF, type MacvlanDocument } from '#schema/cni-conf.ts'
import type { CniArgs } from '#wire/cni/args.ts'
import type { CniDns } from '#wire/cni/result.ts'
import { answerOf } from './addressing.ts'
import { type CheckNeeds, checkMain } from './check.ts'
import { confReader, dnsOf } from './conf.ts'
import { fail } from './failures.ts'
import { parseMac, randomMac } from './mac.ts'
import { type MainNeeds, type PodSaw, detachLink, observePod } from './main-link.ts'
import {
  type MasterConf,
  type MasterNeeds,
  type MasterSaw,
  checkMaster,
  findMaster,
  mtuUnder,
} from './master.ts'
import type { Plugin } from './plugin.ts'
import { parentPlace, planStacked } from './stacked.ts'

export type MacvlanNeeds = MainNeeds & MasterNeeds & CheckNeeds & Pick<Random, 'below'>

export type MacvlanConf = MasterConf & {
  readonly mode: MacvlanMode
  /** Bytes; the master's when 0. */
  readonly mtu: number
  readonly mac: HardwareAddress | undefined
  /** Packets; the kernel's own when 0. */
  readonly bcQueueLength: number
  readonly dns: CniDns | undefined
}

export type MacvlanSaw = PodSaw &
  MasterSaw & {
    /** For a macvlan that nobody asked an address for. */
    readonly random: HardwareAddress
  }

const read = confReader(MACVLAN_CONF)
const MODES: ReadonlyMap<string, MacvlanMode> = new Map([
  ['', 'bridge'],
  ['bridge', 'bridge'],
  ['private', 'private'],
  ['vepa', 'vepa'],
  ['passthru', 'passthru'],
])
export const macvlan: Plugin<MacvlanConf, MacvlanNeeds, MacvlanSaw> = {
  type: 'macvlan',
  role: 'main',
  recalls: true,

  parse(raw, args) {
    const { value, warnings } = read(raw)
    const mode = MODES.get(value.mode ?? '')
    if (mode === undefined) throw fail('macvlan-mode-unknown', { mode: value.mode })
    const { master, linkInContainer, mtu, bcqueuelen: bcQueueLength } = value
    const mac = macOf(value, args)
    const dns = dnsOf(value.dns)
    return { conf: { master, linkInContainer, mode, mtu, mac, bcQueueLength, dns }, warnings }
  },

  async observe(request, needs) {
    const [pod, found] = await Promise.all([observePod(request, needs), findMaster(request, needs)])
    return { ...pod, ...found, random: randomMac(needs) }
  },

  plan(request, saw) {
    const { conf } = request
    const master = checkMaster(request, saw, 'macvlan')
    const { mode, bcQueueLength, linkInContainer } = conf
    const queue = bcQueueLength === 0 ? {} : { bcQueueLength }
    const place = parentPlace(linkInContainer)
    const spec = { kind: 'macvlan', parent: master.name, mode, ...queue, ...place } as const
    const address = mode === 'passthru' ? undefined : addressOf(conf, saw)
    return planStacked(request, { saw, spec, mtu: mtuUnder(conf.mtu, master), address })
  },

  answer(request, saw) {
    const { conf } = request
    const mtu = mtuUnder(conf.mtu, checkMaster(request, saw, 'macvlan'))
    return answerOf(request, { mac: addressOf(conf, saw), mtu, dns: conf.dns })
  },

  async check(request, needs) {
    const { master, mode, linkInContainer } = request.conf
    const [found, parent] = await Promise.all([
      checkMain(request, needs, {
        kind: 'macvlan',
        keepsMtu: true,
        settings: ({ kind }) => [
          { setting: 'mode', found: kind.kind === 'macvlan' && kind.mode, wanted: mode },
        ],
      }),
      master === undefined
        ? undefined
        : needs.link(linkInContainer ? request.netns : 'host', master),
    ])
    const isGone = master !== undefined && parent === undefined
    return isGone ? [fail('master-missing', { master }), ...found] : found
  },

  planDetach: (request) => detachLink(request, 'macvlan'),
}

function macOf(value: MacvlanDocument, args: CniArgs | undefined): HardwareAddress | undefined {
  const text = value.runtimeConfig?.mac ?? (args?.get('MAC') || value.mac)
  return text === undefined ? undefined : parseMac(text)
}

function addressOf({ mode, mac }: MacvlanConf, saw: MacvlanSaw): HardwareAddress | undefined {
  return mode === 'passthru' ? saw.master?.address : (mac ?? saw.random)
}
