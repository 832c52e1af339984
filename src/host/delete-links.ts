/**
 * Deletes links of ours, wherever they are: in the pod's namespace, in the
 * host's, in the initial one (a namespace that ends gives IPoIB children back),
 * under any name. Only what bears our mark is touched.
 *
 * Kernel fact: a deletion waits some 20 ms for others to let go of the link,
 * without the lock that links share: many side by side take as long as one.
 * @module
 */
import { setTimeout } from 'node:timers/promises'
import type { Link } from '#values/link.ts'
import { bearsMark, isMadeFor } from '#values/mark.ts'
import type { DeleteLink } from '#values/step.ts'
import { readMessages } from '#wire/netlink/message.ts'
import { LINK_MESSAGE, decodeLink, encodeDumpLinks, encodeGetLink } from '#wire/rtnetlink/link.ts'
import { encodeDeleteLink } from '#wire/rtnetlink/link-change.ts'
import { routeOp } from './action.ts'
import { ERRNO } from './errno.ts'
import type { Namespaces } from './namespaces.ts'
import { runProgram } from './netns-call.ts'
import type { Op, OpResult } from './program.ts'
import { refusal } from './refusal.ts'

/** How long a child is waited for whose namespace is gone, in milliseconds. */
const RETURN_MS = 500
const RETURN_POLL_MS = 25

/** Runs work, a limited number side by side. */
export type Limit = <T>(work: () => Promise<T>) => Promise<T>

/** A question whose answers are candidates of one step. */
type Search = { readonly step: DeleteLink; readonly inPod: boolean; readonly op: Op }
/** A link to be deleted. */
type Target = { readonly netns: number; readonly link: Link }

/**
 * Deletes the links of the steps; one that is not there, or not ours, is left.
 * @throws {Failure} `kernel-refused`, after all were tried
 */
export async function deleteLinks(
  steps: readonly DeleteLink[],
  spaces: Namespaces,
  limit: Limit,
): Promise<void> {
  const named = await search(
    steps.flatMap((step) => byName(step, spaces)),
    isNamed,
  )
  const lost = steps.filter((step) => !named.has(step))
  const strays = await searchByMark(lost, spaces)
  const returning = await awaitReturn(
    lost.filter((step) => !strays.has(step)),
    spaces,
  )
  const targets = [...named.values(), ...strays.values(), ...returning.values()].flat()
  const done = await Promise.allSettled(targets.map((target) => limit(() => deleteOne(target))))
  const refused = done.find((one) => one.status === 'rejected')
  if (refused !== undefined) throw refused.reason
}

/**
 * A namespace ends in the background, a while after its path is gone; until then
 * an IPoIB child of it can be seen nowhere.
 */
async function awaitReturn(
  steps: readonly DeleteLink[],
  spaces: Namespaces,
): Promise<Map<DeleteLink, Target[]>> {
  const returns = ({ netns, kind, mark }: DeleteLink): boolean =>
    kind === 'ipoib' && mark !== undefined && spaces.find(netns) === undefined
  const found = new Map<DeleteLink, Target[]>()
  let missing = steps.filter(returns)
  for (let waitedMs = 0; missing.length > 0 && waitedMs < RETURN_MS; waitedMs += RETURN_POLL_MS) {
    await setTimeout(RETURN_POLL_MS)
    for (const [step, targets] of await searchByMark(missing, spaces)) found.set(step, targets)
    missing = missing.filter((step) => !found.has(step))
  }
  return found
}

function searchByMark(
  steps: readonly DeleteLink[],
  spaces: Namespaces,
): Promise<Map<DeleteLink, Target[]>> {
  return search(
    steps.flatMap((step) => byMark(step, spaces)),
    isStray,
  )
}

async function deleteOne({ netns, link }: Target): Promise<void> {
  const [result] = await runProgram([routeOp(netns, encodeDeleteLink(link.index))])
  if (result === undefined || result.status === 0 || result.status === -ERRNO.ENODEV) return
  throw refusal(result, { step: 'delete-link', of: link.name })
}

/** Without a mark only the pod's own namespace is searched. */
function byName(step: DeleteLink, spaces: Namespaces): Search[] {
  const pod = spaces.find(step.netns)
  const places = [
    ...(pod === undefined ? [] : [{ netns: pod, inPod: true }]),
    ...(step.mark === undefined ? [] : spaces.homes().map((netns) => ({ netns, inPod: false }))),
  ]
  return places.flatMap(({ netns, inPod }) =>
    step.names.map((name) => ({
      step,
      inPod,
      op: { ...routeOp(netns, encodeGetLink({ name })), goOn: true },
    })),
  )
}

/** Somebody in the pod, or the kernel, may have given it another name. */
function byMark(step: DeleteLink, spaces: Namespaces): Search[] {
  if (step.mark === undefined) return []
  const pod = spaces.find(step.netns)
  const request = encodeDumpLinks(step.kind)
  const places = [
    ...(pod === undefined ? [] : [{ netns: pod, inPod: true }]),
    ...spaces.homes().map((netns) => ({ netns, inPod: false })),
  ]
  return places.map(({ netns, inPod }) => ({
    step,
    inPod,
    op: { ...routeOp(netns, request), goOn: true },
  }))
}

function isNamed({ names, mark, kind }: DeleteLink, link: Link, inPod: boolean): boolean {
  // A link can be found by an alternative name too: that one we never gave.
  if (!names.includes(link.name)) return false
  if (mark !== undefined) return bearsMark(link, mark)
  return inPod && kind !== undefined && kindName(link) === kind
}

function isStray({ mark, kind }: DeleteLink, link: Link): boolean {
  if (mark === undefined || !isMadeFor(link, mark)) return false
  return kind === undefined || kindName(link) === kind
}

function kindName({ kind }: Link): string {
  return kind.kind === 'other' ? kind.name : kind.kind
}

/** Targets of each step that has one. A link found twice is one target. */
async function search(
  searches: readonly Search[],
  matches: (step: DeleteLink, link: Link, inPod: boolean) => boolean,
): Promise<Map<DeleteLink, Target[]>> {
  const results = await runProgram(searches.map(({ op }) => op))
  const found = new Map<DeleteLink, Target[]>()
  const seen = new Set<string>()
  for (const [number, { step, inPod, op }] of searches.entries()) {
    for (const link of linksIn(results[number])) {
      const key = `${op.netns}/${link.index}`
      if (seen.has(key) || !matches(step, link, inPod)) continue
      seen.add(key)
      found.set(step, [...(found.get(step) ?? []), { netns: op.netns, link }])
    }
  }
  return found
}

function linksIn(result: OpResult | undefined): Link[] {
  if (result === undefined || result.status === -ERRNO.ENODEV) return []
  if (result.status < 0) throw refusal(result, { step: 'find', of: 'links' })
  return readMessages(result.data)
    .filter(({ type }) => type === LINK_MESSAGE.new)
    .map(({ payload }) => decodeLink(payload))
}
