/**
 * The plugins of ours by their CNI `type`. Whoever runs a chain treats them all
 * alike: what one's `parse` and `observe` gave is for that one alone.
 * @module
 */
import { type CoordinatorNeeds, coordinator } from './coordinator.ts'
import { type HostDeviceNeeds, hostDevice } from './host-device.ts'
import { type IfacerNeeds, ifacer } from './ifacer.ts'
import { type IpoibNeeds, ipoib } from './ipoib.ts'
import { type IpvlanNeeds, ipvlan } from './ipvlan.ts'
import { type MacvlanNeeds, macvlan } from './macvlan.ts'
import type { Plugin } from './plugin.ts'
import { type SbrNeeds, sbr } from './sbr.ts'
import { type TuningNeeds, tuning } from './tuning.ts'
import { type VlanNeeds, vlan } from './vlan.ts'

/** What all plugins together ask: the host's questions, and chance. */
export type PluginNeeds = CoordinatorNeeds &
  HostDeviceNeeds &
  IfacerNeeds &
  IpoibNeeds &
  IpvlanNeeds &
  MacvlanNeeds &
  SbrNeeds &
  TuningNeeds &
  VlanNeeds

/** A type that is not here is another vendor's. */
export const PLUGINS: ReadonlyMap<string, Plugin<unknown, PluginNeeds, unknown>> = new Map<
  string,
  Plugin<unknown, PluginNeeds, unknown>
>([
  [coordinator.type, coordinator],
  [hostDevice.type, hostDevice],
  [ifacer.type, ifacer],
  [ipoib.type, ipoib],
  [ipvlan.type, ipvlan],
  [macvlan.type, macvlan],
  [sbr.type, sbr],
  [tuning.type, tuning],
  [vlan.type, vlan],
])
