/**
 * What is asked of the host's kernel, and the one call that changes it.
 * Questions are answered as of now; none has an effect. Met by `host/`
 * (netlink, sysfs) and by `sim/` (memory); `test/contract/kernel.ts` holds for both.
 * @module
 */
import type { Guid } from '#values/guid.ts'
import type { IfName } from '#values/if-name.ts'
import type { Ip } from '#values/ip.ts'
import type { Link } from '#values/link.ts'
import type { NetnsPath, Where } from '#values/netns.ts'
import type { PciAddress } from '#values/pci-address.ts'
import type { Pkey } from '#values/pkey.ts'
import type { LinkAddress, Route, Rule } from '#values/route.ts'
import type { Step } from '#values/step.ts'

/** What a namespace path stands for. */
export type NetnsState =
  /** A namespace; `own` when it is the agent's or the caller's own. `id` is dev:ino. */
  | { readonly netns: 'there'; readonly id: string; readonly own: boolean }
  /** No such file. */
  | { readonly netns: 'gone' }
  /** A file, but no namespace. */
  | { readonly netns: 'foreign' }

/** Port of an HCA behind an IPoIB parent. */
export type HcaPort = {
  readonly rdmaDevice: string
  /** Counts from 1. */
  readonly port: number
  /** P_Keys that are on the port now, membership bit included; zero entries left out. */
  readonly pkeys: readonly Pkey[]
}

/** Questions. A namespace that is gone throws `netns-gone`, a kernel refusal `kernel-refused`. */
export interface KernelQuestions {
  netns(path: NetnsPath): Promise<NetnsState>
  /** Undefined when there is none of that name. */
  link(where: Where, name: IfName): Promise<Link | undefined>
  links(where: Where): Promise<readonly Link[]>
  addresses(where: Where): Promise<readonly LinkAddress[]>
  /** Unicast routes of every table. */
  routes(where: Where): Promise<readonly Route[]>
  rules(where: Where): Promise<readonly Rule[]>
  /** Value below /proc/sys without the line end; undefined when there is no such file. */
  sysctl(where: Where, path: string): Promise<string | undefined>
  /** Names of our own nf_tables tables there. */
  nftTables(where: Where): Promise<readonly string[]>
  /** Address the host would use as its source toward `to`; undefined without a route. */
  sourceToward(to: Ip): Promise<Ip | undefined>
  /** Driver bound to a PCI function (`mlx5_core`); undefined without one. */
  driverOf(pci: PciAddress): Promise<string | undefined>
  /** The HCA port of an IPoIB parent in the host's namespace. */
  hcaPort(link: Link): Promise<HcaPort | undefined>
  /**
   * Names in `net/` (or `virtioN/net/`) of a folder below /sys that stands for a
   * device; empty when it has none, undefined when there is no such folder.
   */
  netdevsOf(folder: string): Promise<readonly IfName[] | undefined>
  /** Text of a small file of the host's; undefined when there is none. */
  fileText(path: string): Promise<string | undefined>
  /** GUIDs in the port's GID table: its own, and those the subnet manager gave it beside. */
  portGuids(port: HcaPort): Promise<readonly Guid[]>
}

/** The one way to change a host. */
export interface KernelEffects {
  /**
   * Takes steps in order, in few kernel transactions. Stops at the first that fails.
   * Steps that take back (`delete-link`, `remove-*`) succeed on what is gone.
   * `expected` are links of the host that the steps were planned from without a look: the
   * same transaction looks at them first.
   * @throws {Failure} `kernel-refused` with the step and the kernel's own words; `netns-gone`;
   *   `link-changed`: one of `expected` is not so, whatever became of the steps
   */
  take(steps: readonly Step[], expected?: readonly Link[]): Promise<void>
}

export interface Kernel extends KernelQuestions, KernelEffects {}
