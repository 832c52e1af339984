/**
 * What attaching needs of the world, and what it is asked.
 * @module
 */
import type { Document } from '#needs/records.ts'
import type { Clock, Random } from '#needs/clock.ts'
import type { Kernel } from '#needs/kernel.ts'
import type { DefaultRouteChange } from '#network/index.ts'
import type { IfName } from '#values/if-name.ts'
import type { Link } from '#values/link.ts'
import type { NetnsPath } from '#values/netns.ts'
import type { Owner } from '#values/owner.ts'
import type { CniResult, CniVersion } from '#wire/cni/result.ts'
import type { Catalogue, PluginNeeds, RawConf } from './catalogue.ts'
import type { Journal, Row } from './row.ts'

/** What a plugin of another vendor printed; `status` -1: it could not be run. */
export type Ran = { readonly status: number; readonly stdout: string; readonly stderr: string }

/** Runs a plugin on the host, by the caller's own connection. */
export interface Foreign {
  /** @throws {Failure} `foreign-unreachable`: the caller is gone */
  run(plugin: {
    readonly type: string
    /** Overrides of the caller's environment, CNI_COMMAND among them. */
    readonly env: Readonly<Record<string, string>>
    readonly stdin: string
  }): Promise<Ran>
}

/** What one network of a pod is given beside its chain. */
export type OfPod = {
  /** What becomes of its default routes when all networks are attached. */
  readonly defaultRoute: DefaultRouteChange | undefined
  /** The device plugin's file about its device, and the copy it has of it. */
  readonly deviceInfo: { readonly from: string; readonly to: string } | undefined
  /** CNI_PATH of plugins of other vendors; undefined for the caller's. */
  readonly pluginPath: string | undefined
}

/** dev:ino where it is known; null where the caller allows its own (CNI_NETNS_OVERRIDE). */
export type CallerNetns = string | undefined | null

/** One attachment that is asked for. */
export type Wanted = {
  readonly owner: Owner
  readonly netns: NetnsPath
  readonly cniVersion: CniVersion
  /** Plugin configurations in order, as the runtime would pass them. */
  readonly plugins: readonly RawConf[]
  /** CNI_ARGS for this attachment. */
  readonly args: string
  readonly prevResult: CniResult | undefined
  readonly root: Row['root']
  /** dev:ino of the caller's own network namespace, which must not be the container's. */
  readonly callerNetns: CallerNetns
  /** `namespace/name` of the network object, where a pod's annotation named one. */
  readonly networkRef: string | undefined
  /** What only one of a pod's networks can have; undefined for a plugin by itself. */
  readonly ofPod: OfPod | undefined
  /** The Pod and its Namespace where they are known. */
  readonly pod: Document | undefined
  readonly namespace: Document | undefined
}

/** What has happened to an attachment, for the log. */
export type Note = {
  readonly note: 'warning' | 'undone' | 'undo-failed' | 'recovered' | 'left'
  readonly attachment: string
  readonly text: string
  readonly cause?: unknown
}

/** Links of the host by name, as plans found them last. */
export type Masters = Map<IfName, Link>

export interface AttachNeeds {
  readonly kernel: Kernel
  readonly journal: Journal
  readonly clock: Clock
  readonly random: Random
  /** What plugins may ask: the kernel's questions and chance, as one object. */
  readonly questions: PluginNeeds
  readonly catalogue: Catalogue
  /** What plans have found of the host's links; without it every plan looks anew. */
  readonly masters?: Masters
  report(note: Note): void
}
