/**
 * Bonds: links of a host joined to one, with the settings that their driver
 * takes.
 *
 * Spec: Linux Documentation/networking/bonding.rst (names of modes and options);
 * times in milliseconds.
 * @module
 */
import type { Ip } from './ip.ts'

/** Modes by their number, as the driver counts. */
export const BOND_MODES = [
  'balance-rr',
  'active-backup',
  'balance-xor',
  'broadcast',
  '802.3ad',
  'balance-tlb',
  'balance-alb',
] as const
export type BondMode = (typeof BOND_MODES)[number]

/** Options that are a number, and the words that stand for numbers, counted from 0. */
export const BOND_OPTIONS = {
  miimon: [],
  updelay: [],
  downdelay: [],
  use_carrier: [],
  arp_interval: [],
  arp_validate: ['none', 'active', 'backup', 'all', 'filter', 'filter_active', 'filter_backup'],
  arp_all_targets: ['any', 'all'],
  primary_reselect: ['always', 'better', 'failure'],
  fail_over_mac: ['none', 'active', 'follow'],
  xmit_hash_policy: ['layer2', 'layer3+4', 'layer2+3', 'encap2+3', 'encap3+4', 'vlan+srcmac'],
  resend_igmp: [],
  num_grat_arp: [],
  all_slaves_active: [],
  min_links: [],
  lp_interval: [],
  packets_per_slave: [],
  lacp_rate: ['slow', 'fast'],
  ad_select: ['stable', 'bandwidth', 'count'],
  ad_actor_sys_prio: [],
  ad_user_port_key: [],
  tlb_dynamic_lb: [],
  peer_notif_delay: [],
  lacp_active: ['off', 'on'],
  missed_max: [],
} as const satisfies Record<string, readonly string[]>
export type BondOption = keyof typeof BOND_OPTIONS

/** What a bond is made with, beside its ports. */
export type BondSettings = {
  readonly mode: BondMode
  readonly options: { readonly [Name in BondOption]?: number }
  /** Whom the ports ask whether they still carry. */
  readonly arpTargets: readonly Ip[]
}
