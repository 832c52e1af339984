/**
 * What a history is played on: nodes, a store, pods of several networks.
 * @module
 */
import { COORDINATOR, IPAM, macvlanOn, nad, networks } from '#test/scenarios/documents.ts'
import { type MemoryRecords, memoryRecords } from './memory-records.ts'
import type { ModelPod, Way } from './model.ts'
import type { Mutant } from './mutant.ts'
import { type HistoryNode, makeNode, type Weather } from './node.ts'
import { POOLS } from './pools.ts'

export type Playing = {
  /** Whole attaches, or addresses alone. */
  readonly level: 'whole' | 'addresses'
  readonly mutant?: Mutant
  /** The laws are looked at after every so many operations. */
  readonly lookEvery: number
}

const NODES = 3
const PODS = 6

/** A history while it is played. */
export type Game = {
  readonly records: MemoryRecords
  readonly weather: Weather
  readonly nodes: readonly HistoryNode[]
  readonly pods: readonly ModelPod[]
  readonly mutant: Mutant | undefined
  containers: number
}

const WAYS: Readonly<Record<Playing['level'], readonly Way[]>> = {
  whole: [
    { type: 'verbena', conf: {}, annotations: networks('net') },
    { type: 'verbena', conf: {}, annotations: networks('net', 'net') },
    { type: 'macvlan', conf: { master: 'eth1', ipam: IPAM.both }, annotations: {} },
  ],
  addresses: [
    { type: 'spiderpool', conf: { ipam: IPAM.both }, annotations: {} },
    { type: 'spiderpool', conf: { ipam: IPAM.spiderpool }, annotations: {} },
    { type: 'host-local', conf: { ipam: IPAM.hostLocal }, annotations: {} },
  ],
}

/** The nodes, the store with its pools and networks, the pods. */
export async function begin({ level, mutant }: Playing): Promise<Game> {
  const records = memoryRecords()
  const weather: Weather = { records, nowMs: 0, refusals: 0, slowness: 0 }
  const plugins = [macvlanOn(IPAM.both), COORDINATOR]
  for (const document of [...POOLS, nad('net', plugins)]) await records.create(document)
  const nodes = Array.from({ length: NODES }, (_, i) => makeNode(`node-${i}`, weather, mutant))
  const game: Game = { records, weather, nodes, pods: [], mutant, containers: 0 }
  const ways = WAYS[level]
  const pods: ModelPod[] = []
  for (let i = 0; i < PODS; i++) {
    const [node, way] = [nodes[i % NODES], ways[i % ways.length]]
    if (node === undefined || way === undefined) continue
    const pod = { name: `pod-${i}`, node, way, uid: '', containers: [], gone: [] }
    pods.push(pod)
    await createPod(pod, records)
  }
  return { ...game, pods }
}

/** Its UID is the store's. */
export async function createPod(pod: ModelPod, records: MemoryRecords): Promise<void> {
  const { metadata } = await records.create({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: pod.name, namespace: 'default', annotations: pod.way.annotations },
    spec: {},
  })
  pod.uid = metadata.uid
}
