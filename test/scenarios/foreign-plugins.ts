/**
 * Plugins of another vendor, in memory, as strict as those of the field: what
 * is there already is an error for ADD. They run on the simulated host whether
 * or not an agent lives.
 * @module
 */
import type { Foreign, Ran } from '#attach/index.ts'
import { parseHardwareAddress } from '#values/hardware-address.ts'
import { type IfName, parseIfName } from '#values/if-name.ts'
import { parseCidr } from '#values/cidr.ts'
import { parseIp } from '#values/ip.ts'
import type { LinkSpec } from '#values/link.ts'
import { type NetnsPath, parseNetnsPath } from '#values/netns.ts'
import { MAIN_TABLE, type Route } from '#values/route.ts'
import type { Step } from '#values/step.ts'
import type { SimHost } from '#sim/host.ts'
import { linkNamed, netnsAt } from '#sim/find.ts'
import { simKernel } from '#sim/kernel.ts'
import { deleteLink } from '#sim/links.ts'

/** What the other vendor's plugins keep; equal sets are equal states. */
export type ForeignState = Set<string>

type Call = Parameters<Foreign['run']>[0]

const ADDRESS = '10.9.0.5/24'
const GATEWAY = '10.9.0.1'
const PEER_MAC = parseHardwareAddress('02:00:00:00:ac:3e')
const MAIN = new Set(['acme-link', 'acme-veth'])

/**
 * `acme-tune` is chained, `acme-ipam` gives an address, `acme-link` makes a
 * macvlan of `eth1`, `acme-veth` a veth to the host with the default route,
 * `acme-broken` always fails.
 */
export function foreignPlugins(host: SimHost, state: ForeignState): Foreign {
  return {
    async run(call) {
      const { type, env } = call
      const key = `${type} ${env['CNI_CONTAINERID']} ${env['CNI_IFNAME']}`
      if (env['CNI_COMMAND'] === 'DEL') {
        state.delete(key)
        if (MAIN.has(type)) removeLink(host, call)
        return ok('')
      }
      if (type === 'acme-broken') return refused('it is out of order')
      if (state.has(key)) return refused(`duplicate ${key}`)
      state.add(key)
      if (type === 'acme-ipam') return ok(result({ ips: [{ address: ADDRESS, gateway: GATEWAY }] }))
      if (MAIN.has(type)) return makeLink(host, call)
      return ok(JSON.stringify(JSON.parse(call.stdin).prevResult))
    },
  }
}

async function makeLink(host: SimHost, { type, env }: Call): Promise<Ran> {
  const netns = parseNetnsPath(env['CNI_NETNS'] ?? '')
  const [temp, name] = [parseIfName('acme0'), parseIfName(env['CNI_IFNAME'] ?? '')]
  if (linkNamed(netnsAt(host, netns), name) !== undefined) return refused(`${name}: file exists`)
  const peer = parseIfName(`acme${env['CNI_CONTAINERID']?.slice(-6)}`)
  const overlay = type === 'acme-veth'
  const spec: LinkSpec = overlay
    ? { kind: 'veth', peer: { name: peer, address: PEER_MAC, mtu: 1500 } }
    : { kind: 'macvlan', parent: parseIfName('eth1'), mode: 'bridge' }
  const cidr = parseCidr(ADDRESS)
  const steps: Step[] = [
    {
      do: 'create-link',
      netns,
      way: 'in-place',
      temp,
      name,
      mark: 'acme',
      spec,
      mtu: undefined,
      address: undefined,
    },
    { do: 'rename-link', netns, from: temp, to: name },
    { do: 'set-link', where: netns, link: name, set: { up: true } },
    { do: 'add-address', where: netns, link: name, cidr },
    ...(overlay ? waysOver(netns, name, peer) : []),
  ]
  await simKernel(host).take(steps)
  const link = linkNamed(netnsAt(host, netns), name)
  if (link !== undefined) Object.assign(link, { group: 0, alias: undefined })
  const end = overlay ? linkNamed(netnsAt(host, 'host'), peer) : undefined
  if (end !== undefined) Object.assign(end, { group: 0, alias: undefined })
  return ok(
    result({
      interfaces: [{ name, mac: link?.address, sandbox: netns }],
      ips: [{ address: ADDRESS, gateway: GATEWAY, interface: 0 }],
    }),
  )
}

/** The default route over the host's end, which is up. */
function waysOver(where: NetnsPath, dev: IfName, peer: IfName): Step[] {
  const way = { do: 'add-route', where } as const
  const route: Route = {
    dst: parseCidr('0.0.0.0/0'),
    via: parseIp(GATEWAY),
    dev,
    table: MAIN_TABLE,
    scope: 'global',
    src: undefined,
    priority: undefined,
    onlink: false,
    protocol: 3,
  }
  return [
    { do: 'set-link', where: 'host', link: peer, set: { up: true } },
    { ...way, route },
  ]
}

function removeLink(host: SimHost, { env }: Call): void {
  const netns = host.netns.get((env['CNI_NETNS'] ?? '').replace(/.*\//, ''))
  const link = netns && linkNamed(netns, env['CNI_IFNAME'] ?? '')
  if (link !== undefined) deleteLink(host, link)
}

function result(of: object): string {
  return JSON.stringify({ cniVersion: '1.0.0', ...of })
}

function ok(stdout: string): Ran {
  return { status: 0, stdout, stderr: '' }
}

function refused(msg: string): Ran {
  return { status: 1, stdout: JSON.stringify({ code: 999, msg }), stderr: '' }
}
