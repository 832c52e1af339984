/**
 * A node on the real kernel: a network namespace of its own with an Ethernet
 * interface, an agent process, the shim under each plugin's name, a store.
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Document, Records } from '#needs/records.ts'
import { openRecords } from '#store/records.ts'
import { shortHash } from '#values/hash.ts'
import type { PodRef } from '#values/owner.ts'
import { type Exit, type Running, run, start } from './program-run.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const SHIM = join(ROOT, 'build/verbena-cni')
const AGENT = join(ROOT, 'dist/agent.js')
const DEBIAN_CNI = '/usr/lib/cni'
const CHAINED = ['coordinator', 'ifacer', 'sbr', 'tuning']
const MAIN = ['host-device', 'ipoib', 'ipvlan', 'macvlan', 'vlan']
const IPAMS = ['spiderpool', 'host-local', 'static']
const TYPES = ['verbena', 'conflist', ...IPAMS, ...MAIN, ...CHAINED]
const READY_MS = 20_000
/** How long a shim waits for an agent that is away. */
const SHIM_WAIT_MS = 20_000
/** As `bin/verbena agent` starts it. */
const AS_STARTED = ['--max-semi-space-size=4', '--no-concurrent-recompilation'] as const
const ENV = { ...process.env, MALLOC_ARENA_MAX: '2' }
/** Address of the node on its network. */
export const NODE_IP = '10.1.0.1'

const LACKS = [
  { lacks: 'not root', is: process.getuid?.() !== 0 },
  { lacks: 'build/verbena-cni is absent: run make native', is: !existsSync(SHIM) },
  { lacks: 'dist/agent.js is absent: run make build', is: !existsSync(AGENT) },
  { lacks: 'nft is absent: run make setup', is: !existsSync('/usr/sbin/nft') },
].find(({ is }) => is)?.lacks

/** Options of a test that needs such a node. */
export const NEEDS_NODE = { skip: LACKS ?? false, timeout: 60_000 } as const
/** And of one that needs Debian's CNI plugins too. */
export const NEEDS_DEBIAN_CNI = {
  ...NEEDS_NODE,
  skip: LACKS ?? (existsSync(DEBIAN_CNI) ? false : 'containernetworking-plugins is absent'),
} as const

/** A call of a CNI plugin by a runtime on the node. */
export type RealCall = {
  readonly pod: string
  readonly ref?: PodRef
  /** The plugin: a name in CNI_PATH, or a path. */
  readonly type?: string
  readonly ifName?: string
  readonly conf?: Readonly<Record<string, unknown>>
}

/** How an agent is started: words before its own, and what its environment has more. */
export type AgentStart = {
  readonly under?: readonly string[]
  /** Options after its own, which they replace. */
  readonly more?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

let made = 0

/** Owns its namespaces, folder and processes, and ends them when it is disposed. */
export class RealNode implements AsyncDisposable {
  readonly folder: string
  readonly records: Records & AsyncDisposable
  readonly #mark: string
  readonly #netns: string[] = []
  readonly #shims = new Set<ChildProcess>()
  #agent: ChildProcess | undefined
  #said: string[] = []

  private constructor(of: { folder: string; records: Records & AsyncDisposable }) {
    this.folder = of.folder
    this.records = of.records
    this.#mark = `vbs-${process.pid}-${made++}`
  }

  /** A node with its agent running, the documents in its store. */
  static async open(documents: readonly Document[] = []): Promise<RealNode> {
    const folder = await mkdtemp(join(tmpdir(), 'vbs-node-'))
    const records = await openRecords({ path: join(folder, 'store.db') })
    const node = new RealNode({ folder, records })
    try {
      for (const document of documents) await records.create(document)
      await mkdir(join(folder, 'cni'))
      for (const type of TYPES) await symlink(SHIM, join(folder, 'cni', type))
      await node.#makeNetns('node')
      await run([...node.#inNode(), 'ip', '-batch', '-'], UPLINK)
      await run([...node.#inNode(), 'sh', '-ec', WAIT_FOR_CARRIER])
      await node.boot()
      return node
    } catch (cause) {
      await node[Symbol.asyncDispose]()
      throw cause
    }
  }

  /** Starts the agent. @returns milliseconds until it said that it was ready */
  async boot({ under = [], more = [], env = {} }: AgentStart = {}): Promise<number> {
    const startedMs = performance.now()
    const { folder } = this
    const args = ['--node', 'node-1', '--store', join(folder, 'store.db')]
    args.push('--state', join(folder, 'state'), '--socket', join(folder, 'agent.sock'))
    const words = [...this.#inNode(), ...under, process.execPath, ...AS_STARTED, AGENT]
    const [program = '', ...rest] = [...words, ...args, ...more]
    const stdio = ['ignore', 'pipe', 'pipe'] as const
    const agent = spawn(program, rest, { stdio: [...stdio], env: { ...ENV, ...env } })
    this.#agent = agent
    const said: string[] = []
    this.#said = said
    const timer = setTimeout(() => agent.kill('SIGKILL'), READY_MS)
    const ready = new Promise<void>((resolve, reject) => {
      createInterface(agent.stderr).on('line', (line) => said.push(line))
      createInterface(agent.stdout).on('line', (line) => {
        said.push(line)
        if (line.includes('"agent ready"')) resolve()
      })
      agent.once('exit', () => reject(new Error(`agent ended: ${said.join('\n')}`)))
    })
    await ready.finally(() => clearTimeout(timer))
    return performance.now() - startedMs
  }

  /** Ends the agent as a crash would. */
  async kill(): Promise<void> {
    const agent = this.#agent
    this.#agent = undefined
    if (agent === undefined || agent.exitCode !== null || agent.signalCode !== null) return
    agent.kill('SIGKILL')
    await once(agent, 'exit')
  }

  /** For a test that damages the store: nothing but the agent has it open then. */
  async closeRecords(): Promise<void> {
    await this.records[Symbol.asyncDispose]()
  }

  /** The agent as a process; undefined when none was started or it was ended. */
  get agent(): ChildProcess | undefined {
    return this.#agent
  }

  /** What the agent that was started last has printed. */
  get log(): readonly string[] {
    return this.#said
  }

  /** Makes namespaces for pods. */
  async addPods(names: readonly string[]): Promise<void> {
    for (const name of names) await this.#makeNetns(name)
  }

  /** Removes a pod's namespace, as when its node was shut down or the runtime was too fast. */
  async removePod(name: string): Promise<void> {
    const whole = `${this.#mark}${name}`
    await run(['ip', 'netns', 'del', whole])
    this.#netns.splice(this.#netns.indexOf(whole), 1)
  }

  /** Starts a plugin as a runtime on the node would. */
  startPlugin(verb: string, call: RealCall): Running {
    const { pod, ref, type = 'verbena', ifName = 'eth0', conf = {} } = call
    const cniPath = `${join(this.folder, 'cni')}:${DEBIAN_CNI}`
    const args =
      ref === undefined
        ? 'IgnoreUnknown=1'
        : `IgnoreUnknown=1;K8S_POD_NAMESPACE=${ref.namespace};K8S_POD_NAME=${ref.name};` +
          `K8S_POD_UID=${ref.uid}`
    const program = type.startsWith('/') ? type : join(this.folder, 'cni', type)
    const name = type.slice(type.lastIndexOf('/') + 1)
    const running = start([...this.#inNode(), program], {
      env: {
        CNI_COMMAND: verb,
        CNI_CONTAINERID: this.containerOf(pod),
        CNI_NETNS: `/run/netns/${this.#mark}${pod}`,
        CNI_IFNAME: ifName,
        CNI_PATH: cniPath,
        CNI_ARGS: args,
        VERBENA_SOCKET: join(this.folder, 'agent.sock'),
        VERBENA_WAIT_MS: String(SHIM_WAIT_MS),
      },
      stdin: JSON.stringify({ cniVersion: '1.0.0', name: 'net', type: name, ...conf }),
    })
    this.#shims.add(running.child)
    void running.ended.finally(() => this.#shims.delete(running.child)).catch(() => undefined)
    return running
  }

  plugin(verb: string, call: RealCall): Promise<Exit> {
    return this.startPlugin(verb, call).ended
  }

  /** Container id of a pod's calls: like a runtime's, it differs in its first characters. */
  containerOf(pod: string): string {
    return shortHash(`${this.#mark}${pod}`)
  }

  /** Path of a pod's namespace, or of the node's (`node`). */
  netnsOf(pod: string): string {
    return `/run/netns/${this.#mark}${pod}`
  }

  /** Runs a program in a pod's namespace, or in the node's (`node`). */
  in(pod: string, ...words: readonly string[]): Promise<Exit> {
    return start([`nsenter`, `--net=/run/netns/${this.#mark}${pod}`, ...words]).ended
  }

  /** Puts a plugin of another vendor into CNI_PATH: a shell script. */
  async addScript(name: string, script: string): Promise<void> {
    const path = join(this.folder, 'cni', name)
    await writeFile(path, `#!/bin/sh\n${script}\n`)
    await chmod(path, 0o755)
  }

  /** Links, addresses, routes, rules, neighbours and nf_tables of the node and of every pod. */
  async state(): Promise<string> {
    const sections = this.#netns.map(async (name) => {
      const text = await run(['nsenter', `--net=/run/netns/${name}`, 'sh', '-ec', STATE])
      return `== ${name.slice(this.#mark.length)}\n${text.replaceAll(LATER, '')}`
    })
    return (await Promise.all(sections)).join('')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#shims) child.kill('SIGKILL')
    await this.kill()
    await this.records[Symbol.asyncDispose]()
    for (const name of this.#netns) await run(['ip', 'netns', 'del', name]).catch(() => undefined)
    await rm(this.folder, { recursive: true, force: true })
  }

  async #makeNetns(name: string): Promise<void> {
    const whole = `${this.#mark}${name}`
    await run(['ip', 'netns', 'add', whole])
    this.#netns.push(whole)
  }

  #inNode(): string[] {
    return ['nsenter', `--net=/run/netns/${this.#mark}node`]
  }
}

/** Without link-local addresses nothing of the node changes while a test looks at it. */
const UPLINK = `link set lo up
link add up0 type veth peer name up1
link set up0 addrgenmode none up
link set up1 addrgenmode none up
addr add ${NODE_IP}/24 dev up0
route add default via 10.1.0.254 dev up0
`

/** The kernel tells of a carrier a moment after it is there. */
const WAIT_FOR_CARRIER = `while [ "$(ip -br link show up | grep -c ' UP ')" -lt 2 ]; do
  sleep 0.01
done`

/** What the kernel comes to by itself a moment later: it says nothing. */
const LATER = / state (UP|UNKNOWN|LOWERLAYERDOWN)(?= )|^.*\bfe80::.*\n(?: +valid_lft .*\n)?/gm

const STATE = `ip -d addr
ip route show table all
ip -6 route show table all
ip rule
ip -6 rule
ip neigh show nud permanent
nft list ruleset`
