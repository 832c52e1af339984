/**
 * Operations that make a link of ours: down, with a group that tells its owner from
 * the first moment, and its owner's mark and our group directly after.
 *
 * Kernel facts: the namespace of the socket is where a parent's index counts, so
 * links are made from where the parent is, into the pod's by IFLA_NET_NS_FD. A request
 * with an index is about no link that is there under the name, in either namespace.
 * A wanted index that is taken, there or here, is EBUSY or EEXIST; a taken name is
 * EEXIST. An alias is not taken at creation; neither is the MTU of an IPoIB child. A
 * message with a group and an alias sets both, or ends before the alias.
 * @module
 */
import type { CreateLink } from '#values/step.ts'
import { VERBENA_GROUP, makingGroup } from '#values/mark.ts'
import type { Request } from '#wire/netlink/message.ts'
import type { KindSpec } from '#wire/rtnetlink/kind.ts'
import {
  type NewLink,
  encodeChangeLink,
  encodeNewLink,
  encodeVethPeer,
} from '#wire/rtnetlink/link-change.ts'
import { type Action, type Context, linkAction, routeOp } from './action.ts'
import type { Handle } from './link-book.ts'

/** Operations of a create-link step, in order. @throws {Failure} `netns-gone` */
export function createActions(step: CreateLink, context: Context): Action[] {
  const { book } = context
  const { spec } = step
  const first = step.way === 'move' ? 'host' : step.netns
  const link = book.make(first, step.temp)
  const peer = spec.kind === 'veth' ? book.make('host', spec.peer.name) : undefined
  const actions = [newLinkAction(step, context, { link, peer })]
  const marked = { group: VERBENA_GROUP, alias: step.mark }
  const mark = (index: number): Request => encodeChangeLink(index, marked)
  for (const end of peer === undefined ? [link] : [link, peer]) {
    actions.push(linkAction(step, context, { handle: end, request: mark }))
  }
  const there = step.way === 'move' ? moveLink(step, context, link) : { link, actions: [] }
  actions.push(...there.actions)
  const { mtu } = step
  if (spec.kind === 'ipoib' && mtu !== undefined) {
    const request = (index: number): Request => encodeChangeLink(index, { mtu })
    actions.push(linkAction(step, context, { handle: there.link, request }))
  }
  return actions
}

function newLinkAction(
  step: CreateLink,
  { book, spaces }: Context,
  { link, peer }: { link: Handle; peer: Handle | undefined },
): Action {
  const { spec } = step
  const inPod = 'parentIn' in spec && spec.parentIn === 'pod'
  const where = inPod ? step.netns : 'host'
  const parent = spec.kind === 'veth' ? undefined : book.find(where, spec.parent)
  const socket = spaces.enter(where)
  const netnsFd = step.way === 'move' || inPod ? undefined : spaces.enter(step.netns)
  const ends = peer === undefined ? [link] : [link, peer]
  return {
    step,
    of: parent === undefined ? step.name : `${step.name} over ${parent.name}`,
    tolerates: [],
    renew: {
      ends,
      choose: () => {
        for (const end of ends) end.index = book.chooseIndex()
      },
    },
    op: () => {
      if (parent !== undefined && parent.index === undefined) return undefined
      const made: NewLink = {
        index: link.index ?? 0,
        name: step.temp,
        address: step.address,
        mtu: spec.kind === 'ipoib' ? undefined : step.mtu,
        netnsFd,
        parent: parent?.index,
        group: makingGroup(step.mark),
      }
      return routeOp(socket, encodeNewLink(made, kindOf(step, peer)))
    },
  }
}

/** The host's end of a veth has no namespace of its own: it stays where the socket is. */
function kindOf({ spec, mark }: CreateLink, peer: Handle | undefined): KindSpec {
  if (spec.kind !== 'veth') return spec
  const { name, address, mtu } = spec.peer
  const end: NewLink = {
    index: peer?.index ?? 0,
    name,
    address,
    mtu,
    netnsFd: undefined,
    parent: undefined,
    group: makingGroup(mark),
  }
  return { kind: 'veth', peer: encodeVethPeer(end) }
}

/**
 * Into the pod's namespace, where the link asks for the index it has. A kernel
 * before 5.13 cannot be asked, and keeps that index unless somebody has it.
 */
function moveLink(
  step: CreateLink,
  context: Context,
  from: Handle,
): { link: Handle; actions: Action[] } {
  const { book, spaces } = context
  const netnsFd = spaces.enter(step.netns)
  const link = book.make(step.netns, step.temp)
  link.index = from.index
  let chosen = false
  const move = linkAction(step, context, {
    handle: from,
    request: (index) => {
      if (!chosen) link.index = index
      return encodeChangeLink(index, { netnsFd, newIndex: link.index ?? index })
    },
  })
  const choose = (): void => {
    chosen = true
    link.index = book.chooseIndex()
  }
  return { link, actions: [{ ...move, renew: { ends: [link], choose } }] }
}
