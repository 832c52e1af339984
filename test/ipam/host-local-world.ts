/**
 * Files in memory and host-local over them.
 * @module
 */
import { type HostLocalConf, type Reservation, hostLocalIpam } from '#ipam/index.ts'
import type { Files } from '#needs/files.ts'
import { parseIfName } from '#values/if-name.ts'

/** Files in memory, with the reads counted. */
function filesOf(start: Record<string, string> = {}) {
  const texts = new Map(Object.entries(start))
  const reads = new Map<string, number>()
  let turn: Promise<unknown> = Promise.resolve()
  const files: Files = {
    read: async (path) => {
      reads.set(path, (reads.get(path) ?? 0) + 1)
      return texts.get(path)
    },
    createExclusive: async (path, text) => !texts.has(path) && texts.set(path, text).has(path),
    replace: async (path, text) => void texts.set(path, text),
    remove: async (path) => texts.delete(path),
    list: async (folder) =>
      [...texts.keys()]
        .filter((p) => p.startsWith(`${folder}/`))
        .map((p) => p.slice(folder.length + 1)),
    locked: (_, work) => {
      const mine = turn.then(work)
      turn = mine.catch(() => undefined)
      return mine
    },
  }
  return { files, texts, reads }
}

/** Folder of the network. */
export const DIR = '/var/lib/cni/networks/net'
export const SIMPLE = { subnet: '10.1.2.0/24' }

/** A disk, the IPAM over it, and requests as the agent makes them. */
export function world(start: Record<string, string> = {}) {
  const disk = filesOf(start)
  const ipam = hostLocalIpam({ files: disk.files })
  const parse = (part: object, rest: object = {}): HostLocalConf =>
    ipam.parse({
      cniVersion: '1.0.0',
      name: 'net',
      type: 'macvlan',
      ...rest,
      ipam: { type: 'host-local', ...part },
    }).conf
  const asking = (conf: HostLocalConf, container = 'c1', requested: string[] = []) => ({
    conf,
    requested,
    args: '',
    cniVersion: '1.0.0' as const,
    pod: undefined,
    namespace: undefined,
    owner: { pod: undefined, network: 'net', containerId: container, ifName: parseIfName('eth0') },
  })
  return { ...disk, ipam, parse, asking }
}

/** The addresses of an answer. */
export function ipsOf({ addressing }: Reservation): string[] {
  return addressing.ips.map(({ address }) => address)
}
