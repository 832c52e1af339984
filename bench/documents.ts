/**
 * What a bench writes into the store before its agent starts: pools, networks, a pod.
 * @module
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Document } from '#needs/records.ts'
import { openRecords } from '#store/records.ts'
import type { Ground } from './ground.ts'

/** Written into the store of the agent with that state. */
export async function writeDocuments(
  ground: Ground,
  state: string,
  documents: readonly Document[],
): Promise<void> {
  const folder = join(ground.folder, state)
  mkdirSync(join(folder, 'net.d'), { recursive: true })
  await using records = await openRecords({ path: join(folder, 'store.db') })
  for (const document of documents) await records.create(document)
}

/** Addresses of a pool when it is not told otherwise. */
const ROOMY = 4_000

/**
 * Pool `railN` of `size` addresses (at most 65,000); the gateway, and so the
 * default route, is on `rail0`.
 */
export function poolOf(rail: number, size = ROOMY): Document {
  const last = 10 + size - 1
  return {
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderIPPool',
    metadata: { name: `rail${rail}` },
    spec: {
      ipVersion: 4,
      subnet: `10.${64 + rail}.0.0/16`,
      ips: [`10.${64 + rail}.0.10-10.${64 + rail}.${last >> 8}.${last & 255}`],
      ...(rail === 0 ? { gateway: '10.64.0.1' } : {}),
      default: false,
      disable: false,
    },
  }
}

/** Configuration of a macvlan over a rail. */
export function macvlanConf(rail: number, ipam: Readonly<Record<string, unknown>>) {
  const mode = 'bridge'
  return {
    cniVersion: '1.0.0',
    name: `net${rail}`,
    type: 'macvlan',
    master: `rail${rail}`,
    mode,
    ipam,
  }
}

/** IPAM of a rail's pool. */
export function spiderpoolOf(rail: number) {
  return { type: 'spiderpool', default_ipv4_ippool: [`rail${rail}`] }
}

/** Upstream's IPAM over the same addresses; `dataDir` is where it keeps its files. */
export function hostLocalOf(rail: number, dataDir: string) {
  const range = {
    subnet: `10.${64 + rail}.0.0/16`,
    rangeStart: `10.${64 + rail}.0.10`,
    rangeEnd: `10.${64 + rail}.15.169`,
    gateway: `10.${64 + rail}.0.1`,
  }
  const routes = rail === 0 ? [{ dst: '0.0.0.0/0' }] : []
  return { type: 'host-local', ranges: [[range]], routes, dataDir }
}

/** Network `bench/railN`. */
export function nadOf(rail: number): Document {
  return {
    apiVersion: 'k8s.cni.cncf.io/v1',
    kind: 'NetworkAttachmentDefinition',
    metadata: { name: `rail${rail}`, namespace: 'bench' },
    spec: { config: JSON.stringify(macvlanConf(rail, spiderpoolOf(rail))) },
  }
}

/** Pod `bench/pod` on all rails: the first is its default network. */
export function podOf(rails: number): Document {
  const networks = Array.from({ length: rails - 1 }, (_, i) => `bench/rail${i + 1}`)
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'pod',
      namespace: 'bench',
      annotations: {
        'v1.multus-cni.io/default-network': 'bench/rail0',
        'k8s.v1.cni.cncf.io/networks': networks.join(','),
      },
    },
    spec: { containers: [{ name: 'main', image: 'none' }] },
  }
}
