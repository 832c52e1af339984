/**
 * Takes the steps of several attachments. What is asked of the network in
 * between takes its time, so all of them are brought there first and ask
 * together.
 * @module
 */
import type { KernelEffects } from '#needs/kernel.ts'
import type { Link } from '#values/link.ts'
import type { Step } from '#values/step.ts'

/**
 * Steps of each attachment in order; those of an earlier one come before a later one's.
 * `expected` are links of the host that the plans take to be so.
 */
export async function takeTogether(
  plans: readonly (readonly Step[])[],
  { kernel, expected }: { kernel: KernelEffects; expected: readonly Link[] },
): Promise<void> {
  const cuts = plans.map((steps) => steps.findIndex((step) => step.do === 'probe'))
  if (cuts.every((cut) => cut < 0)) {
    await kernel.take(plans.flat(), expected)
    return
  }
  const before = plans.flatMap((steps, i) => steps.slice(0, Math.max(cuts[i] ?? 0, 0)))
  await kernel.take(before, expected)
  const probes = plans.flatMap((steps, i) => steps.filter((_, at) => at === cuts[i]))
  await Promise.all(probes.map((one) => kernel.take([one])))
  await kernel.take(plans.flatMap((steps, i) => steps.slice((cuts[i] ?? -1) + 1)))
}
