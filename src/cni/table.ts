/**
 * The plugins of ours by their CNI `type`. Whoever runs a chain treats them all
 * alike: what one's `parse` and `observe` gave is for that one alone.
 * @module
 */
import { type CoordinatorNeeds, coordinator } from './coordinator.ts'
import { type IpoibNeeds, ipoib } from './ipoib.ts'
import { type MacvlanNeeds, macvlan } from './macvlan.ts'
import type { Plugin } from './plugin.ts'

/** What all plugins together ask: the host's questions, and chance. */
export type PluginNeeds = CoordinatorNeeds & IpoibNeeds & MacvlanNeeds

/** A type that is not here is another vendor's. */
export const PLUGINS: ReadonlyMap<string, Plugin<unknown, PluginNeeds, unknown>> = new Map<
  string,
  Plugin<unknown, PluginNeeds, unknown>
>([
  [coordinator.type, coordinator],
  [ipoib.type, ipoib],
  [macvlan.type, macvlan],
])
