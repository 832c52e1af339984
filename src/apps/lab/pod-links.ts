/**
 * Links of pods and nodes, read from iproute2's JSON.
 * @module
 */
import { isRecord } from '#schema/zod.ts'
import { type Ran, execute } from './command.ts'
import type { PodInterface } from './ground.ts'

type Env = Readonly<Record<string, string | undefined>>

/** Kinds of links that networks give to pods; a veth is the coordinator's. */
const NETWORK_KINDS = ['ipoib', 'macvlan', 'ipvlan']
const INFINIBAND = 'infiniband'

/** Interfaces of a pod that a network gave it. */
export async function podInterfaces(netns: string, env: Env): Promise<readonly PodInterface[]> {
  const words = ['ip', '-n', netns, '-j', '-d', 'address', 'show']
  return linksIn(await execute({ words, env })).flatMap((link) => {
    const about = recordAt(link, 'linkinfo')
    if (!NETWORK_KINDS.includes(String(about['info_kind']))) return []
    const data = recordAt(about, 'info_data')
    const key = data['key'] ?? data['pkey']
    return [
      {
        name: String(link['ifname']),
        addresses: addressesOf(link),
        guid: link['link_type'] === INFINIBAND ? guidOf(String(link['address'])) : undefined,
        pkey: typeof key === 'string' ? key : undefined,
      },
    ]
  })
}

/** Links of nodes that are up without a carrier, as `ibs5f0 of node-a`. */
export async function withoutCarrier(
  nodes: readonly { readonly name: string; readonly netns: string }[],
  env: Env,
): Promise<string[]> {
  const all = nodes.map(async ({ name, netns }) => {
    const links = linksIn(await execute({ words: ['ip', '-n', netns, '-j', 'link', 'show'], env }))
    return links
      .filter((link) => Array.isArray(link['flags']) && !link['flags'].includes('LOWER_UP'))
      .map((link) => `${String(link['ifname'])} of ${name}`)
  })
  return (await Promise.all(all)).flat()
}

/** The last 8 of the 20 bytes of an IPoIB address. */
function guidOf(address: string): string {
  return address.split(':').slice(-8).join(':')
}

function addressesOf(link: Record<string, unknown>): string[] {
  const list: unknown = link['addr_info']
  if (!Array.isArray(list)) return []
  return list.flatMap((one: unknown) =>
    isRecord(one) && one['scope'] === 'global'
      ? [`${String(one['local'])}/${String(one['prefixlen'])}`]
      : [],
  )
}

function linksIn({ status, stdout }: Ran): Record<string, unknown>[] {
  if (status !== 0) return []
  const list: unknown = JSON.parse(stdout)
  return Array.isArray(list) ? list.filter(isRecord) : []
}

function recordAt(of: Record<string, unknown>, key: string): Record<string, unknown> {
  const value = of[key]
  return isRecord(value) ? value : {}
}
