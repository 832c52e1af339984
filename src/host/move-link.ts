/**
 * Lends a link of the host to a pod, and takes it back from wherever it is then:
 * the pod's namespace, the host's, or the initial one.
 *
 * Kernel facts: a move takes some 20 ms under the lock that all links share, so one
 * is made at a time. A message that moves can give the name too, which the link
 * then has from the first moment. A link keeps its group and alias; its index only
 * where nobody has it. A namespace that ends gives physical links back under the
 * pod's name, and ends others. A link is renamed while it is down.
 * @module
 */
import { setTimeout } from 'node:timers/promises'
import { type IfName, isIfName, parseIfName } from '#values/if-name.ts'
import type { Link } from '#values/link.ts'
import { isMovedGroup, movedGroup } from '#values/mark.ts'
import type { LinkSettings, MoveLink, ReturnLink } from '#values/lent-link.ts'
import type { Random } from '#needs/clock.ts'
import { encodeAltNames, encodeChangeLink } from '#wire/rtnetlink/link-change.ts'
import { type About, change, linkNamed, linksIn, send } from './ask-links.ts'
import { routeOp } from './action.ts'
import { ERRNO } from './errno.ts'
import type { Namespaces } from './namespaces.ts'
import { actProgram } from './netns-call.ts'
import { refusal } from './refusal.ts'

/** What a move needs. */
export type Moving = { readonly spaces: Namespaces; readonly random: Random }
type Found = { readonly netns: number; readonly link: Link; readonly away: boolean }

/** How long a link is waited for whose namespace is gone, in milliseconds. */
const RETURN_MS = 500
const RETURN_POLL_MS = 25
const TRIES = 5
/** Pattern of the name that a link gets when somebody took its own. */
const ANY_NAME = parseIfName('dev%d')
const INDEX = { from: 1_000, count: 64_000 } as const
/** Of a link that somebody else lent. */
const UNKNOWN = { up: false, group: 0, alias: undefined, index: undefined }
const TAKEN = [ERRNO.EBUSY, ERRNO.EEXIST]

/** @throws {Failure} `kernel-refused`, `netns-gone` */
export async function moveLink(step: MoveLink, moving: Moving): Promise<void> {
  const { spaces } = moving
  const [home, pod] = [spaces.enter('host'), spaces.enter(step.netns)]
  const about = { step: step.do, of: step.link }
  const link = await linkNamed(home, step.link)
  const index = link?.index ?? 0
  if (link === undefined) {
    throw refusal({ status: -ERRNO.ENODEV, data: new Uint8Array(0) }, about)
  }
  await change({ netns: home, index }, { group: movedGroup(step.mark), alias: step.link }, about)
  await moveTo({ from: home, index, to: pod, name: step.temp }, moving, about)
}

/** Nothing when it is nowhere to be found. @throws {Failure} `kernel-refused` */
export async function returnLink(step: ReturnLink, moving: Moving): Promise<void> {
  const found = await awaitLink(step, moving.spaces)
  if (found === undefined) return
  const name = step.link ?? nameIn(found.link.alias) ?? found.link.name
  const about = { step: step.do, of: name }
  const home = moving.spaces.enter('host')
  const to = { name, home, index: step.was?.index ?? found.link.index }
  const there = await bringHome(found, to, moving, about)
  if (there !== undefined) await restore(there, home, step, about)
}

type Move = { readonly from: number; readonly to: number; readonly index: number }

/** Tries other indexes while the one it has is taken; then another name, if it may. */
async function moveTo(
  of: Move & { readonly wanted?: number; readonly name: IfName; readonly orName?: IfName },
  { spaces, random }: Moving,
  about: About,
): Promise<void> {
  const { from, to, index, wanted = index, name, orName } = of
  const netnsFd = to < 0 ? spaces.own() : to
  for (let tries = 0; ; tries++) {
    const newIndex = tries === 0 ? wanted : INDEX.from + random.below(INDEX.count)
    const last = tries === TRIES
    const as = last && orName !== undefined ? orName : name
    const request = encodeChangeLink(index, { netnsFd, newIndex, name: as })
    const [result] = await actProgram([routeOp(from, request)])
    if (result === undefined || result.status === 0) return
    const isTaken = TAKEN.some((errno) => errno === -result.status)
    if (!isTaken || last) throw refusal(result, about)
  }
}

/** Named in the pod, where nobody of the host looks, before it comes home. */
async function bringHome(
  { netns, link, away }: Found,
  to: { readonly name: IfName; readonly home: number; readonly index: number },
  moving: Moving,
  about: About,
): Promise<Link | undefined> {
  const { name, home, index: wanted } = to
  const at = { netns, index: link.index }
  const tolerates = [ERRNO.EEXIST, ERRNO.ENODEV]
  if (link.altNames.includes(name)) {
    await send(netns, encodeAltNames('remove', link.index, [name]), { ...about, tolerates })
  }
  if (link.name !== name) {
    await send(netns, encodeChangeLink(link.index, { up: false }), { ...about, tolerates })
    await change(at, { name }, { ...about, tolerates })
  }
  if (away) {
    const move = { from: netns, to: home, index: link.index, wanted, name, orName: ANY_NAME }
    await moveTo(move, moving, about)
  }
  const { group, alias } = link
  return (await linksIn(home)).find((one) => one.group === group && one.alias === alias)
}

/** As it was on the host; the mark goes last, so that an undo cut short goes on here. */
async function restore(link: Link, home: number, step: ReturnLink, about: About): Promise<void> {
  const { up, group, alias, index: _index, ...settings } = step.was ?? UNKNOWN
  const at = { netns: home, index: link.index }
  const changed = differing(link, settings)
  if (Object.keys(changed).length > 0) await change(at, changed, about)
  if (up) await change(at, { up: true }, about)
  await change(at, { group, alias: alias ?? '' }, about)
}

/** Settings that the link has not; nobody can give an IPoIB link its address. */
function differing(link: Link, settings: LinkSettings): LinkSettings {
  const { mtu, txQueueLength, promiscuous, allMulticast } = settings
  const address = link.arpType === 1 ? settings.address : undefined
  return {
    ...(mtu === undefined || mtu === link.mtu ? {} : { mtu }),
    ...(address === undefined || address === link.address ? {} : { address }),
    ...(txQueueLength === undefined || txQueueLength === link.txQueueLength
      ? {}
      : { txQueueLength }),
    ...(promiscuous === undefined || promiscuous === link.promiscuous ? {} : { promiscuous }),
    ...(allMulticast === undefined || allMulticast === link.allMulticast ? {} : { allMulticast }),
  }
}

/** A namespace ends in the background, a while after its path is gone. */
async function awaitLink(step: ReturnLink, spaces: Namespaces): Promise<Found | undefined> {
  const returns = step.link !== undefined && spaces.find(step.netns) === undefined
  for (let waitedMs = 0; ; waitedMs += RETURN_POLL_MS) {
    const found = await findLink(step, spaces)
    if (found !== undefined || !returns || waitedMs >= RETURN_MS) return found
    await setTimeout(RETURN_POLL_MS)
  }
}

async function findLink(step: ReturnLink, spaces: Namespaces): Promise<Found | undefined> {
  const pod = spaces.find(step.netns)
  const home = spaces.enter('host')
  const { names } = step
  if (pod !== undefined) {
    const links = await linksIn(pod)
    const named = links.filter(({ name }) => names.includes(name))
    const link =
      named.find((one) => isOurs(step, one)) ??
      named.find((one) => isTheirs(step, one)) ??
      (step.mark === undefined ? undefined : links.find((one) => isOurs(step, one)))
    if (link !== undefined) return { netns: pod, link, away: true }
  }
  if (step.link === undefined) return undefined
  for (const netns of spaces.homes()) {
    const links = await linksIn(netns)
    const link = links.find((one) => isOurs(step, one) || isTheirs(step, one))
    if (link !== undefined) return { netns, link, away: netns !== home }
  }
  return undefined
}

function isOurs({ mark, link: wanted }: ReturnLink, { group, alias }: Link): boolean {
  const marked = mark === undefined ? isMovedGroup(group) : group === movedGroup(mark)
  return marked && nameIn(alias) !== undefined && (wanted === undefined || alias === wanted)
}

/** The replaced plugin marks nothing: its links tell by their alias alone. */
function isTheirs({ mark, link: wanted, names }: ReturnLink, link: Link): boolean {
  if (mark !== undefined || link.group !== 0 || !names.includes(link.name)) return false
  const host = nameIn(link.alias)
  return host !== undefined && host !== link.name && (wanted === undefined || host === wanted)
}

function nameIn(alias: string | undefined): IfName | undefined {
  return alias !== undefined && isIfName(alias) ? parseIfName(alias) : undefined
}
