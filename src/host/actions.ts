/**
 * Steps as kernel operations. Each operation is one netlink message (or one
 * file), so that the first that fails stops the rest and tells which step it was.
 * @module
 */
import { cidrParts } from '#values/cidr.ts'
import type { SetLink, Step } from '#values/step.ts'
import type { Request } from '#wire/netlink/message.ts'
import { encodeAddTable, encodeRemoveTable } from '#wire/nftables/table.ts'
import { encodeAddAddress, encodeRemoveAddress } from '#wire/rtnetlink/address.ts'
import { type LinkChange, encodeChangeLink, IPV4_CONF } from '#wire/rtnetlink/link-change.ts'
import { encodeRemoveNeighbour, encodeSetNeighbour } from '#wire/rtnetlink/neighbour.ts'
import { type RouteSpec, encodeAddRoute, encodeRemoveRoute } from '#wire/rtnetlink/route.ts'
import { encodeAddRule, encodeRemoveRule } from '#wire/rtnetlink/rule.ts'
import { type Action, type ActionStep, type Context, linkAction, routeOp } from './action.ts'
import { createActions } from './create-link.ts'
import { ERRNO } from './errno.ts'
import { type Op, PROTOCOL } from './program.ts'
import { sysctlFile } from './sysctl.ts'

const GONE = {
  address: [ERRNO.ENODEV, ERRNO.EADDRNOTAVAIL, ERRNO.EAFNOSUPPORT],
  route: [ERRNO.ENODEV, ERRNO.ESRCH, ERRNO.ENOENT, ERRNO.ENETUNREACH, ERRNO.EAFNOSUPPORT],
  rule: [ERRNO.ENOENT, ERRNO.ESRCH, ERRNO.EAFNOSUPPORT, ERRNO.EOPNOTSUPP],
  neighbour: [ERRNO.ENODEV, ERRNO.ENOENT],
  table: [ERRNO.ENOENT, ERRNO.EPROTONOSUPPORT],
} as const

/** Operations of a step, in order. @throws {Failure} `netns-gone` */
export function actionsOf(step: ActionStep, context: Context): Action[] {
  switch (step.do) {
    case 'create-link':
      return createActions(step, context)
    case 'set-link':
      return setActions(step, context)
    case 'rename-link': {
      const handle = context.book.find(step.netns, step.from)
      context.book.rename(handle, step.to)
      const change = (index: number): Request => encodeChangeLink(index, { name: step.to })
      return [linkAction(step, context, { handle, request: change })]
    }
    case 'add-address':
    case 'remove-address':
      return [addressAction(step, context)]
    case 'add-route':
    case 'remove-route':
      return [routeAction(step, context)]
    case 'add-rule':
    case 'remove-rule':
      return [ruleAction(step, context)]
    case 'add-neighbour':
    case 'remove-neighbour':
      return [neighbourAction(step, context)]
    case 'set-sysctl': {
      const conf = ownConfAction(step, context)
      if (conf !== undefined) return [conf]
      const netns = context.spaces.enter(step.where)
      const path = sysctlFile(step.path)
      const op: Op = { op: 'write-file', netns, path, content: step.value }
      return [{ step, of: step.path, tolerates: [], renew: undefined, op: () => op }]
    }
    case 'add-nft-table':
    case 'remove-nft-table':
      return [tableAction(step, context)]
  }
}

/**
 * An IPv4 setting of a link that the plan makes, by netlink: opening its file
 * under /proc/sys costs more with every namespace of the machine.
 */
function ownConfAction(
  step: Extract<Step, { do: 'set-sysctl' }>,
  context: Context,
): Action | undefined {
  const [, link, name] = /^net\/ipv4\/conf\/([^/]+)\/(\w+)$/.exec(step.path) ?? []
  const value = Number(step.value)
  if (link === undefined || name === undefined || step.was !== undefined) return undefined
  if (!isIpv4Conf(name) || !Number.isInteger(value)) return undefined
  const handle = context.book.madeAs(step.where, link)
  if (handle === undefined) return undefined
  const request = (index: number): Request =>
    encodeChangeLink(index, { ipv4Conf: { [name]: value } })
  return linkAction(step, context, { handle, request, of: step.path })
}

function isIpv4Conf(name: string): name is keyof typeof IPV4_CONF {
  return name in IPV4_CONF
}

/** `up` comes last, in a message of its own: the kernel would apply it before the IPv6 settings. */
function setActions(step: SetLink, context: Context): Action[] {
  const { up, addrGenMode, ...others } = step.set
  const handle = context.book.find(step.where, step.link)
  const changes: LinkChange[] = []
  if (Object.keys(others).length > 0) changes.push(others)
  if (addrGenMode !== undefined) changes.push({ addrGenMode })
  if (up === true) changes.push({ up: true })
  return changes.map((change) => {
    const settings = Object.entries(change).map(([name, value]) => `${name} ${String(value)}`)
    const request = (index: number): Request => encodeChangeLink(index, change)
    const of = `${step.link} ${settings.join(', ')}`
    // without IPv6 there are no addresses to generate
    const tolerates = change.addrGenMode === undefined ? [] : [ERRNO.EAFNOSUPPORT]
    return linkAction(step, context, { handle, request, of, tolerates })
  })
}

function addressAction(
  step: Extract<Step, { do: 'add-address' | 'remove-address' }>,
  context: Context,
): Action {
  const { cidr } = step
  const { family, prefix } = cidrParts(cidr)
  const handle = context.book.find(step.where, step.link)
  const of = `${cidr} on ${step.link}`
  if (step.do === 'remove-address') {
    const request = (index: number): Request => encodeRemoveAddress({ index, cidr })
    return linkAction(step, context, { handle, request, tolerates: GONE.address, of })
  }
  const request = (index: number): Request =>
    encodeAddAddress({
      index,
      cidr,
      scope: 'global',
      broadcast: family === 4 && prefix < 31,
      nodad: family === 6,
    })
  return linkAction(step, context, { handle, request, of })
}

function routeAction(
  step: Extract<Step, { do: 'add-route' | 'remove-route' }>,
  context: Context,
): Action {
  const { dev, ...route } = step.route
  const of = `${route.dst}${route.via === undefined ? '' : ` via ${route.via}`}`
  const tolerates = step.do === 'remove-route' ? GONE.route : []
  const encode = (spec: RouteSpec): Request =>
    step.do === 'remove-route' ? encodeRemoveRoute(spec) : encodeAddRoute(spec, 'behind')
  if (dev === undefined) {
    const op = routeOp(context.spaces.enter(step.where), encode({ ...route, index: undefined }))
    return { step, of, tolerates, renew: undefined, op: () => op }
  }
  const handle = context.book.find(step.where, dev)
  const request = (index: number): Request => encode({ ...route, index })
  return linkAction(step, context, { handle, request, tolerates, of: `${of} dev ${dev}` })
}

function ruleAction(
  step: Extract<Step, { do: 'add-rule' | 'remove-rule' }>,
  context: Context,
): Action {
  const removes = step.do === 'remove-rule'
  const request = removes ? encodeRemoveRule(step.rule) : encodeAddRule(step.rule)
  const op = routeOp(context.spaces.enter(step.where), request)
  const tolerates = removes ? GONE.rule : []
  return { step, of: `table ${step.rule.table}`, tolerates, renew: undefined, op: () => op }
}

function neighbourAction(
  step: Extract<Step, { do: 'add-neighbour' | 'remove-neighbour' }>,
  context: Context,
): Action {
  const { link, ...neighbour } = step.neighbour
  const handle = context.book.find(step.where, link)
  const of = `${neighbour.ip} on ${link}`
  if (step.do === 'remove-neighbour') {
    const request = (index: number): Request => encodeRemoveNeighbour({ index, ip: neighbour.ip })
    return linkAction(step, context, { handle, request, tolerates: GONE.neighbour, of })
  }
  const request = (index: number): Request => encodeSetNeighbour({ index, ...neighbour })
  return linkAction(step, context, { handle, request, of })
}

function tableAction(
  step: Extract<Step, { do: 'add-nft-table' | 'remove-nft-table' }>,
  context: Context,
): Action {
  const { table } = step
  const removes = step.do === 'remove-nft-table'
  const op: Op = {
    op: 'netlink',
    netns: context.spaces.enter(step.where),
    protocol: PROTOCOL.netfilter,
    messages: removes ? encodeRemoveTable(table.name) : encodeAddTable(table),
  }
  const tolerates = removes ? GONE.table : []
  return { step, of: table.name, tolerates, renew: undefined, op: () => op }
}
