/**
 * The node agent: puts the features and what meets their needs together,
 * recovers what an earlier agent left, and serves the shim and the CLI.
 * @module
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type AttachNeeds,
  type Journal,
  type PodNetworks,
  answerCall,
  makeTurns,
  podNetworks,
  publishStatus,
  recover,
} from '#attach/index.ts'
import { masterAddresses } from '#apps/master-addresses.ts'
import { PLUGINS } from '#cni/index.ts'
import { hostClock, hostRandom } from '#host/clock.ts'
import { hostFiles } from '#host/files.ts'
import { hostKernel } from '#host/kernel.ts'
import { hostLocalIpam, spiderpoolIpam, staticIpam } from '#ipam/index.ts'
import type { Log } from '#needs/log.ts'
import type { Records } from '#needs/records.ts'
import { openJournal } from '#store/journal.ts'
import { openRecords } from '#store/records.ts'
import { Afterwards } from './afterwards.ts'
import { answerWith, logNote } from './answer.ts'
import { EVENTS } from './events.ts'
import { hostWorld } from './host-world.ts'
import type { AgentOptions } from './options.ts'
import { Refusals } from './refusals.ts'
import { ShimServer } from './server.ts'
import { makeSettler } from './settler.ts'
import { StatusServer } from './status.ts'
import { waitingOf } from './waiting.ts'

/** Runs until `stop` aborts; open requests are answered first. */
export async function runAgent(options: AgentOptions, log: Log, stop: AbortSignal): Promise<void> {
  const startedMs = hostClock().nowMs()
  await mkdir(options.state, { recursive: true, mode: 0o700 })
  await using records = await openRecords({ path: options.store })
  await using journal = openJournal({ path: join(options.state, 'journal.db') })
  await using afterwards = new Afterwards(log)
  const attach = attachNeeds({ options, records, journal, log, afterwards })
  const settler = makeSettler(attach, log)
  const pods = networksOfPods({ options, records, afterwards })
  const needs = { attach, pods, turns: makeTurns(), settleSoon: settler.soon }
  // a host that cannot be looked at is told now, and not by the first pod's ADD
  await attach.kernel.links('host')
  const recovered = await recover(attach)
  if (recovered.undone + recovered.left > 0) log.info(recovered, EVENTS.recovered)
  const refusals = new Refusals()
  await using shim = new ShimServer(options.socket, {
    answer: (request, foreign) => {
      return answerWith(request, (from) => answerCall(from, needs, foreign), { log, refusals })
    },
    dropped: (reason) => log.warn({ reason }, EVENTS.badClient),
  })
  const { node, socket } = options
  await using status = new StatusServer(options.statusSocket, {
    node,
    journal,
    startedMs,
    waitingOf: (row) => waitingOf(row, attach.kernel),
    refused: () => refusals.all(),
    world: () => hostWorld(attach.kernel),
  })
  // first, so that whoever gets an answer to a request can ask what it came to
  await status.listen()
  await shim.listen()
  settler.soon()
  log.info({ socket, ms: hostClock().nowMs() - startedMs }, EVENTS.ready)
  await aborted(stop)
  log.info({}, EVENTS.stopping)
  settler.stop()
}

type Parts = {
  readonly options: AgentOptions
  readonly records: Records
  readonly afterwards: Afterwards
}

/** What meets the needs of attaching on this node. */
function attachNeeds({
  options: { node, hostRoot, clusterNetwork, probing },
  records,
  journal,
  log,
  afterwards,
}: Parts & { readonly journal: Journal; readonly log: Log }): AttachNeeds {
  const random = hostRandom()
  const kernel = hostKernel({ hostRoot })
  const ipams = [
    spiderpoolIpam({
      records,
      random,
      node,
      clusterNetwork,
      probing,
      clock: hostClock(),
      masterAddresses: (master) => masterAddresses(master, kernel),
      follow: (work) => afterwards.take(work),
    }),
    hostLocalIpam({ files: hostFiles({ hostRoot }) }),
    staticIpam(),
  ]
  return {
    kernel,
    journal,
    clock: hostClock(),
    random,
    questions: { ...kernel, ...random },
    masters: new Map(),
    catalogue: { plugins: PLUGINS, ipams: new Map(ipams.map((ipam) => [ipam.type, ipam])) },
    report: (note) => logNote(note, log),
  }
}

function networksOfPods({ options, records, afterwards }: Parts): PodNetworks {
  const files = hostFiles({ hostRoot: options.hostRoot })
  return podNetworks({
    records,
    clock: hostClock(),
    files,
    clusterNetwork: options.clusterNetwork,
    confFolder: options.confDir,
    podResources: options.podResources,
    publish: (rows) => afterwards.take(() => publishStatus(rows, records, files)),
  })
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
