/**
 * What every main plugin does around its own link: looks whether the name is
 * free, and takes down what an earlier ADD left.
 * @module
 */
import { familyOf } from '#values/ip.ts'
import type { Link } from '#values/link.ts'
import { isMadeFor } from '#values/mark.ts'
import type { Step } from '#values/step.ts'
import type { KernelQuestions } from '#needs/kernel.ts'
import { IPV6_SYSCTL } from './addressing.ts'
import { fail } from './failures.ts'
import type { DetachRequest, PluginRequest } from './plugin.ts'

export type MainNeeds = Pick<KernelQuestions, 'link' | 'sysctl'>

/** What is in the pod before the link is made. */
export type PodSaw = {
  /** A link that has CNI_IFNAME already. */
  readonly existing: Link | undefined
  /** Undefined: this kernel has no IPv6, or the pod wants none. */
  readonly ipv6Disabled: string | undefined
}

export async function observePod(
  { netns, ifName, addressing }: PluginRequest<unknown>,
  needs: MainNeeds,
): Promise<PodSaw> {
  const hasIpv6 = addressing?.ips.some(({ address }) => familyOf(address) === 6) ?? false
  const [existing, ipv6Disabled] = await Promise.all([
    needs.link(netns, ifName),
    hasIpv6 ? needs.sysctl(netns, IPV6_SYSCTL) : undefined,
  ])
  return { existing, ipv6Disabled }
}

/**
 * What must go before the link can have its name: a link of this very
 * attachment that no journal knows any more.
 * @throws {Failure} `interface-exists`: the name is somebody else's. `what` is upstream's word
 */
export function planName(
  { netns, ifName, temp, mark }: PluginRequest<unknown>,
  saw: PodSaw & { what: string; kind: string },
): Step[] {
  const { existing, what, kind } = saw
  if (existing === undefined) return []
  if (!isMadeFor(existing, mark)) {
    const more = `${ifName} (${kindName(existing)}) is in the pod and is not of this attachment`
    throw fail('interface-exists', { what, ifName, more })
  }
  return [{ do: 'delete-link', netns, names: [temp, ifName], mark, kind }]
}

/** The link of an ADD without journal row, of ours or of the binary we replace. */
export function detachLink({ netns, ifName }: DetachRequest<unknown>, kind: string): Step[] {
  return [{ do: 'delete-link', netns, names: [ifName], mark: undefined, kind }]
}

/** The kernel's word for a link's kind; `device` for one without, as upstream says. */
export function kindName({ kind }: Link): string {
  if (kind.kind === 'other') return kind.name
  return kind.kind === 'physical' ? 'device' : kind.kind
}
