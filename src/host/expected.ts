/**
 * Links that a plan takes to be as they were: looked at in the same program as
 * its effects, at its beginning.
 * @module
 */
import { isDeepStrictEqual } from 'node:util'
import { fail } from '#values/failures.ts'
import type { Link } from '#values/link.ts'
import { readMessages } from '#wire/netlink/message.ts'
import { LINK_MESSAGE, decodeLink, encodeGetLink } from '#wire/rtnetlink/link.ts'
import { type Context, routeOp } from './action.ts'
import type { Op, OpResult } from './program.ts'

/** Operations to begin with, and the results of those behind them. */
export type Look = {
  readonly ops: readonly Op[]
  /** @throws {Failure} `link-changed` */
  verified(results: readonly OpResult[]): readonly OpResult[]
}

/** One that is gone stops the program before its first effect. */
export function looksAt(expected: readonly Link[], { spaces }: Pick<Context, 'spaces'>): Look {
  const ops = expected.map(({ name }) => routeOp(spaces.enter('host'), encodeGetLink({ name })))
  return {
    ops,
    verified(results) {
      for (const [i, link] of expected.entries()) {
        if (!isDeepStrictEqual(linkOf(results[i]), link)) {
          throw fail('link-changed', { link: link.name })
        }
      }
      return results.slice(expected.length)
    },
  }
}

function linkOf(result: OpResult | undefined): Link | undefined {
  if (result === undefined || result.status < 0) return undefined
  const message = readMessages(result.data).find(({ type }) => type === LINK_MESSAGE.new)
  if (message === undefined) return undefined
  const { rest: _rest, ...link } = decodeLink(message.payload)
  return link
}
