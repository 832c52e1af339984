/**
 * The agent of a simulated node: the agent's own verbs over the simulated
 * kernel, called with the environment that its shim would send.
 * @module
 */
import { join } from 'node:path'
import {
  type AttachNeeds,
  type Journal,
  POD_TYPE,
  type VerbNeeds,
  answerCall,
  makeTurns,
  podNetworks,
  publishStatus,
  settleReleases,
} from '#attach/index.ts'
import { PLUGINS } from '#cni/index.ts'
import { hostClock, hostRandom } from '#host/clock.ts'
import { hostFiles } from '#host/files.ts'
import { hostLocalIpam, spiderpoolIpam, staticIpam } from '#ipam/index.ts'
import type { Records } from '#needs/records.ts'
import { simFiles } from '#sim/files.ts'
import type { SimHost } from '#sim/host.ts'
import { simKernel } from '#sim/kernel.ts'
import { openJournal } from '#store/journal.ts'
import { openRecords } from '#store/records.ts'
import { cniErrorOf } from '#wire/cni/error-json.ts'
import type { Added, Bound } from './ground.ts'
import { type Run, storeOf } from './run.ts'
import { POD_INTERFACE, addressesIn, cniArgs, cniConf } from './runtime.ts'

export type SimAgentOptions = {
  readonly run: Run
  readonly host: SimHost
  /** Name of the node and of its namespace. */
  readonly node: string
}

type Opened = {
  readonly records: Records & AsyncDisposable
  readonly journal: Journal & AsyncDisposable
}

export class SimAgent implements AsyncDisposable {
  readonly #needs: VerbNeeds
  readonly #opened: Opened
  #published: Promise<unknown> = Promise.resolve()

  private constructor(options: SimAgentOptions, opened: Opened) {
    const { records } = opened
    const attach = attachNeeds(options, opened)
    const pods = podNetworks({
      records,
      clock: attach.clock,
      clusterNetwork: undefined,
      files: simFiles(options.host),
      confFolder: '',
      podResources: undefined,
      publish: (rows) => {
        this.#published = this.#published.then(() => publishStatus(rows, records))
      },
    })
    this.#opened = opened
    this.#needs = { attach, pods, turns: makeTurns(), settleSoon: () => undefined }
  }

  static async start(options: SimAgentOptions): Promise<SimAgent> {
    const records = await openRecords({ path: storeOf(options.run) })
    return new SimAgent(options, { records, journal: openJournal({ path: ':memory:' }) })
  }

  async add(bound: Bound, netns: string): Promise<Added> {
    const startedMs = performance.now()
    try {
      const stdout = await this.#call('ADD', bound, netns)
      const ms = performance.now() - startedMs
      await this.#published
      return { added: true, ips: addressesIn(stdout), ms }
    } catch (cause) {
      return { added: false, reason: reasonOf(cause) }
    }
  }

  /** The reason where it did not succeed. */
  async del(bound: Bound, netns: string): Promise<string | undefined> {
    try {
      await this.#call('DEL', bound, netns)
      await settleReleases(this.#needs.attach)
      return undefined
    } catch (cause) {
      return reasonOf(cause)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#published.catch(() => undefined)
    await this.#opened.journal[Symbol.asyncDispose]()
    await this.#opened.records[Symbol.asyncDispose]()
  }

  #call(verb: 'ADD' | 'DEL', bound: Bound, netns: string): Promise<string> {
    const env = {
      CNI_COMMAND: verb,
      CNI_CONTAINERID: bound.containerId,
      CNI_NETNS: netns,
      CNI_IFNAME: POD_INTERFACE,
      CNI_PATH: '/opt/cni/bin',
      CNI_ARGS: cniArgs(bound),
    }
    const noForeign = {
      run: () =>
        Promise.resolve({ status: -1, stdout: '', stderr: 'a simulated host has no files' }),
    }
    const request = { argv0: POD_TYPE, env, stdin: cniConf(), netnsId: '' }
    return answerCall(request, this.#needs, noForeign)
  }
}

function attachNeeds(
  { run, host, node }: SimAgentOptions,
  { records, journal }: Opened,
): AttachNeeds {
  const random = hostRandom()
  const kernel = simKernel(host, { as: node })
  const ipams = [
    spiderpoolIpam({ records, random, node }),
    hostLocalIpam({ files: hostFiles({ hostRoot: join(run.folder, node) }) }),
    staticIpam(),
  ]
  return {
    kernel,
    journal,
    clock: hostClock(),
    random,
    questions: { ...kernel, ...random },
    catalogue: { plugins: PLUGINS, ipams: new Map(ipams.map((ipam) => [ipam.type, ipam])) },
    report: () => undefined,
  }
}

function reasonOf(cause: unknown): string {
  const { msg, details } = cniErrorOf(cause)
  return details === '' ? msg : `${msg}: ${details}`
}
