/**
 * What the commands of the story show on a simulated host.
 * @module
 */
import { parseIp } from '#values/ip.ts'
import { parseNetnsPath, type Where } from '#values/netns.ts'
import { linkNamed, netnsAt } from '#sim/find.ts'
import type { SimHost, SimNetns } from '#sim/host.ts'
import { printAddresses, printLink, printRdmaLinks } from '#sim/print-link.ts'
import { canReach } from '#sim/reach.ts'
import type { Printed } from './ground.ts'

const NOT_FOUND = 127
const UNREACHED = 1

/** `where` is a namespace of the host, by its name or path. */
export function simulatedCommand(host: SimHost, where: string, words: readonly string[]): Printed {
  const netns = netnsAt(host, whereOf(where))
  const line = words.join(' ')
  if (line === 'rdma link') return printed(printRdmaLinks(host))
  if (/^cat \/sys\/class\/infiniband\/\S+\/link_layer$/.test(line)) return printed('InfiniBand\n')
  if (line === 'ip a') return printed(printAddresses(host, netns))
  const link = /^ip (a|-d link) show (\S+)$/.exec(line)
  if (link !== null) return linkText(host, netns, { verb: link[1] ?? '', name: link[2] ?? '' })
  if (words[0] === 'ping') return ping(host, where, words.at(-1) ?? '')
  return { status: NOT_FOUND, text: `${words[0] ?? ''}: not simulated\n` }
}

function linkText(
  host: SimHost,
  netns: SimNetns,
  { verb, name }: { readonly verb: string; readonly name: string },
): Printed {
  const link = linkNamed(netns, name)
  if (link === undefined) return { status: 1, text: `Device "${name}" does not exist.\n` }
  if (verb === 'a') return printed(printAddresses(host, { ...netns, links: [link] }))
  return printed(printLink(host, link))
}

function ping(host: SimHost, from: string, to: string): Printed {
  const reach = canReach({ host }, whereOf(from), parseIp(to))
  const head = `PING ${to} on the simulated kernel: there and back once\n`
  if (reach.reached) {
    const way = `from ${reach.hops.map(lastPart).join(' to ')}\n`
    return printed(`${head}${way}1 packets transmitted, 1 received, 0% packet loss\n`)
  }
  const { reason, netns, link } = reach
  const where = `${reason} at ${link ?? 'no link'} in ${lastPart(netns)}\n`
  const text = `${head}${where}1 packets transmitted, 0 received, 100% packet loss\n`
  return { status: UNREACHED, text }
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function whereOf(name: string): Where {
  return parseNetnsPath(name.startsWith('/') ? name : `/${name}`)
}

function printed(text: string): Printed {
  return { status: 0, text }
}
