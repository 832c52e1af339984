/**
 * CNI plugin `vlan`: a VLAN of an Ethernet interface, in the pod. Each number can be
 * there once on a master, whatever the namespaces.
 *
 * Spec: CNI 1.1.0; IEEE 802.1Q (numbers 0 to 4094); containernetworking `vlan`.
 * Spiderpool's `vlanMode` says who gives the number: the configuration (`manual`),
 * or nobody that we know (`auto`).
 * @module
 */
import { VLAN_CONF, type VlanDocument } from '#schema/plugin-conf.ts'
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
  mtuUnder,
} from './master.ts'
import type { Plugin } from './plugin.ts'
import { parentPlace, planStacked } from './stacked.ts'

export type VlanNeeds = MainNeeds & MasterNeeds & CheckNeeds
export type VlanConf = MasterConf & {
  readonly id: number
  /** Bytes; the master's when 0. */
  readonly mtu: number
  readonly dns: CniDns | undefined
}
export type VlanSaw = PodSaw & MasterSaw

const read = confReader(VLAN_CONF)
const MOST = 4094

export const vlan: Plugin<VlanConf, VlanNeeds, VlanSaw> = {
  type: 'vlan',
  role: 'main',

  parse(raw) {
    const { value, warnings } = read(raw)
    const { master, linkInContainer, mtu } = value
    if (master === undefined) throw fail('vlan-master-required')
    const conf = { master, linkInContainer, id: idOf(value), mtu, dns: dnsOf(value.dns) }
    return { conf, warnings }
  },

  async observe(request, needs) {
    const [pod, found] = await Promise.all([observePod(request, needs), findMaster(request, needs)])
    return { ...pod, ...found }
  },

  plan(request, saw) {
    const { conf } = request
    const master = checkMaster(request, saw, 'vlan')
    const place = parentPlace(conf.linkInContainer)
    const spec = { kind: 'vlan', parent: master.name, id: conf.id, ...place } as const
    const mtu = mtuUnder(conf.mtu, master)
    return planStacked(request, { saw, spec, mtu, address: undefined })
  },

  /** It has its master's address. */
  answer(request, saw) {
    const { conf } = request
    const master = checkMaster(request, saw, 'vlan')
    const mtu = mtuUnder(conf.mtu, master)
    return answerOf(request, { mac: master.address, mtu, dns: conf.dns })
  },

  check(request, needs) {
    return checkMain(request, needs, {
      kind: 'vlan',
      keepsMtu: true,
      settings: ({ kind }) => [
        { setting: 'VLAN', found: kind.kind === 'vlan' && kind.id, wanted: request.conf.id },
      ],
    })
  },

  planDetach: (request) => detachLink(request, 'vlan'),
}

function idOf({ vlanId, vlanMode = 'manual' }: VlanDocument): number {
  if (vlanMode !== 'manual' && vlanMode !== 'auto') {
    throw fail('plugin-conf-invalid', { field: 'vlanMode', reason: `unknown mode: ${vlanMode}` })
  }
  if (vlanMode === 'auto' && vlanId === undefined) {
    const reason = 'nothing here gives a VLAN its number: set vlanId'
    throw fail('plugin-field-unsupported', {
      field: 'vlanMode',
      value: 'auto',
      type: 'vlan',
      reason,
    })
  }
  const id = vlanId ?? 0
  if (id < 0 || id > MOST) throw fail('vlan-id-invalid', { id })
  return id
}
