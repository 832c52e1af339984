/**
 * Chains on the real node, plugin by plugin as a runtime runs them, and what of a
 * state is worth comparing.
 * @module
 */
import { deepEqual, equal } from 'node:assert/strict'
import { add } from './rail-pods.ts'
import { must, openRails } from './rails.ts'
import type { RealNode } from './real-node.ts'

/** Changes of a link, of the pod, and of the link's own settings. */
export const TUNING = {
  type: 'tuning',
  sysctl: {
    'net.core.somaxconn': '500',
    'net.ipv4.conf.IFNAME.arp_filter': '1',
    'net/ipv4/conf/all/rp_filter': '2',
  },
  mac: 'C2:11:22:33:44:55',
  promisc: true,
  mtu: 1454,
  txQLen: 700,
  allmulti: true,
} as const

export type Conf = Readonly<Record<string, unknown>>
type Chain = {
  readonly pod: string
  readonly ifName: string
  readonly plugins: readonly (Conf & { readonly type: string })[]
}

/**
 * The node with its networks and one pod. Links that come get no link-local address
 * by themselves: nothing changes while a test looks.
 */
export async function openQuiet(): Promise<RealNode> {
  const node = await openRails(['a'])
  const quiet = 'echo 1 >/proc/sys/net/ipv6/conf/default/addr_gen_mode'
  for (const where of ['node', 'a']) await must(node, where, 'sh', '-c', quiet)
  return node
}

/** The state without link-local addresses, which come and settle by themselves. */
export async function settled(node: RealNode): Promise<string> {
  const lines = (await node.state()).split('\n')
  return lines.filter((line) => !/fe80:|ff00::/.test(line)).join('\n')
}

/** A chain as a runtime runs it: each plugin with the result of the one before. */
export async function addChain(node: RealNode, { pod, ifName, plugins }: Chain): Promise<Conf> {
  let prevResult: Conf | undefined
  for (const conf of plugins) {
    const previous = prevResult === undefined ? {} : { prevResult }
    prevResult = await add(node, { pod, ifName, type: conf.type, conf: { ...conf, ...previous } })
  }
  return prevResult ?? {}
}

export async function delChain(node: RealNode, { pod, ifName, plugins }: Chain): Promise<void> {
  for (const conf of plugins.toReversed()) await del(node, { pod, ifName, conf })
}

export async function del(
  node: RealNode,
  { pod, ifName, conf }: { pod: string; ifName: string; conf: Conf & { type: string } },
): Promise<void> {
  const { status, stdout } = await node.plugin('DEL', { pod, ifName, type: conf.type, conf })
  deepEqual([status, stdout], [0, ''])
}

/** The message of a call that is refused. */
export async function refused(
  node: RealNode,
  { pod, ifName, conf }: { pod: string; ifName: string; conf: Conf & { type: string } },
): Promise<string> {
  const { status, stdout } = await node.plugin('ADD', { pod, ifName, type: conf.type, conf })
  equal(status, 1, stdout)
  const { msg }: { msg: string } = JSON.parse(stdout)
  return msg
}
