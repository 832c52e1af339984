/**
 * What IPAM `spiderpool` needs of the world, and its configuration as read.
 * @module
 */
import type { Clock, Random } from '#needs/clock.ts'
import type { Records } from '#needs/records.ts'
import type { Ip } from '#values/ip.ts'
import type { SpiderpoolDocument } from '#schema/spiderpool-conf.ts'
import type { Probing } from './ipam.ts'

/** Whose addresses `match_master_subnet` looks at. */
export type Master = {
  /** Name of the parent on the host, where the configuration names one. */
  readonly link: string | undefined
  /** PCI address of the VF, where the configuration names one. */
  readonly deviceId: string | undefined
}

export type SpiderpoolConf = SpiderpoolDocument & { readonly master: Master }

export type SpiderpoolNeeds = {
  readonly records: Records
  readonly random: Random
  /** Name of the node that the interfaces are on. */
  readonly node: string
  /** What the network is asked where a configuration does not say; the settings' when absent. */
  readonly probing?: { readonly [Asked in keyof Probing]: boolean | undefined }
  /** Does work that follows the answer; where it is absent no SpiderEndpoint is written. */
  follow?(work: () => Promise<void>): void
  /** Waits for automatic pools; where it is absent nobody waits. */
  readonly clock?: Pick<Clock, 'sleep'>
  /** The network of pods that name none. */
  readonly clusterNetwork?: { readonly namespace: string; readonly name: string } | undefined
  /** Addresses of a parent, or of a VF's physical function; undefined where it cannot be told. */
  masterAddresses?(master: Master): Promise<readonly Ip[] | undefined>
}
