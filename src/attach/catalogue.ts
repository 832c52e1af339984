/**
 * The plugins and IPAMs there are, by their CNI type.
 * @module
 */
import type { Plugin } from '#cni/index.ts'
import type { Ipam } from '#ipam/index.ts'
import type { Random } from '#needs/clock.ts'
import type { KernelQuestions } from '#needs/kernel.ts'

/** What every plugin may ask. */
export type PluginNeeds = KernelQuestions & Random
/** A configuration as the runtime passes it to one plugin. */
export type RawConf = Readonly<Record<string, unknown>>
export type AnyPlugin = Plugin<unknown, PluginNeeds, unknown>
export type AnyIpam = Ipam<unknown>

/** Plugins and IPAMs by their CNI type. */
export type Catalogue = {
  readonly plugins: ReadonlyMap<string, AnyPlugin>
  readonly ipams: ReadonlyMap<string, AnyIpam>
}
