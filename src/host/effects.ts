/**
 * The one way in which this program changes a host: whole plans, in as few
 * calls of the addon as possible (one that looks up what is there, one that
 * does the rest).
 * @module
 */
import type { Link } from '#values/link.ts'
import type { DeleteLink, Step } from '#values/step.ts'
import type { KernelEffects } from '#needs/kernel.ts'
import type { Random } from '#needs/clock.ts'
import { readMessages } from '#wire/netlink/message.ts'
import { LINK_MESSAGE, decodeLink, encodeGetLink } from '#wire/rtnetlink/link.ts'
import {
  type Action,
  type ActionStep,
  type Context,
  type OwnStep,
  isOwnStep,
  routeOp,
} from './action.ts'
import { actionsOf } from './actions.ts'
import { announce } from './announce.ts'
import { type Limit, deleteLinks } from './delete-links.ts'
import { ERRNO } from './errno.ts'
import { limitOf } from './limit.ts'
import { type Handle, LinkBook } from './link-book.ts'
import { moveLink, returnLink } from './move-link.ts'
import { probe } from './probes.ts'
import { type Look, looksAt } from './expected.ts'
import { type HostView, Namespaces } from './namespaces.ts'
import { actProgram, askProgram } from './netns-call.ts'
import type { Op, OpResult } from './program.ts'
import { refusal } from './refusal.ts'
import { shareLink } from './share-link.ts'
import type { Sightings } from './sightings.ts'

/** Tries to find an index that nobody has. */
const INDEX_TRIES = 5
const NO_DATA = new Uint8Array(0)

type EffectNeeds = {
  readonly random: Random
  readonly limit: Limit
  readonly sightings: Sightings
}
type Taking = Context & Pick<EffectNeeds, 'sightings'> & { readonly expected: readonly Link[] }

/** Effects on the host that `view` shows. */
export function hostEffects(view: HostView, needs: EffectNeeds): KernelEffects {
  const oneMove = limitOf(1)
  const takeOwn = (step: OwnStep, spaces: Namespaces): Promise<void> => {
    const moving = { spaces, random: needs.random }
    if (step.do === 'probe') return probe(step, spaces)
    if (step.do === 'announce') return Promise.resolve(announce(step, view))
    if (step.do === 'share-link') return oneMove(() => shareLink(step, spaces))
    if (step.do === 'move-link') return oneMove(() => moveLink(step, moving))
    return oneMove(() => returnLink(step, moving))
  }
  return {
    async take(steps, expected = []) {
      using spaces = new Namespaces(view)
      const possible = withoutGone(steps, spaces)
      for (const [at, part] of partsOf(possible).entries()) {
        if (part.deletes.length > 0) await deleteLinks(part.deletes, spaces, needs.limit)
        if (part.own !== undefined) await takeOwn(part.own, spaces)
        const book = new LinkBook(needs.random)
        const { sightings } = needs
        const known = at === 0 ? expected : []
        await takePart(part.others, { spaces, book, sightings, expected: known })
      }
    },
  }
}

type Part = {
  readonly deletes: DeleteLink[]
  readonly own: OwnStep | undefined
  readonly others: ActionStep[]
}

/** Runs of deletions, each with the run of other steps behind it; what asks in between alone. */
function partsOf(steps: readonly Step[]): Part[] {
  const parts: Part[] = []
  for (const step of steps) {
    const last = parts.at(-1)
    if (step.do === 'delete-link') {
      const goesOn = last !== undefined && last.others.length === 0 && last.own === undefined
      if (goesOn) last.deletes.push(step)
      else parts.push({ deletes: [step], own: undefined, others: [] })
    } else if (isOwnStep(step)) parts.push({ deletes: [], own: step, others: [] })
    else if (last === undefined) parts.push({ deletes: [], own: undefined, others: [step] })
    else last.others.push(step)
  }
  return parts
}

/**
 * Leaves out what takes something back in a namespace that is gone: it went
 * with it. A setting goes with its namespace too, when all else there is taken
 * back. Any other step there is refused before the first effect.
 * @throws {Failure} `netns-gone`
 */
function withoutGone(steps: readonly Step[], spaces: Namespaces): Step[] {
  const isGone = (step: Step): boolean => spaces.find(placeOf(step)) === undefined
  const finds = (step: Step): boolean => step.do === 'delete-link' || step.do === 'return-link'
  const gone = steps.filter((step) => !finds(step) && isGone(step))
  const wanted = gone.find((step) => !takesBack(step))
  if (wanted !== undefined) spaces.enter(placeOf(wanted))
  return steps.filter((step) => !gone.includes(step))
}

function takesBack(step: Step): boolean {
  const puts = step.do === 'set-sysctl' || step.do === 'set-link'
  return step.do.startsWith('remove-') || (puts && step.was !== undefined)
}

function placeOf(step: Step): 'host' | Extract<Step, { netns: unknown }>['netns'] {
  return 'netns' in step ? step.netns : step.where
}

/** @throws {Failure} `kernel-refused`: what came before the refused step stays done */
async function takePart(steps: readonly ActionStep[], context: Taking): Promise<void> {
  const actions = steps.flatMap((step) => actionsOf(step, context))
  await lookUp(context)
  let tries = 0
  let lookedAgain = 0
  for (let at = 0; at < actions.length;) {
    const first = at === 0 && tries === 0 ? context.expected : []
    const { done, result } = await runFrom(actions, at, looksAt(first, context))
    at += done
    const action = actions[at]
    if (action === undefined || result === undefined) return
    const errno = -result.status
    const stale = errno === ERRNO.ENODEV && lookedAgain++ === 0 && context.sightings.forget()
    if (action.tolerates.includes(errno)) at++
    else if (stale) await lookUp(context)
    else if (tries < INDEX_TRIES && (await isIndexTaken(errno, action, context))) {
      tries++
      action.renew?.choose()
    } else throw refusal(result, detailsOf(action))
  }
}

/** EEXIST is of a name, too, which stays taken: then whoever has it can be found by it. */
async function isIndexTaken(
  errno: number,
  { renew }: Action,
  { spaces }: Context,
): Promise<boolean> {
  if (renew === undefined) return false
  if (errno !== ERRNO.EEXIST) return errno === ERRNO.EBUSY
  const holders = await askProgram(renew.ends.map((end) => getLink(end, spaces)))
  return holders.every(({ status }) => status === -ERRNO.ENODEV)
}

function detailsOf({ step, of }: Action): Record<string, string> {
  return { step: step.do, of, where: placeOf(step) }
}

/** How many operations were done from `at` on, and the result of the first that was not. */
async function runFrom(
  actions: readonly Action[],
  at: number,
  look: Look,
): Promise<{ done: number; result: OpResult | undefined }> {
  const ops: Op[] = []
  let missing = false
  for (let next = at; next < actions.length && !missing; next++) {
    const op = actions[next]?.op()
    if (op === undefined) missing = true
    else ops.push(op)
  }
  const results = look.verified(await actProgram([...look.ops, ...ops]))
  const failed = results.findIndex(({ status }) => status < 0)
  if (failed >= 0) return { done: failed, result: results[failed] }
  // The link that the next operation is about is not there: so would the kernel have said.
  const noLink: OpResult = { status: -ERRNO.ENODEV, data: NO_DATA }
  return { done: ops.length, result: missing ? noLink : undefined }
}

/** Finds the indexes of links that were there before; those that are missing stay undefined. */
async function lookUp({ book, spaces, sightings, expected }: Taking): Promise<void> {
  for (const handle of book.lookedUp()) {
    const known = expected.find(({ name }) => name === handle.name)
    const indexOnHost = (): number | undefined => known?.index ?? sightings.indexOf(handle.name)
    handle.index = handle.where === 'host' ? indexOnHost() : undefined
  }
  const handles = book.lookedUp().filter(({ index }) => index === undefined)
  const results = await askProgram(handles.map((handle) => getLink(handle, spaces)))
  for (const [number, handle] of handles.entries()) {
    const result = results[number]
    if (result === undefined || result.status === -ERRNO.ENODEV) continue
    if (result.status < 0) throw refusal(result, { step: 'find', of: handle.name })
    const message = readMessages(result.data).find(({ type }) => type === LINK_MESSAGE.new)
    if (message !== undefined) handle.index = decodeLink(message.payload).index
  }
}

/** Asks for a link by its name. One that is not there stops no other question. */
function getLink({ where, name }: Handle, spaces: Namespaces): Op {
  return { ...routeOp(spaces.enter(where), encodeGetLink({ name })), goOn: true }
}
