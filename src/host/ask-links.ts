/**
 * Links of a namespace in the middle of an effect: asked for again after each
 * message, since a move can change a link's index.
 * @module
 */
import type { IfName } from '#values/if-name.ts'
import type { Link } from '#values/link.ts'
import { type Request, readMessages } from '#wire/netlink/message.ts'
import { LINK_MESSAGE, decodeLink, encodeDumpLinks, encodeGetLink } from '#wire/rtnetlink/link.ts'
import { type LinkChange, encodeChangeLink } from '#wire/rtnetlink/link-change.ts'
import { routeOp } from './action.ts'
import { ERRNO } from './errno.ts'
import { actProgram, askProgram } from './netns-call.ts'
import type { OpResult } from './program.ts'
import { refusal } from './refusal.ts'

/** What a refusal says of the step. */
export type About = { readonly step: string; readonly of: string }

/** The link that bears the name itself, not as an alternative one. */
export async function linkNamed(netns: number, name: IfName): Promise<Link | undefined> {
  const found = await answersOf(netns, encodeGetLink({ name }))
  return found.find((link) => link.name === name)
}

export function linksIn(netns: number): Promise<readonly Link[]> {
  return answersOf(netns, encodeDumpLinks())
}

/** @throws {Failure} `kernel-refused`, unless the error is one that `tolerates` has */
export async function change(
  at: { readonly netns: number; readonly index: number },
  settings: LinkChange,
  about: About & { readonly tolerates?: readonly number[] },
): Promise<number> {
  return send(at.netns, encodeChangeLink(at.index, settings), about)
}

/** One request with an effect. @returns the error that was tolerated, or 0 */
export async function send(
  netns: number,
  request: Request,
  { tolerates = [], ...about }: About & { readonly tolerates?: readonly number[] },
): Promise<number> {
  const [result] = await actProgram([routeOp(netns, request)])
  if (result === undefined || result.status === 0) return 0
  if (tolerates.includes(-result.status)) return -result.status
  throw refusal(result, about)
}

async function answersOf(netns: number, request: Request): Promise<readonly Link[]> {
  const [result] = await askProgram([routeOp(netns, request)])
  return result === undefined || result.status === -ERRNO.ENODEV ? [] : decoded(result)
}

function decoded(result: OpResult): Link[] {
  if (result.status < 0) throw refusal(result, { step: 'find', of: 'links' })
  return readMessages(result.data)
    .filter(({ type }) => type === LINK_MESSAGE.new)
    .map(({ payload }) => decodeLink(payload))
}
