/**
 * Ground sim: one simulated host with a namespace for each node and pod, and
 * the agents' own code in this process over it. What `ip`, `rdma` and `ping`
 * would show is printed from its state.
 * @module
 */
import { readdir, rm } from 'node:fs/promises'
import { guidOfAddress } from '#values/hardware-address.ts'
import { formatPkey } from '#values/pkey.ts'
import { addAddress } from '#sim/addresses.ts'
import { carrierOf } from '#sim/carrier.ts'
import { linkNamed, netnsAt } from '#sim/find.ts'
import { cut } from '#sim/faults.ts'
import type { SimHost, SimLink } from '#sim/host.ts'
import { removeNetns } from '#sim/links.ts'
import { printHost } from '#sim/print.ts'
import { addNetns, simHost } from '#sim/read-world.ts'
import type { WorldLink } from '#sim/world.ts'
import { parseCidr } from '#values/cidr.ts'
import { parseNetnsPath } from '#values/netns.ts'
import type { Added, Bound, Ground, Place, PodInterface, Printed, Started } from './ground.ts'
import type { NodePlan } from './node-plan.ts'
import { type Run, netnsPath } from './run.ts'
import { SimAgent } from './sim-agent.ts'
import { simulatedCommand } from './sim-command.ts'

/** Function of the n-th HCA. */
function pciOf(n: number): string {
  return `0000:${(n + 1).toString(16).padStart(2, '0')}:00.0`
}

export class SimGround implements Ground {
  readonly #run: Run
  readonly #agents = new Map<string, SimAgent>()
  readonly #pods: Bound[] = []
  #nodes: readonly NodePlan[] = []
  #host: SimHost = simHost({ netns: {} })
  #before = ''

  constructor(run: Run) {
    this.#run = run
  }

  async makeNodes(nodes: readonly NodePlan[]): Promise<void> {
    this.#nodes = nodes
    let ports = 0
    const devices: { name: string; pci: string; nodeGuid: string }[] = []
    const netns = nodes.map(({ name, parents }) => {
      const links = parents.map((parent): WorldLink => {
        const { name: link, addresses, kind } = parent
        if (kind === 'ethernet') return { name: link, up: true, addresses }
        const n = ports++
        const nodeGuid = `02:5c:00:00:00:00:00:${(n + 1).toString(16).padStart(2, '0')}`
        devices.push({ name: `mlx5_${n}`, pci: pciOf(n), nodeGuid })
        const hca = { kind: 'ipoib', pci: pciOf(n), driver: 'ibfake' }
        return { name: link, up: true, addresses, ...hca }
      })
      return [name, { links }] as const
    })
    this.#host = simHost({ netns: Object.fromEntries(netns), rdma: { devices } })
  }

  rdmaDevices(): Promise<readonly string[]> {
    return Promise.resolve(this.#host.rdma.devices.map(({ name }) => name))
  }

  async startAgents(): Promise<readonly string[]> {
    const ready: string[] = []
    for (const { name } of this.#nodes) {
      const startedMs = performance.now()
      const agent = await SimAgent.start({ run: this.#run, host: this.#host, node: name })
      this.#agents.set(name, agent)
      const ms = Math.round(performance.now() - startedMs)
      ready.push(`${name}  agent, in this process, ready after ${ms} ms`)
    }
    this.#before = printHost(this.#host)
    return ready
  }

  async run(place: Place, words: readonly string[]): Promise<Printed> {
    const name = place.at === 'machine' ? 'host' : place.name
    const where = place.at === 'pod' ? netnsPath(this.#run, name) : name
    return simulatedCommand(this.#host, where, words)
  }

  async attach(bound: Bound): Promise<Added> {
    this.#pods.push(bound)
    const netns = addNetns(this.#host, this.#netnsOf(bound))
    const loopback = linkNamed(netns, 'lo')
    if (loopback !== undefined) {
      loopback.up = true
      addAddress(loopback, parseCidr('127.0.0.1/8'))
    }
    return this.#agentOf(bound).add(bound, this.#netnsOf(bound))
  }

  start(): Promise<Started> {
    return Promise.resolve({ log: undefined, startedAt: new Date().toISOString() })
  }

  interfaces(pod: string): Promise<readonly PodInterface[]> {
    const { links } = netnsAt(this.#host, parseNetnsPath(netnsPath(this.#run, pod)))
    const given = links.filter(({ kind }) => kind.kind === 'ipoib' || kind.kind === 'macvlan')
    return Promise.resolve(given.map(interfaceOf))
  }

  withoutCarrier(): Promise<readonly string[]> {
    const parents = this.#nodes.flatMap(({ name: node, parents: all }) =>
      all.flatMap(({ name }) => {
        const netns = this.#host.netns.get(node)
        const link = netns && linkNamed(netns, name)
        return link === undefined || carrierOf(this.#host, link) ? [] : [`${name} of ${node}`]
      }),
    )
    return Promise.resolve(parents)
  }

  async cut(): Promise<void> {
    const links = [...this.#host.netns.values()].flatMap((netns) => netns.links)
    const wires = new Set(links.flatMap(({ wire }) => wire ?? []))
    for (const wire of wires) cut(this.#host, wire)
  }

  async stopPods(): Promise<readonly string[]> {
    const problems: string[] = []
    for (const bound of this.#pods.splice(0)) {
      const reason = await this.#agentOf(bound).del(bound, this.#netnsOf(bound))
      if (reason !== undefined) problems.push(`DEL of pod ${bound.pod.metadata.name}: ${reason}`)
      removeNetns(this.#host, this.#netnsOf(bound))
    }
    this.#host.cut.clear()
    return problems
  }

  async remove(): Promise<readonly string[]> {
    for (const agent of this.#agents.values()) await agent[Symbol.asyncDispose]()
    await rm(this.#run.folder, { recursive: true, force: true })
    return []
  }

  async remains(): Promise<readonly string[]> {
    const files = await readdir(this.#run.folder).catch(() => [])
    const left = files.length > 0 ? [`folder ${this.#run.folder} is left`] : []
    if (this.#before === '') return left
    const before = new Set(this.#before.split('\n'))
    const more = printHost(this.#host)
      .split('\n')
      .filter((line) => !before.has(line))
    return [...left, ...more.map((line) => `simulated: ${line.trim()} is left`)]
  }

  #netnsOf({ pod }: Bound): string {
    return netnsPath(this.#run, pod.metadata.name)
  }

  #agentOf({ node }: Bound): SimAgent {
    const agent = this.#agents.get(node)
    if (agent === undefined) throw new TypeError(`no agent of ${node}`)
    return agent
  }
}

function interfaceOf({ name, address, addresses, kind }: SimLink): PodInterface {
  return {
    name,
    addresses: addresses.map(({ cidr }) => cidr).filter((cidr) => !cidr.startsWith('fe80:')),
    guid: address === undefined ? undefined : guidOfAddress(address),
    pkey: kind.kind === 'ipoib' ? formatPkey(kind.pkey) : undefined,
  }
}
