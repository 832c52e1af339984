/**
 * Pods on the networks of `rails.ts`: attached as a runtime does it, looked at,
 * and by which of their links packets pass.
 * @module
 */
import { deepEqual, equal } from 'node:assert/strict'
import { gatewayOf, must, podIp } from './rails.ts'
import type { RealCall, RealNode } from './real-node.ts'

type LanNumber = Parameters<typeof podIp>[0]

/** The first two interfaces of a pod, on the networks of their numbers. */
export const PODS = {
  eth0: { pod: 'a', ifName: 'eth0', n: 1 },
  net1: { pod: 'a', ifName: 'net1', n: 2 },
} as const

/** One call of a plugin that must succeed. @returns its result */
export async function add(node: RealNode, call: RealCall): Promise<Record<string, unknown>> {
  const { status, stdout, stderr } = await node.plugin('ADD', call)
  deepEqual([status, stderr], [0, ''], stdout)
  return JSON.parse(stdout)
}

/** A macvlan of a network with the pod's addresses there; only the first has default routes. */
export function macvlanOf(n: LanNumber, { mac }: { readonly mac?: string } = {}) {
  const routes = [{ dst: '0.0.0.0/0' }, { dst: '::/0' }]
  const addresses = ([4, 6] as const).map((family) => ({
    address: `${podIp(n, family)}/${family === 4 ? 16 : 64}`,
    gateway: gatewayOf(n, family),
  }))
  const ipam = { type: 'static', addresses, routes }
  return { type: 'macvlan', master: `p${n}`, ...(mac === undefined ? {} : { mac }), ipam }
}

type Chain = {
  readonly pod: string
  readonly ifName: string
  /** Its network. */
  readonly n: LanNumber
  readonly coordinator?: Readonly<Record<string, unknown>>
}

/** The calls of one attachment as a runtime makes them: macvlan, then the coordinator. */
export async function attach(node: RealNode, chain: Chain): Promise<Record<string, unknown>> {
  const { pod, ifName, n, coordinator = {} } = chain
  const prevResult = await add(node, { pod, ifName, type: 'macvlan', conf: macvlanOf(n) })
  return add(node, { pod, ifName, type: 'coordinator', conf: { ...coordinator, prevResult } })
}

/** And takes it down. */
export async function detach(
  node: RealNode,
  { pod, ifName, n, coordinator }: Chain,
): Promise<void> {
  for (const type of ['coordinator', 'macvlan'] as const) {
    const conf = type === 'macvlan' ? macvlanOf(n) : coordinator
    const { status, stdout } = await node.plugin('DEL', { pod, ifName, type, conf: { ...conf } })
    equal(status, 0, stdout)
  }
}

/** A link as `ip -j link` shows it. */
export async function linkOf(
  node: RealNode,
  where: string,
  name: string,
): Promise<{ address: string; txqlen: number; mtu: number }> {
  return JSON.parse(await must(node, where, 'ip', '-j', 'link', 'show', 'dev', name))[0]
}

/** Packets that a link has sent and received. */
type Counts = { readonly sent: number; readonly received: number }

async function countsOf(node: RealNode, where: string, link: string): Promise<Counts> {
  const text = await must(node, where, 'ip', '-s', '-j', 'link', 'show', 'dev', link)
  const [
    {
      stats64: { rx, tx },
    },
  ] = JSON.parse(text)
  return { sent: tx.packets, received: rx.packets }
}

const PINGS = 12

/**
 * Pings and looks by which links of `at` the packets passed.
 * @returns links that sent and links that received at least as many as there were pings
 */
export async function trace(
  node: RealNode,
  ping: { from: string; to: string; source?: string; at: string; links: readonly string[] },
): Promise<{ answered: boolean; sentBy: string[]; receivedBy: string[] }> {
  const { from, to, source, at, links } = ping
  const before = await Promise.all(links.map((link) => countsOf(node, at, link)))
  const words = ['ping', '-c', String(PINGS), '-i', '0.005', '-W', '1']
  if (source !== undefined) words.push('-I', source)
  const { status } = await node.in(from, ...words, to)
  const after = await Promise.all(links.map((link) => countsOf(node, at, link)))
  const grown = (by: keyof Counts): string[] =>
    links.filter((_, i) => (after[i]?.[by] ?? 0) - (before[i]?.[by] ?? 0) >= PINGS)
  return { answered: status === 0, sentBy: grown('sent'), receivedBy: grown('received') }
}

/** Lines of a state that are not in the other, each with its sign: what a test compares. */
export function difference(before: string, after: string): string[] {
  // a link tells of its state a moment late
  const [one = [], two = []] = [before, after].map((text) => {
    return text.replaceAll(/ state (UP|UNKNOWN) /g, ' ').split('\n')
  })
  return [
    ...one.filter((line) => !two.includes(line)).map((line) => `- ${line}`),
    ...two.filter((line) => !one.includes(line)).map((line) => `+ ${line}`),
  ]
}
