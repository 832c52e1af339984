/**
 * One kernel operation of a step, and the ways to make one.
 * @module
 */
import type { IfName } from '#values/if-name.ts'
import type { Step } from '#values/step.ts'
import { type Request, encodeMessage } from '#wire/netlink/message.ts'
import type { Handle, LinkBook } from './link-book.ts'
import type { Namespaces } from './namespaces.ts'
import { type Op, PROTOCOL } from './program.ts'

/** Steps that look in between: each is an effect of its own. */
export type OwnStep = Extract<
  Step,
  { do: 'move-link' | 'return-link' | 'share-link' | 'probe' | 'announce' }
>
/** The others but those that delete links, which have a way of their own too. */
export type ActionStep = Exclude<Step, OwnStep | { do: 'delete-link' }>

export function isOwnStep(step: Step): step is OwnStep {
  if (step.do === 'probe' || step.do === 'announce') return true
  return step.do === 'move-link' || step.do === 'return-link' || step.do === 'share-link'
}

/** Another try of an operation that gives links indexes of our choice. */
type Renewal = {
  /** The links that it gives a name and an index. */
  readonly ends: readonly Handle[]
  /** Chooses other indexes. */
  choose(): void
}

/** One kernel operation of a step. */
export type Action = {
  readonly step: ActionStep
  /** What it is about, for a failure. */
  readonly of: string
  /** Error numbers that mean that there is nothing left to do. */
  readonly tolerates: readonly number[]
  /** Only of an operation that gives a link an index. */
  readonly renew: Renewal | undefined
  /** Undefined when a link that it needs is not there. */
  readonly op: () => Op | undefined
}

/** What a step is turned into operations with. */
export type Context = { readonly book: LinkBook; readonly spaces: Namespaces }

/** An operation on a link by its index; `also` tolerates. */
export function linkAction(
  step: ActionStep,
  { spaces }: Context,
  made: {
    handle: Handle
    request: (index: number) => Request
    tolerates?: readonly number[]
    of?: IfName | string
  },
): Action {
  const netns = spaces.enter(made.handle.where)
  const { handle, request, tolerates = [], of = handle.name } = made
  const op = (): Op | undefined =>
    handle.index === undefined ? undefined : routeOp(netns, request(handle.index))
  return { step, of, tolerates, renew: undefined, op }
}

/** One rtnetlink request as an operation. */
export function routeOp(netns: number, request: Request): Op {
  return { op: 'netlink', netns, protocol: PROTOCOL.route, messages: encodeMessage(request, 1) }
}
