/**
 * A node on the real kernel with three networks, each behind a link of its own
 * (`p1` to `p3`) and with somebody on it, and a place behind the node itself:
 * what pods are reached from and reach.
 * @module
 */
import { deepEqual } from 'node:assert/strict'
import type { Document } from '#needs/records.ts'
import { RealNode } from './real-node.ts'

/** Networks by number: `10.N.0.0/16` and `fdN::/64`; `lanN` is its gateway, `.0.1` and `::1`. */
const NETWORKS = [1, 2, 3] as const
type LanNumber = (typeof NETWORKS)[number]

const net = (n: LanNumber): string => `10.${70 + n}`
/** Address of the gateway of a network. */
export const gatewayOf = (n: LanNumber, family: 4 | 6 = 4): string =>
  family === 4 ? `${net(n)}.0.1` : `fd0${n}::1`
/** Address of a pod on a network. */
export const podIp = (n: LanNumber, family: 4 | 6 = 4): string =>
  family === 4 ? `${net(n)}.0.100` : `fd0${n}::100`
/** Behind the gateway of every network: only the way there tells them apart. */
export const FAR = { 4: '203.0.113.9', 6: 'fdff::9' } as const
/** Behind the node: `10.1.0.9` has it for its gateway. */
export const CLIENT = { 4: '10.1.0.9', 6: 'fd10::9' } as const
/** On the node's loopback, as a virtual address of a service is. */
export const SERVICE = { 4: '10.96.0.10', 6: 'fd96::10' } as const

/** Up, without link-local addresses that come by themselves. */
function laneOf(n: LanNumber): string {
  return `link add p${n} type veth peer name lan netns NETNS
link set p${n} addrgenmode none up
`
}

const LAN = (n: LanNumber): string => `link set lo up
link set lan addrgenmode none up
addr add ${gatewayOf(n)}/16 dev lan
addr add ${gatewayOf(n, 6)}/64 dev lan nodad
addr add fe80::1/64 dev lan nodad
addr add ${FAR[4]}/32 dev lo
addr add ${FAR[6]}/128 dev lo nodad
`
const BEHIND = `link set lo up
link set up1 addrgenmode none up
addr add ${CLIENT[4]}/24 dev up1
addr add ${CLIENT[6]}/64 dev up1 nodad
addr add fe80::9/64 dev up1 nodad
route add default via 10.1.0.1
route add default via fd10::1
`
const NODE = `addr add fd10::1/64 dev up0 nodad
addr add fe80::1/64 dev up0 nodad
addr add ${SERVICE[4]}/32 dev lo scope host
addr add ${SERVICE[6]}/128 dev lo nodad
`
const FORWARD =
  'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'

/** A node with its networks; `pods` are namespaces for pods. */
export async function openRails(
  pods: readonly string[],
  documents: readonly Document[] = [],
): Promise<RealNode> {
  const node = await RealNode.open(documents)
  try {
    await node.addPods([...NETWORKS.map((n) => `lan${n}`), 'behind', ...pods])
    for (const n of NETWORKS) {
      const lane = laneOf(n).replace('NETNS', node.netnsOf(`lan${n}`))
      await batch(node, 'node', lane)
      await batch(node, `lan${n}`, LAN(n))
    }
    await must(node, 'node', 'ip', 'link', 'set', 'up1', 'netns', node.netnsOf('behind'))
    await batch(node, 'behind', BEHIND)
    await batch(node, 'node', NODE)
    await must(node, 'node', 'sh', '-ec', FORWARD)
    await must(node, 'node', 'sh', '-ec', SETTLED)
    return node
  } catch (cause) {
    await node[Symbol.asyncDispose]()
    throw cause
  }
}

const SETTLED = `while ip -br link show | grep -Eq '^(up0|p[123]).* (DOWN|LOWERLAYERDOWN) '; do
  sleep 0.01
done`

/** Lines for `ip -batch`. */
export async function batch(node: RealNode, where: string, lines: string): Promise<void> {
  await must(node, where, 'sh', '-ec', `ip -batch - <<'END'\n${lines}END`)
}

/** What `ip` says when somebody else's namespace ends as it looks. */
const PEER_GONE = 'Peer netns reference is invalid.\n'

/** @throws {AssertionError} with what it said when it does not succeed */
export async function must(
  node: RealNode,
  where: string,
  ...words: readonly string[]
): Promise<string> {
  const { status, stdout, stderr } = await node.in(where, ...words)
  deepEqual([status, stderr.replaceAll(PEER_GONE, '')], [0, ''], words.join(' '))
  return stdout
}
