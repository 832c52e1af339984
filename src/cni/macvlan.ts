/**
 * CNI plugin `macvlan`: a macvlan of a host's Ethernet interface, in the pod.
 * Its hardware address is chosen before it is made, so that the result is whole
 * without reading back; in mode passthru it is the master's.
 *
 * Spec: CNI 1.1.0; Linux include/uapi/linux/if_link.h (IFLA_MACVLAN_*).
 * @module
 */
import { failureIn } from '#values/failure.ts'
import { type HardwareAddress, parseHardwareAddress } from '#values/hardware-address.ts'
import type { IfName } from '#values/if-name.ts'
import type { Link, MacvlanMode } from '#values/link.ts'
import { MAIN_TABLE } from '#values/route.ts'
import type { Random } from '#needs/clock.ts'
import { MACVLAN_CONF, type MacvlanDocument } from '#schema/cni-conf.ts'
import type { CniArgs } from '#wire/cni/args.ts'
import type { CniDns } from '#wire/cni/result.ts'
import { answerOf, planAddressing } from './addressing.ts'
import { type CheckNeeds, checkMain } from './check.ts'
import { confReader, dnsOf } from './conf.ts'
import { fail } from './failures.ts'
import { randomMac } from './mac.ts'
import { type MainNeeds, type PodSaw, detachLink, observePod, planName } from './main-link.ts'
import type { Plugin, PluginRequest } from './plugin.ts'

export type MacvlanNeeds = MainNeeds & CheckNeeds & Pick<Random, 'below'>

export type MacvlanConf = {
  /** The interface of the default route when undefined. */
  readonly master: IfName | undefined
  readonly mode: MacvlanMode
  /** Bytes; the master's when 0. */
  readonly mtu: number
  readonly mac: HardwareAddress | undefined
  readonly dns: CniDns | undefined
}

export type MacvlanSaw = PodSaw & {
  /** Name of the master; undefined when there is no default route to tell. */
  readonly name: IfName | undefined
  readonly master: Link | undefined
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
const ETHERNET = 1
const ETHERNET_BYTES = 6
const SETTINGS = [
  { family: 4, name: 'arp_notify', value: '1' },
  { family: 6, name: 'ndisc_notify', value: '1' },
] as const

export const macvlan: Plugin<MacvlanConf, MacvlanNeeds, MacvlanSaw> = {
  type: 'macvlan',
  role: 'main',

  parse(raw, args) {
    const { value, warnings } = read(raw)
    const mode = MODES.get(value.mode ?? '')
    if (mode === undefined) throw fail('macvlan-mode-unknown', { mode: value.mode })
    refuseUnsupported(value)
    const { master, mtu } = value
    return { conf: { master, mode, mtu, mac: macOf(value, args), dns: dnsOf(value.dns) }, warnings }
  },

  async observe(request, needs) {
    const [pod, found] = await Promise.all([observePod(request, needs), findMaster(request, needs)])
    return { ...pod, ...found, random: randomMac(needs) }
  },

  plan(request, saw) {
    const { conf, netns, ifName, temp, mark } = request
    const { link: master, mtu } = checkMaster(conf, saw)
    const address = conf.mode === 'passthru' ? undefined : addressOf(conf, saw)
    return [
      ...planName(request, { ...saw, what: 'macvlan', kind: 'macvlan' }),
      {
        do: 'create-link',
        netns,
        way: 'in-place',
        temp,
        name: ifName,
        mark,
        spec: { kind: 'macvlan', parent: master.name, mode: conf.mode },
        mtu,
        address,
      },
      { do: 'rename-link', netns, from: temp, to: ifName },
      ...planAddressing(request, {
        ipv6Disabled: saw.ipv6Disabled,
        settings: request.addressing === undefined ? [] : SETTINGS,
      }),
    ]
  },

  answer(request, saw) {
    const { conf } = request
    const { mtu } = checkMaster(conf, saw)
    return answerOf(request, { mac: addressOf(conf, saw), mtu, dns: conf.dns })
  },

  async check(request, needs) {
    const { master, mode } = request.conf
    const [found, parent] = await Promise.all([
      checkMain(request, needs, {
        kind: 'macvlan',
        keepsMtu: true,
        settings: ({ kind }) => [
          { setting: 'mode', found: kind.kind === 'macvlan' && kind.mode, wanted: mode },
        ],
      }),
      master === undefined ? undefined : needs.link('host', master),
    ])
    const isGone = master !== undefined && parent === undefined
    return isGone ? [fail('master-missing', { master }), ...found] : found
  },

  planDetach: (request) => detachLink(request, 'macvlan'),
}

/** A step names a link's parent in the host's namespace, and has no place for the queue length. */
function refuseUnsupported({ linkInContainer, bcqueuelen }: MacvlanDocument): void {
  const refuse = (field: string, value: unknown, reason: string): never => {
    throw fail('plugin-field-unsupported', { field, value, type: 'macvlan', reason })
  }
  if (linkInContainer) refuse('linkInContainer', true, 'a master is looked up on the host only')
  if (bcqueuelen > 0) refuse('bcqueuelen', bcqueuelen, "the queue length is the kernel's own")
}

function macOf(value: MacvlanDocument, args: CniArgs | undefined): HardwareAddress | undefined {
  const text = value.runtimeConfig?.mac ?? (args?.get('MAC') || value.mac)
  if (text === undefined) return undefined
  try {
    const mac = parseHardwareAddress(text)
    if (mac.split(':').length === ETHERNET_BYTES) return mac
  } catch (cause) {
    const reason = failureIn(cause)?.details['reason']
    throw fail('macvlan-mac-invalid', { value: text, reason })
  }
  throw fail('macvlan-mac-invalid', { value: text, reason: 'it is not 6 bytes' })
}

async function findMaster(
  { conf }: PluginRequest<MacvlanConf>,
  needs: MacvlanNeeds,
): Promise<Pick<MacvlanSaw, 'name' | 'master'>> {
  const name = conf.master ?? (await defaultRouteLink(needs))
  return { name, master: name === undefined ? undefined : await needs.link('host', name) }
}

/** The interface of the IPv4 default route with the lowest metric, as upstream takes it. */
async function defaultRouteLink(needs: MacvlanNeeds): Promise<IfName | undefined> {
  const routes = await needs.routes('host')
  const defaults = routes.filter(
    ({ dst, table, dev }) => dst === '0.0.0.0/0' && table === MAIN_TABLE && dev !== undefined,
  )
  return defaults.toSorted((a, b) => (a.priority ?? 0) - (b.priority ?? 0))[0]?.dev
}

function checkMaster(conf: MacvlanConf, saw: MacvlanSaw): { link: Link; mtu: number } {
  const { name, master: link } = saw
  if (name === undefined) throw fail('master-default-missing')
  if (link === undefined) throw fail('master-missing', { master: name })
  if (link.arpType !== ETHERNET) throw fail('master-not-ethernet', { master: name })
  const { mtu } = conf
  if (mtu < 0 || mtu > link.mtu) throw fail('macvlan-mtu-invalid', { mtu, limit: link.mtu })
  return { link, mtu: mtu === 0 ? link.mtu : mtu }
}

function addressOf({ mode, mac }: MacvlanConf, saw: MacvlanSaw): HardwareAddress | undefined {
  return mode === 'passthru' ? saw.master?.address : (mac ?? saw.random)
}
