/**
 * The pod's first interface as a network of an overlay leaves it.
 * @module
 */
import { batch, must } from './rails.ts'
import type { RealNode } from './real-node.ts'

/** Its addresses. */
export const OVERLAY_IP = { 4: '10.244.0.7', 6: 'fd44::7' } as const

/** What a network of an overlay leaves: a veth pair, a gateway that is nowhere, a host route. */
export async function addStandIn(node: RealNode): Promise<void> {
  await batch(
    node,
    'node',
    `link add cali1 address 02:00:00:00:ca:01 type veth peer name cali0 address 02:00:00:00:e0:01
link set cali0 netns ${node.netnsOf('a')} name eth0
link set cali1 addrgenmode none up
addr add fe80::1/64 dev cali1 nodad
`,
  )
  await batch(
    node,
    'a',
    `link set lo up
link set eth0 addrgenmode none up
addr add 10.244.0.7/32 dev eth0
addr add fd44::7/128 dev eth0 nodad
route add 169.254.1.1 dev eth0 scope link
route add default via 169.254.1.1 dev eth0
route add fd44::1 dev eth0
route add default via fd44::1 dev eth0
neigh add 169.254.1.1 lladdr 02:00:00:00:ca:01 dev eth0 nud permanent
neigh add fd44::1 lladdr 02:00:00:00:ca:01 dev eth0 nud permanent
`,
  )
  await batch(
    node,
    'node',
    `route add 10.244.0.7/32 dev cali1
route add fd44::7/128 dev cali1
`,
  )
  await must(
    node,
    'node',
    'sh',
    '-ec',
    'while ! ip -br link show cali1 | grep -q " UP "; do sleep 0.01; done',
  )
}
