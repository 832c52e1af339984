/**
 * The parts of the coordinator's plan that lead through the host: CIDRs that
 * the pod's own network does not reach, and the way back of what came in over
 * the veth pair.
 * @module
 */
import { type Cidr, parseCidr, networkOf } from '#values/cidr.ts'
import { type Family, familyOf } from '#values/ip.ts'
import { VERBENA_TABLE } from '#values/mark.ts'
import type { NftTable } from '#values/nft.ts'
import type { Step } from '#values/step.ts'
import { REPLY, gatewayRoute, replyRule } from './coordinator-rules.ts'
import { POD_VETH, type Sides } from './coordinator-steps.ts'

const DEFAULT_ROUTES: Readonly<Record<Family, Cidr>> = {
  4: parseCidr('0.0.0.0/0'),
  6: parseCidr('::/0'),
}
const MANGLE_PRIORITY = -150

/** Marks of connections that came in over the pair. */
const REPLY_MARKS: NftTable = {
  name: VERBENA_TABLE,
  chains: [
    {
      name: 'prerouting',
      type: 'filter',
      hook: 'prerouting',
      priority: MANGLE_PRIORITY,
      rules: [
        { nft: 'mark-new-from', link: POD_VETH, mark: REPLY.mark },
        { nft: 'save-mark', mark: REPLY.mark },
      ],
    },
    {
      name: 'output',
      type: 'route',
      hook: 'output',
      priority: MANGLE_PRIORITY,
      rules: [{ nft: 'restore-mark', mark: REPLY.mark }],
    },
  ],
}

/** In the pod: routes over the host to what its own network does not reach. */
export function planHijack(sides: Sides, cidrs: readonly Cidr[], table: number): Step[] {
  return [...new Set(cidrs.map(networkOf))].flatMap((dst) => overHost(sides, dst, table))
}

/** In the pod: what came in over the pair goes back over it, whatever other routes say. */
export function planReplyPath(sides: Sides): Step[] {
  const { netns } = sides
  const ways = ([4, 6] as const).flatMap((family): Step[] => {
    const route = overHost(sides, DEFAULT_ROUTES[family], REPLY.table)
    if (route.length === 0) return []
    return [...route, { do: 'add-rule', where: netns, rule: replyRule(family) }]
  })
  if (ways.length === 0) return []
  return [{ do: 'add-nft-table', where: netns, table: REPLY_MARKS }, ...ways]
}

/** Nothing when the host has no address of that family to go through. */
function overHost({ netns, dev, hostIps }: Sides, dst: Cidr, table: number): Step[] {
  const via = hostIps.find((ip) => familyOf(ip) === familyOf(dst))
  if (via === undefined) return []
  const route = gatewayRoute({ dst, via, dev, table })
  return [{ do: 'add-route', where: netns, route }]
}
