/**
 * An agent in memory: the real plugins, IPAMs, chain, journal rows and verbs
 * over a {@link Ground}, with a {@link Life} that can end anywhere.
 * @module
 */
import {
  type AnyPlugin,
  type AttachNeeds,
  type Note,
  answerCall,
  makeTurns,
  podNetworks,
  publishStatus,
  recover,
} from '#attach/index.ts'
import { PLUGINS } from '#cni/index.ts'
import { hostLocalIpam, spiderpoolIpam, staticIpam } from '#ipam/index.ts'
import type { Clock, Random } from '#needs/clock.ts'
import type { Kernel } from '#needs/kernel.ts'
import { type SimOptions, simKernel } from '#sim/kernel.ts'
import type { PodRef } from '#values/owner.ts'
import { foreignPlugins } from './foreign-plugins.ts'
import type { Ground } from './ground.ts'
import { type Life, makeLife } from './life.ts'
import { simFiles } from '#sim/files.ts'
import {
  lateJournal,
  mortalFiles,
  mortalForeign,
  mortalJournal,
  mortalRecords,
} from './mortal-needs.ts'

/** A call of the shim, as a runtime would make it. */
export type Asked = {
  readonly netns: string
  readonly container: string
  readonly pod?: PodRef
  /** argv[0]; `verbena`, all networks of a pod, unless given. */
  readonly type?: string
  readonly ifName?: string
  readonly conf?: Readonly<Record<string, unknown>> | string
  readonly env?: Readonly<Record<string, string>>
}

export type MemoryAgent = {
  readonly attach: AttachNeeds
  readonly notes: readonly Note[]
  /** Standard output. @throws {Failure} what would become the CNI error */
  call(verb: string, asked: Asked): Promise<string>
  /** What an agent does at its start. */
  recover(): Promise<{ undone: number; left: number }>
  /** Resolves when every network-status is written. */
  published(): Promise<void>
}

export type AgentOptions = {
  readonly life?: Life
  /** The journal is written after the effects, which is wrong. */
  readonly late?: boolean
  readonly refuse?: NonNullable<SimOptions['refuse']>
  readonly plugins?: readonly AnyPlugin[]
  /** Writes network-status; off where a test counts changes of the world. */
  readonly publishes?: boolean
}

/** Starts an agent on a ground; one that follows another does not repeat its random numbers. */
export function bootAgent(ground: Ground, options: AgentOptions = {}): MemoryAgent {
  const { life = makeLife(), late = false, plugins = [], publishes = false } = options
  const { host } = ground
  const records = mortalRecords(ground.records, life)
  const held = lateJournal(ground.journal)
  const kernel = kernelOf(ground, { ...options, life }, held.flush)
  const random = randomOf(++host.last.inode)
  const notes: Note[] = []
  const ipams = [
    spiderpoolIpam({ records, random, node: 'node-1' }),
    hostLocalIpam({ files: mortalFiles(simFiles(ground), life) }),
    staticIpam(),
  ]
  const attach: AttachNeeds = {
    kernel,
    journal: late ? held.journal : mortalJournal(ground.journal, life),
    clock: CLOCK,
    random,
    questions: { ...kernel, ...random },
    masters: new Map(),
    catalogue: {
      plugins: new Map([...PLUGINS, ...plugins.map((one) => [one.type, one] as const)]),
      ipams: new Map(ipams.map((ipam) => [ipam.type, ipam])),
    },
    report: (note) => notes.push(note),
  }
  const writes: Promise<void>[] = []
  const pods = podNetworks({
    records,
    clock: CLOCK,
    clusterNetwork: undefined,
    files: simFiles(ground),
    confFolder: '',
    podResources: undefined,
    publish: (rows) => {
      if (publishes) writes.push(publishStatus(rows, records, simFiles(ground)))
    },
  })
  const foreign = mortalForeign(foreignPlugins(host, ground.foreign), life)
  const verbs = { attach, pods, turns: makeTurns(), settleSoon: () => {} }
  const netnsId = host.netns.get('host')?.id ?? ''
  return {
    attach,
    notes,
    call: (verb, asked) => answerCall({ ...callOf(verb, asked), netnsId }, verbs, foreign),
    recover: () => recover(attach),
    async published() {
      await Promise.all(writes)
    },
  }
}

function kernelOf(
  { host }: Ground,
  { life, late, refuse }: AgentOptions & { readonly life: Life },
  flush: () => void,
): Kernel {
  const kernel = simKernel(host, {
    beforeEffect: ({ step, effect }) => life.point(`${effect} of ${step.do}`, step.do),
    ...(refuse === undefined ? {} : { refuse }),
  })
  if (late !== true) return kernel
  return {
    ...kernel,
    async take(steps) {
      await kernel.take(steps)
      flush()
    },
  }
}

/** Time stands still, and waiting takes none of it. */
const CLOCK: Clock = {
  nowMs: () => 0,
  sleep: () => new Promise((resolve) => setImmediate(resolve)),
}

/** Numbers that look random and are the same in every run (a linear congruential generator). */
export function randomOf(seed: number): Random {
  let state = seed >>> 0
  return {
    below(below) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      return Math.floor((state / 2 ** 32) * below)
    },
    uuid: () => '00000000-0000-4000-8000-000000000000',
  }
}

function callOf(verb: string, asked: Asked) {
  const { netns, container, pod, type = 'verbena', ifName = 'eth0', conf, env } = asked
  const args =
    pod === undefined
      ? ''
      : `IgnoreUnknown=1;K8S_POD_NAMESPACE=${pod.namespace};K8S_POD_NAME=${pod.name};` +
        `K8S_POD_UID=${pod.uid}`
  const whole = {
    cniVersion: '1.0.0',
    name: 'net',
    type,
    ...(typeof conf === 'object' ? conf : {}),
  }
  return {
    argv0: type,
    env: {
      CNI_COMMAND: verb,
      CNI_CONTAINERID: container,
      CNI_NETNS: netns === '' ? '' : `/run/netns/${netns}`,
      CNI_IFNAME: ifName,
      CNI_PATH: '/opt/cni/bin',
      CNI_ARGS: args,
      ...env,
    },
    stdin: typeof conf === 'string' ? conf : JSON.stringify(whole),
  }
}
