/**
 * What the tests of attaching and detaching begin with: networks of every kind,
 * a machine, an agent, a pod.
 * @module
 */
import { allocationsOf } from '#ipam/index.ts'
import { COORDINATOR, IPAM, ipoibOn, macvlanOn, nad, networks, POOLS } from './documents.ts'
import { addPod, type Ground, makeGround, stateOf } from './ground.ts'
import { type Asked, bootAgent, type MemoryAgent } from './memory-agent.ts'
import { WORLD } from './world.ts'

/** Names of eight networks over one port. */
export const RAILS = Array.from({ length: 8 }, (_, i) => `rail${i}`)
const NADS = [
  nad('macvlan', [macvlanOn(IPAM.spiderpool)]),
  nad('both', [macvlanOn(IPAM.both)]),
  nad('over-host', [macvlanOn(IPAM.spiderpool), COORDINATOR]),
  nad('files', [macvlanOn(IPAM.hostLocal)]),
  nad('ipoib', [ipoibOn(IPAM.spiderpool)]),
  nad('partition', [ipoibOn(IPAM.spiderpool, 'ib0', { pkey: '0x8002' })]),
  ...RAILS.map((name) => nad(name, [ipoibOn(IPAM.spiderpool)])),
]

/** A simulated machine with its agent. */
export type Bench = AsyncDisposable & {
  readonly ground: Ground
  readonly agent: MemoryAgent
  /** State before any ADD. */
  readonly before: string
}

/** Every network of the scenarios is in its store. */
export async function makeBench(): Promise<Bench> {
  const ground = await makeGround(WORLD, [...POOLS, ...NADS])
  return {
    ground,
    agent: bootAgent(ground),
    before: await stateOf(ground),
    [Symbol.asyncDispose]: () => ground[Symbol.asyncDispose](),
  }
}

/** A pod and its first container, in namespace `p1`. */
export async function podOn(ground: Ground, ...names: [string, ...string[]]): Promise<Asked> {
  const pod = await addPod(ground, 'pod-1', networks(...names))
  return { netns: 'p1', container: 'c1', pod }
}

/** Addresses of a result, without prefix lengths. */
export function addressesIn(stdout: string): string[] {
  const { ips }: { ips: { address: string }[] } = JSON.parse(stdout)
  return ips.map(({ address }) => address.replace(/\/.*/, ''))
}

/** Names of the links of a namespace. */
export function linksIn(ground: Ground, netns: string): string[] {
  return ground.host.netns.get(netns)?.links.map(({ name }) => name) ?? []
}

/** Names of the addresses that pods hold. */
export async function heldAddresses({ records }: Ground): Promise<string[]> {
  const { items } = await records.list(allocationsOf('all'))
  return items.map(({ metadata }) => metadata.name)
}
