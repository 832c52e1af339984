/**
 * The plan of a main plugin that makes a link over another: macvlan, ipvlan, vlan.
 * @module
 */
import type { HardwareAddress } from '#values/hardware-address.ts'
import type { LinkSpec } from '#values/link.ts'
import type { Step } from '#values/step.ts'
import { planAddressing } from './addressing.ts'
import { planMadeLink } from './made-link.ts'
import { type PodSaw, planName } from './main-link.ts'
import type { PluginRequest } from './plugin.ts'

const SETTINGS = [
  { family: 4, name: 'arp_notify', value: '1' },
  { family: 6, name: 'ndisc_notify', value: '1' },
] as const

/** Made in the pod, addressed, up. */
export function planStacked(
  request: PluginRequest<unknown>,
  made: {
    readonly saw: PodSaw
    readonly spec: LinkSpec
    readonly mtu: number | undefined
    readonly address: HardwareAddress | undefined
  },
): Step[] {
  const { ifName: name, addressing } = request
  const { saw, spec, mtu, address } = made
  const { kind } = spec
  return [
    ...planName(request, { ...saw, what: kind, kind }),
    ...planMadeLink(request, { way: 'in-place', name, spec, mtu, address }),
    ...planAddressing(request, {
      ipv6Disabled: saw.ipv6Disabled,
      settings: addressing === undefined ? [] : SETTINGS,
    }),
  ]
}

/** Where a master is looked up, as a link's spec says it. */
export function parentPlace(linkInContainer: boolean): { readonly parentIn?: 'pod' } {
  return linkInContainer ? { parentIn: 'pod' } : {}
}
