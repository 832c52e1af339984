/**
 * Links that a plan takes to be as they were: looked at in the same program as
 * its effects, at its beginning.
 * @module
 */
import { isDeepStrictEqual } from 'node:util'
import { fail } from '#values/failures.ts'
import type { Link } from '#values/link.ts'
import type { Bytes } from '#wire/netlink/attribute.ts'
import { type Request, readMessages } from '#wire/netlink/message.ts'
import { LINK_MESSAGE, decodeLink, encodeGetLink } from '#wire/rtnetlink/link.ts'
import { type Context, routeOp } from './action.ts'
import type { Op, OpResult } from './program.ts'

/** Operations to begin with, and the results of those behind them. */
export type Look = {
  readonly ops: readonly Op[]
  /** @throws {Failure} `link-changed` */
  verified(results: readonly OpResult[]): readonly OpResult[]
}

/** How a link is asked for, and the answer that was found to say what is expected of it. */
type Known = { readonly question: Request; answer: Bytes | undefined }

/** One object stands for what is expected again and again: an answer of the same bytes is as it. */
const known = new WeakMap<Link, Known>()

/** One that is gone stops the program before its first effect. */
export function looksAt(expected: readonly Link[], { spaces }: Pick<Context, 'spaces'>): Look {
  return {
    ops: expected.map((link) => routeOp(spaces.enter('host'), knownOf(link).question)),
    verified(results) {
      for (const [i, link] of expected.entries()) {
        if (!isAs(link, results[i])) throw fail('link-changed', { link: link.name })
      }
      return results.slice(expected.length)
    },
  }
}

function knownOf(link: Link): Known {
  const found = known.get(link)
  if (found !== undefined) return found
  const made: Known = { question: encodeGetLink({ name: link.name }), answer: undefined }
  known.set(link, made)
  return made
}

function isAs(link: Link, result: OpResult | undefined): boolean {
  const message = messageIn(result)
  if (message === undefined) return false
  const about = knownOf(link)
  if (about.answer !== undefined && Buffer.compare(about.answer, message) === 0) return true
  const { rest: _rest, ...now } = decodeLink(message)
  if (!isDeepStrictEqual(now, link)) return false
  about.answer = message.slice()
  return true
}

function messageIn(result: OpResult | undefined): Bytes | undefined {
  if (result === undefined || result.status < 0) return undefined
  return readMessages(result.data).find(({ type }) => type === LINK_MESSAGE.new)?.payload
}
