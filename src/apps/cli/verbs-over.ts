/**
 * The CNI verbs over whatever meets their needs: the real host or a simulated
 * one. What `verbena cni` and `verbena plan` run, as the agent does.
 * @module
 */
import {
  type AttachNeeds,
  type Journal,
  makeTurns,
  type Note,
  podNetworks,
  publishStatus,
  type VerbNeeds,
} from '#attach/index.ts'
import { masterAddresses } from '#apps/master-addresses.ts'
import { PLUGINS } from '#cni/index.ts'
import { hostLocalIpam, spiderpoolIpam, staticIpam } from '#ipam/index.ts'
import type { Clock, Random } from '#needs/clock.ts'
import type { Files } from '#needs/files.ts'
import type { Kernel } from '#needs/kernel.ts'
import type { Records } from '#needs/records.ts'
import { textOfThrown } from '#values/failure.ts'

/** What meets the needs. */
export type Grounds = {
  readonly kernel: Kernel
  readonly records: Records
  readonly journal: Journal
  readonly files: Files
  readonly clock: Clock
  readonly random: Random
  readonly node: string
  /** Network of pods that name none. */
  readonly clusterNetwork: { readonly namespace: string; readonly name: string } | undefined
  /** Where CNI configurations are looked for by name. */
  readonly confFolder: string
  /** File with the kubelet's PodResources answer; undefined for its checkpoint. */
  readonly podResources: string | undefined
}

export type Verbs = AsyncDisposable &
  VerbNeeds & {
    readonly attach: AttachNeeds
    readonly notes: readonly Note[]
    /** Resolves when all that follows an answer is written, or given up with a note. */
    published(): Promise<void>
  }

/** Disposing of it ends what it watches; the grounds are the caller's. */
export function verbsOver(grounds: Grounds): Verbs {
  const { kernel, records, journal, files, clock, random, node, clusterNetwork } = grounds
  const notes: Note[] = []
  const writes: Promise<void>[] = []
  const report = (note: Note): void => void notes.push(note)
  const later = (work: Promise<void>, about: string, what: string): void => {
    const done = work.catch((cause: unknown) => {
      const text = `${what} was not written: ${textOfThrown(cause)}`
      report({ note: 'warning', attachment: about, text, cause })
    })
    writes.push(done)
  }
  const spiderpool = spiderpoolIpam({
    ...{ records, random, node, clock, clusterNetwork },
    masterAddresses: (master) => masterAddresses(master, kernel),
    follow: (work) => later(work(), node, 'SpiderEndpoint'),
  })
  const ipams = [spiderpool, hostLocalIpam({ files }), staticIpam()]
  const attach: AttachNeeds = {
    kernel,
    journal,
    clock,
    random,
    questions: { ...kernel, ...random },
    catalogue: { plugins: PLUGINS, ipams: new Map(ipams.map((ipam) => [ipam.type, ipam])) },
    report,
  }
  const pods = podNetworks({
    records,
    clock,
    clusterNetwork,
    files,
    confFolder: grounds.confFolder,
    podResources: grounds.podResources,
    publish: (rows) => {
      later(publishStatus(rows, records, files), rows[0]?.attachment ?? '', 'network-status')
    },
  })
  return {
    attach,
    pods,
    turns: makeTurns(),
    settleSoon: () => undefined,
    notes,
    async published() {
      while (writes.length > 0) await Promise.all(writes.splice(0))
    },
    [Symbol.asyncDispose]: () => spiderpool[Symbol.asyncDispose](),
  }
}
