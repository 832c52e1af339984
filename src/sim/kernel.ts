/**
 * `Kernel` in memory: questions and steps over a simulated host, with hooks for
 * what goes wrong. One host can serve several kernels: one for each agent, and
 * a new one for an agent that comes back after it was killed.
 * @module
 */
import { isDeepStrictEqual } from 'node:util'
import type { HcaPort, Kernel } from '#needs/kernel.ts'
import { guidOfAddress } from '#values/hardware-address.ts'
import type { Link } from '#values/link.ts'
import type { NetnsPath, Where } from '#values/netns.ts'
import type { Step } from '#values/step.ts'
import { fail as failValue } from '#values/failures.ts'
import { findNetns, linkNamed, netnsAt, everyLink } from './find.ts'
import { carrierOf, mtuOf, rdmaDeviceOf } from './carrier.ts'
import { observedAddress } from './addresses.ts'
import { netdevsOf } from './devices.ts'
import { effectsOf } from './effects.ts'
import { type Errno, type Refusal, refusal } from './errno.ts'
import { fail } from './failures.ts'
import { INITIAL, type SimHost, type SimLink } from './host.ts'
import { lookup, sourceFor } from './lookup.ts'
import { simHost } from './read-world.ts'
import { observedRoute, routesOf } from './routes.ts'
import { rulesOf } from './rules.ts'
import { readSysctl } from './sysctl.ts'
import type { Effect, View } from './view.ts'
import type { SimWorld } from './world.ts'

/** An effect that is about to be; `n` counts those of one kernel from 1. */
export type EffectAt = { readonly step: Step; readonly effect: string; readonly n: number }

export type SimOptions = {
  /** Name of the namespace that is `host` for this agent. */
  readonly as?: string
  /**
   * Whatever it throws kills the agent: every later call throws the same and does nothing.
   * A promise that never settles abandons it.
   */
  readonly beforeEffect?: (at: EffectAt) => void | Promise<void>
  /** The errno with which the kernel shall refuse this step. */
  readonly refuse?: (step: Step) => Errno | undefined
}

/** A kernel with the host that it runs on. */
export type SimKernel = Kernel & { readonly host: SimHost }

type Agent = { dead: boolean; cause: unknown; effects: number }

/** What a test throws from `beforeEffect` to kill the agent there. */
export function killed({ step, effect, n }: EffectAt): Error {
  return fail('sim-killed', { step: step.do, effect, n })
}

/** A kernel over a world, or over a host that others use too. */
export function simKernel(world: SimWorld | SimHost, options: SimOptions = {}): SimKernel {
  const host = 'sim' in world ? world : simHost(world)
  const view: View = { host, own: options.as ?? INITIAL }
  const agent: Agent = { dead: false, cause: undefined, effects: 0 }
  const alive = (): void => {
    if (agent.dead) throw agent.cause
  }
  const before = async (step: Step, effect: string): Promise<void> => {
    alive()
    agent.effects++
    if (options.beforeEffect === undefined) return
    try {
      await options.beforeEffect({ step, effect, n: agent.effects })
    } catch (cause) {
      Object.assign(agent, { dead: true, cause })
      throw cause
    }
    alive()
  }
  const questions = questionsOf(view, alive)
  return {
    host,
    ...questions,
    async take(steps, expected = []) {
      alive()
      for (const link of expected) {
        const now = await questions.link('host', link.name)
        if (!isDeepStrictEqual(now, link)) throw failValue('link-changed', { link: link.name })
      }
      for (const step of steps) {
        const refused = options.refuse?.(step)
        if (refused !== undefined) throw refusedStep(step, refusal(refused))
        await takeStep(effectsOf(view, step), step, before)
      }
    },
  }
}

async function takeStep(
  effects: readonly Effect[],
  step: Step,
  before: (step: Step, effect: string) => Promise<void>,
): Promise<void> {
  for (const { effect, run } of effects) {
    await before(step, effect)
    const refused = run()
    if (refused !== undefined) throw refusedStep(step, refused)
  }
}

function refusedStep(step: Step, { errno, text }: Refusal): Error {
  return failValue('kernel-refused', { step: step.do, of: subjectOf(step), errno, text })
}

/** What a step is about, for a message. */
function subjectOf(step: Step): string {
  switch (step.do) {
    case 'create-link':
      return step.name
    case 'delete-link':
      return step.names.join(' or ')
    case 'rename-link':
      return `${step.from} to ${step.to}`
    case 'set-link':
    case 'move-link':
      return step.link
    case 'return-link':
      return step.link ?? step.names.join(' or ')
    case 'share-link':
      return step.name
    case 'add-address':
    case 'remove-address':
      return `${step.cidr} on ${step.link}`
    case 'add-route':
    case 'remove-route':
      return step.route.dst
    case 'add-rule':
    case 'remove-rule':
      return `to table ${step.rule.table}`
    case 'add-neighbour':
    case 'remove-neighbour':
      return step.neighbour.ip
    case 'set-sysctl':
      return step.path
    case 'add-nft-table':
    case 'remove-nft-table':
      return step.table.name
    case 'probe':
    case 'announce':
      return step.link
  }
}

function questionsOf({ host, own }: View, alive: () => void): Omit<Kernel, 'take'> {
  const at = (where: Where) => {
    alive()
    return netnsAt(host, where, own)
  }
  return {
    netns: async (path: NetnsPath) => {
      alive()
      const found = findNetns(host, path)
      if (found !== undefined) {
        return { netns: 'there', id: found.id, own: found.name === own }
      }
      return { netns: host.files.has(path) ? 'foreign' : 'gone' }
    },
    link: async (where, name) => {
      const found = linkNamed(at(where), name)
      return found === undefined ? undefined : observedLink(host, found)
    },
    links: async (where) => at(where).links.map((link) => observedLink(host, link)),
    addresses: async (where) =>
      at(where).links.flatMap((link) => link.addresses.map((a) => observedAddress(link, a))),
    routes: async (where) => routesOf(at(where)).map(observedRoute),
    rules: async (where) => rulesOf(at(where)),
    sysctl: async (where, path) => readSysctl(at(where), path),
    nftTables: async (where) => [...at(where).tables.keys()],
    sourceToward: async (to) => {
      const netns = at('host')
      const found = lookup(netns, routesOf(netns), { to, from: undefined, mark: 0 })
      return found === undefined ? undefined : sourceFor(netns, found, to)
    },
    netdevsOf: async (folder) => {
      alive()
      return netdevsOf(host, folder)
    },
    fileText: async (path) => {
      alive()
      return host.files.get(path)
    },
    driverOf: async (pci) => {
      alive()
      return everyLink(host).find((link) => link.pci === pci)?.driver
    },
    hcaPort: async (link) => {
      const found = linkNamed(at('host'), link.name)
      return found === undefined ? undefined : hcaPortOf(host, found)
    },
    portGuids: async ({ rdmaDevice }) => {
      alive()
      const device = host.rdma.devices.find(({ name }) => name === rdmaDevice)
      const port = everyLink(host).find(({ pci, below }) => pci === device?.pci && !below)
      const guid = port?.address === undefined ? undefined : guidOfAddress(port.address)
      return guid === undefined ? [] : [guid]
    },
  }
}

function hcaPortOf(host: SimHost, link: SimLink): HcaPort | undefined {
  const device = rdmaDeviceOf(host, link)
  if (device === undefined) return undefined
  return { rdmaDevice: device.name, port: 1, pkeys: [...device.pkeys] }
}

function observedLink(host: SimHost, link: SimLink): Link {
  const { index, name, kind, arpType, up, address, group, alias, pci } = link
  const { promiscuous, allMulticast, txQueueLength, altNames } = link
  return {
    index,
    name,
    kind,
    arpType,
    up,
    carrier: carrierOf(host, link),
    mtu: mtuOf(host, link),
    address,
    parent: link.below?.index,
    master: link.master?.index,
    promiscuous,
    allMulticast,
    txQueueLength,
    altNames,
    group,
    alias,
    pci,
  }
}
