/**
 * Plugins of another vendor, in memory, as strict as those of the field: what
 * is there already is an error for ADD. They run on the simulated host whether
 * or not an agent lives.
 * @module
 */
import type { Foreign, Ran } from '#attach/index.ts'
import { parseIfName } from '#values/if-name.ts'
import { parseCidr } from '#values/cidr.ts'
import { parseNetnsPath } from '#values/netns.ts'
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

/**
 * `acme-tune` is chained, `acme-ipam` gives an address, `acme-link` makes a
 * macvlan of `eth1`, `acme-broken` always fails.
 */
export function foreignPlugins(host: SimHost, state: ForeignState): Foreign {
  return {
    async run(call) {
      const { type, env } = call
      const key = `${type} ${env['CNI_CONTAINERID']} ${env['CNI_IFNAME']}`
      if (env['CNI_COMMAND'] === 'DEL') {
        state.delete(key)
        if (type === 'acme-link') removeLink(host, call)
        return ok('')
      }
      if (type === 'acme-broken') return refused('it is out of order')
      if (state.has(key)) return refused(`duplicate ${key}`)
      state.add(key)
      if (type === 'acme-ipam') return ok(result({ ips: [{ address: ADDRESS, gateway: GATEWAY }] }))
      if (type === 'acme-link') return makeLink(host, call)
      return ok(JSON.stringify(JSON.parse(call.stdin).prevResult))
    },
  }
}

async function makeLink(host: SimHost, { env }: Call): Promise<Ran> {
  const netns = parseNetnsPath(env['CNI_NETNS'] ?? '')
  const [temp, name] = [parseIfName('acme0'), parseIfName(env['CNI_IFNAME'] ?? '')]
  if (linkNamed(netnsAt(host, netns), name) !== undefined) return refused(`${name}: file exists`)
  const spec = { kind: 'macvlan', parent: parseIfName('eth1'), mode: 'bridge' } as const
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
  ]
  await simKernel(host).take(steps)
  const link = linkNamed(netnsAt(host, netns), name)
  if (link !== undefined) Object.assign(link, { group: 0, alias: undefined })
  return ok(
    result({
      interfaces: [{ name, mac: link?.address, sandbox: netns }],
      ips: [{ address: ADDRESS, gateway: GATEWAY, interface: 0 }],
    }),
  )
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
