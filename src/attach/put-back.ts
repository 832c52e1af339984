/**
 * Undo of a step that took something away, or changed it, puts it back. Adding
 * is not tolerant, as taking away is: what an agent that was killed never came
 * to take away is still there, and what hangs on a link that is gone by now
 * went with it.
 * @module
 */
import type { Kernel, KernelQuestions } from '#needs/kernel.ts'
import type { IfName } from '#values/if-name.ts'
import type { Where } from '#values/netns.ts'
import type { Route, Rule } from '#values/route.ts'
import type { Step } from '#values/step.ts'

/**
 * Takes an undo. What another attachment's undo took away meanwhile, a link that
 * a route was to come back to, is looked for once more before that is a failure.
 */
export async function takeBack(undo: readonly Step[], kernel: Kernel): Promise<void> {
  try {
    await kernel.take(await stillToDo(undo, kernel))
  } catch {
    await kernel.take(await stillToDo(undo, kernel))
  }
}

/** The steps of an undo that still have something to do, in their order. */
async function stillToDo(
  steps: readonly Step[],
  kernel: KernelQuestions,
): Promise<readonly Step[]> {
  // what cannot be asked, its namespace having gone just now, is left to the kernel to say
  const moot = await Promise.all(steps.map((step) => isMoot(step, kernel).catch(() => false)))
  return steps.filter((_, i) => moot[i] !== true)
}

async function isMoot(step: Step, kernel: KernelQuestions): Promise<boolean> {
  switch (step.do) {
    case 'add-address': {
      const { where, link, cidr } = step
      if (await isGone(where, link, kernel)) return true
      return (await kernel.addresses(where)).some((one) => one.link === link && one.cidr === cidr)
    }
    case 'add-route': {
      const { where, route } = step
      if (await isGone(where, route.dev, kernel)) return true
      return (await kernel.routes(where)).some((other) => isSame(other, route))
    }
    case 'add-rule':
      return (await kernel.rules(step.where)).some((other) => saysTheSame(other, step.rule))
    case 'set-link':
      return isGone(step.where, step.link, kernel)
    case 'add-neighbour':
      return isGone(step.where, step.neighbour.link, kernel)
    case 'add-nft-table':
      return (await kernel.nftTables(step.where)).includes(step.table.name)
    case 'set-sysctl':
      return (await kernel.sysctl(step.where, step.path)) === undefined
    default:
      return false
  }
}

async function isGone(
  where: Where,
  link: IfName | undefined,
  kernel: KernelQuestions,
): Promise<boolean> {
  return link !== undefined && (await kernel.link(where, link)) === undefined
}

/** Of one prefix and table the kernel takes several routes, by different ways. */
function isSame(there: Route, wanted: Route): boolean {
  const { dst, table, via, dev } = wanted
  return there.dst === dst && there.table === table && there.via === via && there.dev === dev
}

function saysTheSame(there: Rule, wanted: Rule): boolean {
  const { family, from, to, fwmark, table, protocol, priority } = wanted
  return (
    there.family === family &&
    there.from === from &&
    there.to === to &&
    there.fwmark?.mark === fwmark?.mark &&
    there.fwmark?.mask === fwmark?.mask &&
    there.table === table &&
    there.protocol === protocol &&
    (priority === undefined || there.priority === priority)
  )
}
