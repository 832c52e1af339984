/**
 * The node agent: puts the features and what meets their needs together,
 * recovers what an earlier agent left, and serves the shim and the CLI.
 * @module
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type AttachNeeds,
  type Note,
  type Row,
  makeTurns,
  recover,
  settleReleases,
} from '#attach/index.ts'
import { PLUGINS } from '#cni/index.ts'
import { hostClock, hostRandom } from '#host/clock.ts'
import { hostFiles } from '#host/files.ts'
import { hostKernel } from '#host/kernel.ts'
import { hostLocalIpam, spiderpoolIpam, staticIpam } from '#ipam/index.ts'
import type { Log } from '#needs/log.ts'
import { openJournal } from '#store/journal.ts'
import { openRecords } from '#store/records.ts'
import { failureIn, textOfThrown } from '#values/failure.ts'
import { cniErrorOf, formatError } from '#wire/cni/error-json.ts'
import { confByName } from './conf-dir.ts'
import { EVENTS } from './events.ts'
import type { AgentOptions } from './options.ts'
import { podNetworks } from './pod-networks.ts'
import { publishStatus } from './pod-status.ts'
import { type Answer, type ShimRequest, ShimServer } from './server.ts'
import { StatusServer } from './status.ts'
import { type VerbNeeds, answerCall } from './verbs.ts'
import { waitingOf } from './waiting.ts'

/** How often addresses that wait for their interface to go are looked at, in milliseconds. */
const SETTLE_MS = 250

/** Runs until `stop` aborts; open requests are answered first. */
export async function runAgent(options: AgentOptions, log: Log, stop: AbortSignal): Promise<void> {
  const clock = hostClock()
  const random = hostRandom()
  const startedMs = clock.nowMs()
  await mkdir(options.state, { recursive: true, mode: 0o700 })
  await using records = await openRecords({ path: options.store })
  await using journal = openJournal({ path: join(options.state, 'journal.db') })
  const kernel = hostKernel({ hostRoot: options.hostRoot })
  const ipams = [
    spiderpoolIpam({ records, random, node: options.node }),
    hostLocalIpam({ files: hostFiles({ hostRoot: options.hostRoot }) }),
    staticIpam(),
  ]
  const attach: AttachNeeds = {
    kernel,
    journal,
    clock,
    random,
    questions: { ...kernel, ...random },
    catalogue: { plugins: PLUGINS, ipams: new Map(ipams.map((ipam) => [ipam.type, ipam])) },
    report: (note) => logNote(note, log),
  }
  const settle = settler(attach, log)
  const pods = podNetworks({
    records,
    clock,
    clusterNetwork: options.clusterNetwork,
    confByName: (name) => confByName(options.confDir, name),
    publish: (rows) => {
      publishStatus(rows, records).catch((cause: unknown) => {
        log.warn({ cause: textOfThrown(cause) }, EVENTS.statusFailed)
      })
    },
  })
  const needs: VerbNeeds = { attach, pods, turns: makeTurns(), settleSoon: settle.soon }
  const recovered = await recover(attach)
  if (recovered.undone + recovered.left > 0) log.info(recovered, EVENTS.recovered)
  await using shim = new ShimServer(options.socket, {
    answer: (request, foreign) => answer(request, (from) => answerCall(from, needs, foreign), log),
    dropped: (reason) => log.warn({ reason }, EVENTS.badClient),
  })
  await using status = new StatusServer(options.statusSocket, {
    node: options.node,
    journal,
    startedMs,
    waitingOf: (row: Row) => waitingOf(row, kernel),
  })
  await shim.listen()
  await status.listen()
  settle.soon()
  log.info(
    { node: options.node, socket: options.socket, ms: clock.nowMs() - startedMs },
    EVENTS.ready,
  )
  await new Promise<void>((resolve) => {
    if (stop.aborted) resolve()
    else stop.addEventListener('abort', () => resolve(), { once: true })
  })
  log.info({}, EVENTS.stopping)
  settle.stop()
}

/** The one place where a Failure becomes a CNI error object. */
async function answer(
  request: ShimRequest,
  work: (from: ShimRequest) => Promise<string>,
  log: Log,
): Promise<Answer> {
  const startedMs = performance.now()
  const { CNI_COMMAND: verb, CNI_CONTAINERID: container, CNI_IFNAME: ifName } = request.env
  const about = { verb, type: request.argv0, container, ifName }
  try {
    const stdout = await work(request)
    log.info({ ...about, ms: since(startedMs) }, EVENTS.answered)
    return { status: 0, stdout }
  } catch (cause) {
    const failure = failureIn(cause)
    const text = textOfThrown(cause)
    if (failure === undefined) log.error({ ...about, cause: stackOf(cause) }, EVENTS.defect)
    else log.warn({ ...about, code: failure.code, text, ms: since(startedMs) }, EVENTS.refused)
    const version = /"cniVersion"\s*:\s*"([0-9.]+)"/.exec(request.stdin)?.[1] ?? '1.1.0'
    return { status: 1, stdout: `${formatError(cniErrorOf(cause), version)}\n` }
  }
}

/** Milliseconds with two decimals. */
function since(startedMs: number): number {
  return Math.round((performance.now() - startedMs) * 100) / 100
}

function stackOf(cause: unknown): string {
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
}

function logNote({ note, attachment, text }: Note, log: Log): void {
  if (note === 'undo-failed') log.error({ attachment, note, text }, EVENTS.noted)
  else if (note === 'warning') log.warn({ attachment, note, text }, EVENTS.noted)
  else log.info({ attachment, note, text }, EVENTS.noted)
}

/** Looks for addresses to free until none waits; asked again it starts over. */
function settler(attach: AttachNeeds, log: Log): { soon: () => void; stop: () => void } {
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  const look = async (): Promise<void> => {
    timer = undefined
    const left = await settleReleases(attach).catch((cause: unknown) => {
      log.error({ cause: textOfThrown(cause) }, EVENTS.noted)
      return 1
    })
    if (left > 0 && !stopped) timer ??= setTimeout(() => void look(), SETTLE_MS)
  }
  return {
    soon() {
      if (!stopped) timer ??= setTimeout(() => void look(), 0)
    },
    stop() {
      stopped = true
      clearTimeout(timer)
    },
  }
}
