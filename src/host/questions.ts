/**
 * Questions to the kernel, each one program of the addon: dumps over netlink,
 * settings from /proc/sys.
 * @module
 */
import type { IfName } from '#values/if-name.ts'
import type { Link } from '#values/link.ts'
import type { Where } from '#values/netns.ts'
import { VERBENA_TABLE } from '#values/mark.ts'
import type { KernelQuestions } from '#needs/kernel.ts'
import type { Bytes } from '#wire/netlink/attribute.ts'
import { FLAG, type Message, type Request, readMessages } from '#wire/netlink/message.ts'
import { decodeTableNames, encodeListTables } from '#wire/nftables/table.ts'
import { ADDRESS_MESSAGE, decodeAddress, encodeDumpAddresses } from '#wire/rtnetlink/address.ts'
import { LINK_MESSAGE, decodeLink, encodeDumpLinks, encodeGetLink } from '#wire/rtnetlink/link.ts'
import { nextHopsOf } from '#wire/rtnetlink/next-hops.ts'
import {
  ROUTE_MESSAGE,
  decodeRoute,
  encodeDumpRoutes,
  encodeRouteToward,
} from '#wire/rtnetlink/route.ts'
import { RULE_MESSAGE, decodeRule, encodeDumpRules } from '#wire/rtnetlink/rule.ts'
import { routeOp } from './action.ts'
import { ERRNO } from './errno.ts'
import { fail } from './failures.ts'
import { type HostView, Namespaces, netnsState } from './namespaces.ts'
import { askProgram } from './netns-call.ts'
import { type Op, type OpResult, PROTOCOL } from './program.ts'
import { refusal } from './refusal.ts'
import type { Sightings } from './sightings.ts'
import { sysctlFile } from './sysctl.ts'

/** Questions that netlink and /proc answer; the rest is in `sysfs.ts`. */
export type NetlinkQuestions = Omit<
  KernelQuestions,
  'driverOf' | 'hcaPort' | 'portGuids' | 'netdevsOf' | 'fileText'
>

const DUMP_TRIES = 5
/** A kernel without IPv6, or with it switched off, has nothing of it to list. */
const NOTHING: readonly number[] = [-ERRNO.EOPNOTSUPP, -ERRNO.EAFNOSUPPORT]

const NO_ROUTE: readonly number[] = [
  -ERRNO.ENETUNREACH,
  -ERRNO.EHOSTUNREACH,
  -ERRNO.ESRCH,
  -ERRNO.EAFNOSUPPORT,
]

/** Answers for the host that `view` shows. */
export function netlinkQuestions(view: HostView, sightings: Sightings): NetlinkQuestions {
  return {
    netns: async (path) => netnsState(view, path),
    async link(where, name) {
      const link = await findLink(view, where, name)
      if (link !== undefined && where === 'host') sightings.found(name, link.index)
      return link
    },
    links: async (where) => linksIn(await dump(view, where, { links: encodeDumpLinks() })),
    addresses: (where) => addresses(view, where),
    routes: (where) => routes(view, where),
    rules: (where) => rules(view, where),
    sysctl: (where, path) => readSysctl(view, where, path),
    nftTables: (where) => nftTables(view, where),
    sourceToward: async (to) => {
      const result = await ask(view, 'host', encodeRouteToward(to))
      if (NO_ROUTE.includes(result.status)) return undefined
      if (result.status < 0) throw refusal(result, { step: 'find route to', of: to, where: 'host' })
      const [message] = messagesOf(result.data, ROUTE_MESSAGE.new)
      return message === undefined ? undefined : decodeRoute(message.payload)?.src
    },
  }
}

async function findLink(view: HostView, where: Where, name: IfName): Promise<Link | undefined> {
  const result = await ask(view, where, encodeGetLink({ name }))
  if (result.status === -ERRNO.ENODEV) return undefined
  if (result.status < 0) throw refusal(result, { step: 'find link', of: name, where })
  const [message] = messagesOf(result.data, LINK_MESSAGE.new)
  return message === undefined ? undefined : linkIn(message)
}

async function addresses(view: HostView, where: Where): ReturnType<KernelQuestions['addresses']> {
  const messages = await dump(view, where, {
    addresses: encodeDumpAddresses(),
    links: encodeDumpLinks(),
  })
  const names = namesIn(messages)
  return messages
    .filter(({ type }) => type === ADDRESS_MESSAGE.new)
    .flatMap(({ payload }) => {
      const found = decodeAddress(payload)
      const link = found === undefined ? undefined : names.get(found.index)
      if (found === undefined || link === undefined) return []
      const { cidr, scope, duplicate, tentative } = found
      return [{ link, cidr, scope, duplicate, tentative }]
    })
}

async function routes(view: HostView, where: Where): ReturnType<KernelQuestions['routes']> {
  const messages = await dump(view, where, {
    routes: encodeDumpRoutes(4),
    routes6: encodeDumpRoutes(6),
    links: encodeDumpLinks(),
  })
  const names = namesIn(messages)
  return messages
    .filter(({ type }) => type === ROUTE_MESSAGE.new)
    .flatMap(({ payload }) => {
      const found = decodeRoute(payload)
      if (found === undefined || !found.unicast || found.cloned) return []
      const { index, unicast: _unicast, cloned: _cloned, rest, ...route } = found
      const hops = nextHopsOf(rest)
      const ways = hops.length > 0 ? hops : [{ index, via: route.via }]
      return ways.map((way, i) => {
        const dev = way.index === undefined ? undefined : names.get(way.index)
        // of several ways the kernel tells the first one's protocol alone; 0 is any
        return { ...route, via: way.via, dev, protocol: i === 0 ? route.protocol : 0 }
      })
    })
}

async function rules(view: HostView, where: Where): ReturnType<KernelQuestions['rules']> {
  const messages = await dump(view, where, {
    rules: encodeDumpRules(4),
    rules6: encodeDumpRules(6),
  })
  return messages
    .filter(({ type }) => type === RULE_MESSAGE.new)
    .flatMap(({ payload }) => {
      const found = decodeRule(payload)
      if (found === undefined || !found.looksUp) return []
      const { looksUp: _looksUp, rest: _rest, ...rule } = found
      return [rule]
    })
}

async function readSysctl(view: HostView, where: Where, path: string): Promise<string | undefined> {
  using spaces = new Namespaces(view)
  const op: Op = { op: 'read-file', netns: spaces.enter(where), path: sysctlFile(path) }
  const [result] = await askProgram([op])
  if (result === undefined || result.status === -ERRNO.ENOENT) return undefined
  if (result.status < 0) {
    throw refusal({ ...result, data: new Uint8Array(0) }, { step: 'read', of: path, where })
  }
  return new TextDecoder().decode(result.data).replace(/\n$/, '')
}

/** Ours are those whose names begin with {@link VERBENA_TABLE}. */
async function nftTables(view: HostView, where: Where): Promise<readonly string[]> {
  using spaces = new Namespaces(view)
  const [result] = await askProgram([
    {
      op: 'netlink',
      netns: spaces.enter(where),
      protocol: PROTOCOL.netfilter,
      messages: encodeListTables(),
    },
  ])
  // Without nf_tables in the kernel there are no tables.
  const without = [-ERRNO.EPROTONOSUPPORT, -ERRNO.EOPNOTSUPP, -ERRNO.EAFNOSUPPORT]
  if (result === undefined || without.includes(result.status)) return []
  if (result.status < 0) throw refusal(result, { step: 'list', of: 'nf_tables tables', where })
  return decodeTableNames(result.data).filter((name) => name.startsWith(VERBENA_TABLE))
}

/** Messages of several dumps, taken in one call; taken again while the kernel was interrupted. */
async function dump(
  view: HostView,
  where: Where,
  requests: Readonly<Record<string, Request>>,
): Promise<Message[]> {
  using spaces = new Namespaces(view)
  const netns = spaces.enter(where)
  const ops = Object.values(requests).map((request) => ({ ...routeOp(netns, request), goOn: true }))
  const of = Object.keys(requests)
  for (let tries = 0; tries < DUMP_TRIES; tries++) {
    const results = await askProgram(ops)
    const messages: Message[] = []
    for (const [number, result] of results.entries()) {
      if (NOTHING.includes(result.status)) continue
      if (result.status < 0) throw refusal(result, { step: 'list', of: of[number], where })
      messages.push(...readMessages(result.data))
    }
    if (!messages.some(({ flags }) => (flags & FLAG.dumpInterrupted) !== 0)) return messages
  }
  throw fail('dump-interrupted', { of: of.join(', '), tries: DUMP_TRIES })
}

async function ask(view: HostView, where: Where, request: Request): Promise<OpResult> {
  using spaces = new Namespaces(view)
  const [result] = await askProgram([routeOp(spaces.enter(where), request)])
  return result ?? { status: -ERRNO.ENODEV, data: new Uint8Array(0) }
}

function messagesOf(bytes: Bytes, type: number): Message[] {
  return readMessages(bytes).filter((message) => message.type === type)
}

function linksIn(messages: readonly Message[]): Link[] {
  return messages.filter(({ type }) => type === LINK_MESSAGE.new).map(linkIn)
}

function linkIn({ payload }: Message): Link {
  const { rest: _rest, ...link } = decodeLink(payload)
  return link
}

function namesIn(messages: readonly Message[]): ReadonlyMap<number, IfName> {
  return new Map(linksIn(messages).map(({ index, name }) => [index, name]))
}
