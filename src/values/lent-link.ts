/**
 * Steps on links that no attachment owns: those that the host lends to a pod, those
 * that pods share on the host; and the settings that any link has.
 * @module
 */
import type { HardwareAddress } from './hardware-address.ts'
import type { IfName } from './if-name.ts'
import type { SharedSpec } from './link.ts'
import type { NetnsPath } from './netns.ts'

/** Settings that any link has; those that are absent stay. */
export type LinkSettings = {
  readonly mtu?: number
  readonly address?: HardwareAddress
  readonly txQueueLength?: number
  readonly promiscuous?: boolean
  readonly allMulticast?: boolean
}

/**
 * Takes a link of the host's into a pod: down, under `temp`; `rename-link` gives it
 * its name last. Its group tells whose it is now, its alias its name on the host.
 */
export type MoveLink = {
  readonly do: 'move-link'
  readonly netns: NetnsPath
  /** Name on the host. */
  readonly link: IfName
  readonly temp: IfName
  readonly name: IfName
  readonly mark: string
  readonly was: MovedWas
}
/** What a link was on the host, and is again when it comes back. */
export type MovedWas = LinkSettings & {
  /** Given back where nobody has it by then. */
  readonly index: number
  readonly up: boolean
  readonly group: number
  readonly alias: string | undefined
}

/** Gives a moved link back to the host, from the pod or from where the kernel put it. */
export type ReturnLink = {
  readonly do: 'return-link'
  readonly netns: NetnsPath
  /** Name on the host; undefined: as its alias says. */
  readonly link: IfName | undefined
  /** Names that it can bear in the pod. */
  readonly names: readonly IfName[]
  /** Undefined: whoever moved it, the replaced plugin included; found by name then. */
  readonly mark: string | undefined
  readonly was: MovedWas | undefined
}

/**
 * Makes a link of the host that pods share, unless it is there: up, with its parent
 * or ports up. It belongs to none of them and stays: there is no undo.
 */
export type ShareLink = {
  readonly do: 'share-link'
  readonly where: 'host'
  readonly name: IfName
  readonly spec: SharedSpec
}
