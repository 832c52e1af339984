/**
 * The interface that a chained plugin is about: in the pod already, or made or
 * brought there by the same plan.
 * @module
 */
import type { Link } from '#values/link.ts'
import type { KernelQuestions } from '#needs/kernel.ts'
import { linkOrPlanned } from './master.ts'
import type { PluginRequest } from './plugin.ts'

export type LinkFound = {
  /** As it is, or, for one that is planned, as it will be made. */
  readonly link: Link | undefined
  /** The plan makes or brings it, so that all settings of it go with it. */
  readonly ours: boolean
}

/** A link of an earlier try is not it: the plan takes that one away first. */
export async function findLink(
  { netns, ifName, planned = [] }: PluginRequest<unknown>,
  needs: Pick<KernelQuestions, 'link'>,
): Promise<LinkFound> {
  const ours = planned.some(
    (step) =>
      (step.do === 'create-link' || step.do === 'move-link') &&
      step.netns === netns &&
      step.name === ifName,
  )
  const name = ifName
  return { link: await linkOrPlanned({ where: netns, name }, planned, needs), ours }
}
