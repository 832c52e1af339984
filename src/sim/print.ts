/**
 * Routes, rules and neighbours of a simulated namespace as `ip route show table
 * all`, `ip rule` and `ip neigh` of iproute2 6.1 print them; and the whole host
 * as one text, for comparison.
 * @module
 */
import { networkOf, type Cidr, cidrParts } from '#values/cidr.ts'
import { type Family, bitsOf } from '#values/ip.ts'
import { MAIN_TABLE, type Route, type Rule } from '#values/route.ts'
import type { SimHost, SimLink, SimNetns } from './host.ts'
import { broadcastOf, printAddresses, printRdmaLinks } from './print-link.ts'
import { observedRoute, routesOf } from './routes.ts'
import { rulesOf } from './rules.ts'
import { pathOf } from './sysctl.ts'

const TABLE: Readonly<Record<number, string>> = { 253: 'default', 254: 'main', 255: 'local' }
const PROTOCOL: Readonly<Record<number, string>> = { 2: 'kernel', 3: 'boot', 4: 'static' }
const BOOT = 3
const LOOPBACK = 772

/** `ip route show table all`, both families. */
export function printRoutes(netns: SimNetns): string {
  const unicast = routesOf(netns).map(observedRoute)
  const lines = (family: Family): string[] => [
    ...unicast.filter((route) => cidrParts(route.dst).family === family).map(routeLine),
    ...netns.links.flatMap((link) => localLines(link, family)),
  ]
  return text([...lines(4), ...lines(6)])
}

function routeLine(route: Route): string {
  const { dst, via, dev, table, protocol, scope, src, priority, onlink } = route
  return words([
    shortPrefix(dst),
    via && `via ${via}`,
    dev && `dev ${dev}`,
    table !== MAIN_TABLE && `table ${TABLE[table] ?? table}`,
    protocol !== BOOT && `proto ${PROTOCOL[protocol] ?? protocol}`,
    scope !== 'global' && `scope ${scope}`,
    src && `src ${src}`,
    priority !== undefined && `metric ${priority}`,
    onlink && 'onlink',
    dst.includes(':') && 'pref medium',
  ])
}

/** What the kernel keeps in table `local` for the link's addresses. */
function localLines(link: SimLink, family: Family): string[] {
  const at = `dev ${link.name} table local proto kernel`
  const lines: string[] = []
  for (const { cidr } of link.addresses.filter((a) => cidrParts(a.cidr).family === family)) {
    const { ip, prefix } = cidrParts(cidr)
    if (family === 6) {
      lines.push(`local ${ip} ${at} metric 0 pref medium`)
      continue
    }
    const tail = `scope host src ${ip}`
    if (link.arpType === LOOPBACK) lines.push(`local ${networkOf(cidr)} ${at} ${tail}`)
    lines.push(`local ${ip} ${at} ${tail}`)
    if (link.up && prefix < 31) {
      lines.push(`broadcast ${broadcastOf(cidr)} ${at} scope link src ${ip}`)
    }
  }
  if (family === 6 && link.up && link.arpType !== LOOPBACK) {
    lines.push(`multicast ff00::/8 ${at} metric 256 pref medium`)
  }
  return lines
}

/** `ip rule`, or `ip -6 rule`. */
export function printRules(netns: SimNetns, family: Family): string {
  return text(
    rulesOf(netns)
      .filter((rule) => rule.family === family)
      .map(ruleLine),
  )
}

function ruleLine({ priority, from, to, fwmark, table, protocol }: Rule): string {
  const mask = fwmark === undefined || fwmark.mask === 0xffffffff ? '' : `/${hex(fwmark.mask)}`
  return words([
    `${priority ?? 0}:\tfrom ${from === undefined ? 'all' : shortPrefix(from)}`,
    to && `to ${shortPrefix(to)}`,
    fwmark && `fwmark ${hex(fwmark.mark)}${mask}`,
    `lookup ${TABLE[table] ?? table}`,
    protocol !== 2 && `proto ${PROTOCOL[protocol] ?? protocol}`,
  ])
}

/** `ip neigh`, both families. */
export function printNeighbours(netns: SimNetns): string {
  return text(
    netns.links.flatMap((link) =>
      link.neighbours.map(({ ip, address, permanent }) =>
        words([
          `${ip} dev ${link.name}`,
          address && `lladdr ${address}`,
          permanent ? 'PERMANENT' : address === undefined ? 'FAILED' : 'STALE',
        ]),
      ),
    ),
  )
}

/** The state of the whole host, one section a namespace: equal texts are equal hosts. */
export function printHost(host: SimHost): string {
  const sections = [...host.netns.values()].flatMap((netns) => [
    `== ${netns.name}\n`,
    printAddresses(host, netns),
    printRoutes(netns),
    printRules(netns, 4),
    printRules(netns, 6),
    printNeighbours(netns),
    printSysctls(netns),
    ...[...netns.tables.values()].map((t) => `table inet ${t.name} ${JSON.stringify(t.chains)}\n`),
  ])
  return [...sections, `== rdma ${host.rdma.mode}\n`, printRdmaLinks(host)].join('')
}

/** What was written, as `sysctl` prints it but with slashes. */
function printSysctls(netns: SimNetns): string {
  const own = netns.links.flatMap(({ name, sysctl }) =>
    [...sysctl].map(([key, value]) => `${pathOf(name, key)} = ${value}`),
  )
  return text(
    [...[...netns.sysctl].map(([path, value]) => `${path} = ${value}`), ...own].toSorted(),
  )
}

function shortPrefix(cidr: Cidr): string {
  const { ip, prefix, family } = cidrParts(cidr)
  if (prefix === 0) return 'default'
  return prefix === bitsOf(family) ? ip : cidr
}

function hex(number: number): string {
  return `0x${number.toString(16)}`
}

function words(parts: readonly (string | false | undefined)[]): string {
  return parts.filter((part) => part !== false && part !== undefined && part !== '').join(' ')
}

function text(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('')
}
