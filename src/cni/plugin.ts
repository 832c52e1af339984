/**
 * What a CNI plugin of ours is: it parses its configuration, looks, and
 * decides. It does nothing: what changes the host is a `Step`, and only
 * `attach/` takes steps. DEL needs no code of a plugin: the undo of the steps
 * is in the journal; `planDetach` is for containers that have no journal row.
 *
 * Spec: CNI 1.1.0, sections 2 to 5.
 * @module
 */
import type { Failure } from '#values/failure.ts'
import type { IfName } from '#values/if-name.ts'
import type { NetnsPath } from '#values/netns.ts'
import type { Probe } from '#values/probe.ts'
import type { Step } from '#values/step.ts'
import type { CniArgs } from '#wire/cni/args.ts'
import type { Addressing, CniResult } from '#wire/cni/result.ts'

/** One attachment as a plugin sees it. */
export type PluginRequest<Conf> = {
  readonly conf: Conf
  readonly netns: NetnsPath
  readonly ifName: IfName
  readonly containerId: string
  /** IFALIAS of every link made for this attachment: names its owner. */
  readonly mark: string
  /**
   * Name of a link that is on the host first, until it is in the pod: derived from the
   * attachment, unique on the host.
   */
  readonly temp: IfName
  /** Result of the plugin before it in the chain. */
  readonly prevResult: CniResult | undefined
  /** Undefined without IPAM (layer 2 only), and for chained plugins. */
  readonly addressing: Addressing | undefined
  /**
   * Steps of the same pod that are planned and not taken yet: by plugins before
   * it in the chain, and by other attachments of the same request. What they
   * make is not to be seen by `observe` and will be there when its own are taken.
   */
  readonly planned?: readonly Step[]
  /** What is asked of the network before an address is used; nothing when absent or empty. */
  readonly probes?: readonly Probe[]
  /** Names of the pod's interfaces that the same request makes, this one among them. */
  readonly siblings?: readonly IfName[]
}

/** What `planDetach` is given: no journal row, perhaps no namespace. */
export type DetachRequest<Conf> = {
  /** Undefined when the configuration no longer parses. */
  readonly conf: Conf | undefined
  readonly netns: NetnsPath
  readonly ifName: IfName
  readonly containerId: string
  readonly prevResult: CniResult | undefined
}

/** A CNI plugin. `Needs` are questions only; `Saw` is what it observed. */
export interface Plugin<Conf, Needs, Saw> {
  /** CNI `type`. */
  readonly type: string
  /** `main` makes CNI_IFNAME (and may have an IPAM); `chained` needs a prevResult. */
  readonly role: 'main' | 'chained'
  /**
   * Of the host it sees its master, of the pod whether its name is free, both by `link`, and
   * a name that is taken is refused where it makes its link: an ADD can be planned from what
   * was seen before, and told by the kernel that it is so no more.
   */
  readonly recalls?: true
  /**
   * `args` is CNI_ARGS, where a plugin lets it override the configuration.
   * @throws {Failure} naming field and value; `warnings` go to the log and to `plan`
   */
  parse(raw: unknown, args?: CniArgs): { readonly conf: Conf; readonly warnings: readonly string[] }
  observe(request: PluginRequest<Conf>, needs: Needs): Promise<Saw>
  /** Pure. @throws {Failure} when it cannot be done; nothing has happened then */
  plan(request: PluginRequest<Conf>, saw: Saw): Step[]
  /** Pure: the result after this plugin; a mac that the kernel makes is undefined in it. */
  answer(request: PluginRequest<Conf>, saw: Saw): CniResult
  /** Pure: what is fine and yet worth telling, a P_Key that is not on the port for one. */
  warnings?(request: PluginRequest<Conf>, saw: Saw): readonly string[]
  /** Every way in which the world differs from prevResult; empty when it is as it should be. */
  check(request: PluginRequest<Conf>, needs: Needs): Promise<Failure[]>
  /**
   * In place of `planDetach`, where only the host can tell what is left: the
   * replaced plugin's own state, addresses of the interface.
   */
  observeDetach?(request: DetachRequest<Conf>, needs: Needs): Promise<Step[]>
  /** Pure: what an earlier ADD of this plugin, or of the one it replaces, can have left. */
  planDetach(request: DetachRequest<Conf>): Step[]
}
