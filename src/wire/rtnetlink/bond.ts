/**
 * Settings of bonds: IFLA_INFO_DATA of kind `bond`, both ways as far as we need it.
 *
 * Spec: Linux include/uapi/linux/if_link.h, enum for IFLA_BOND. Integers are
 * host-endian; ARP targets are addresses in network order, IPv4 only.
 * @module
 */
import {
  BOND_MODES,
  BOND_OPTIONS,
  type BondMode,
  type BondOption,
  type BondSettings,
} from '#values/bond.ts'
import type { Attribute } from '#wire/netlink/attribute.ts'
import { u32 } from '#wire/netlink/attribute.ts'
import { nest, raw, u16, u8, u8Of } from '#wire/netlink/payload.ts'
import { ipBytes } from './ip-bytes.ts'

const MODE = 1 // IFLA_BOND_MODE
const ARP_TARGETS = 8 // IFLA_BOND_ARP_IP_TARGET
const PRIMARY = 11 // IFLA_BOND_PRIMARY

type Width = (type: number, value: number) => Attribute
/** IFLA_BOND_* of each option, and its width. */
const OPTIONS: Readonly<Record<BondOption, readonly [number, Width]>> = {
  miimon: [3, u32],
  updelay: [4, u32],
  downdelay: [5, u32],
  use_carrier: [6, u8],
  arp_interval: [7, u32],
  arp_validate: [9, u32],
  arp_all_targets: [10, u32],
  primary_reselect: [12, u8],
  fail_over_mac: [13, u8],
  xmit_hash_policy: [14, u8],
  resend_igmp: [15, u32],
  num_grat_arp: [16, u8],
  all_slaves_active: [17, u8],
  min_links: [18, u32],
  lp_interval: [19, u32],
  packets_per_slave: [20, u32],
  lacp_rate: [21, u8],
  ad_select: [22, u8],
  ad_actor_sys_prio: [24, u16],
  ad_user_port_key: [25, u16],
  tlb_dynamic_lb: [27, u8],
  peer_notif_delay: [28, u32],
  lacp_active: [29, u8],
  missed_max: [30, u8],
}

/** What a bond is made with. */
export function bondAttributes({ mode, options, arpTargets }: BondSettings): Attribute[] {
  const attributes = [u8(MODE, BOND_MODES.indexOf(mode))]
  for (const [name, [type, width]] of Object.entries(OPTIONS)) {
    const value = isOption(name) ? options[name] : undefined
    if (value !== undefined) attributes.push(width(type, value))
  }
  if (arpTargets.length > 0) {
    attributes.push(
      nest(
        ARP_TARGETS,
        arpTargets.map((ip, i) => raw(i, ipBytes(ip))),
      ),
    )
  }
  return attributes
}

/** The port that is used while it can be, by its index. */
export function bondPrimary(index: number): Attribute[] {
  return [u32(PRIMARY, index)]
}

/** The mode in IFLA_INFO_DATA. */
export function decodeBondMode(data: ReadonlyMap<number, Attribute>): BondMode | undefined {
  const mode = data.get(MODE)
  return mode === undefined ? undefined : BOND_MODES[u8Of(mode)]
}

function isOption(name: string): name is BondOption {
  return name in BOND_OPTIONS
}
