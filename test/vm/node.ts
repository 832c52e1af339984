/**
 * A node of these tests: a network namespace with an HCA port's interface in
 * it, the built agent as a process, and the built shim called as a runtime does.
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { copyFile, cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Row } from '#attach/index.ts'
import { openJournal } from '#store/journal.ts'
import type { FabricPort } from './fabric.ts'
import { waitFor } from './guest.ts'
import { type Ran, type RunOptions, demand, ip, ipBatch, run, within } from './program.ts'

const ROOT = join(import.meta.dirname, '../..')
const READY = '"msg":"agent ready"'

export type NodePlan = {
  readonly name: string
  readonly port: FabricPort
  /** What the port's interface is called here. */
  readonly parent?: string
  /** Driver that the agent sees under the port's PCI function, in place of the real one. */
  readonly driver?: string
}

/** One call of the shim. */
export type Call = {
  /** Network configuration as text, or to be made one. */
  readonly conf: string | Readonly<Record<string, unknown>>
  readonly pod: { readonly path: string }
  readonly container: string
  readonly ifName?: string
}

/** What the status socket tells of an attachment. */
export type Told = {
  readonly owner: { readonly ifName: string; readonly containerId: string }
  readonly state: string
  readonly waiting: readonly string[]
}

export class Node implements AsyncDisposable {
  readonly name: string
  readonly parent: string
  readonly #plan: NodePlan
  readonly #folder: string
  #agent: ChildProcess | undefined

  private constructor(plan: NodePlan, folder: string) {
    this.#plan = plan
    this.#folder = folder
    this.name = plan.name
    this.parent = plan.parent ?? 'ibs5f0'
  }

  /** The port's interface is moved in and up, the agent ready. */
  static async start(plan: NodePlan): Promise<Node> {
    const node = new Node(plan, await mkdtemp('/tmp/vm-node-'))
    const { name, port } = plan
    await ipBatch([
      `netns add ${name}`,
      `link set ${port.netdev} netns ${name} name ${node.parent}`,
    ])
    // without a link-local address nothing of the node changes while a test looks at it
    await ipBatch(['link set lo up', `link set ${node.parent} addrgenmode none up`], name)
    await waitFor(`the carrier of ${node.parent} on ${name}`, async () => {
      return (await ip('-n', name, 'link', 'show', node.parent)).includes('LOWER_UP')
    })
    await mkdir(join(node.#folder, 'cni'))
    for (const plugin of ['ipoib', 'macvlan']) {
      await copyFile(join(ROOT, 'build/verbena-cni'), join(node.#folder, 'cni', plugin))
    }
    await node.#fakeDriver()
    await node.startAgent()
    return node
  }

  /** Rows of the journal, also of an agent that was killed: a copy is read. */
  async rows(): Promise<readonly Row[]> {
    const copy = await mkdtemp('/tmp/vm-journal-')
    try {
      const [from, to] = [join(this.#folder, 'state'), join(copy, 'state')]
      await cp(from, to, { recursive: true })
      await using journal = openJournal({ path: join(to, 'journal.db') })
      return journal.all()
    } finally {
      await rm(copy, { recursive: true })
    }
  }

  /** `env` is what its environment has more. */
  async startAgent(env: Readonly<Record<string, string>> = {}): Promise<void> {
    const log = openSync(join(this.#folder, 'agent.log'), 'w')
    const [program = '', ...args] = [...within(this.name), ...this.#disguised(), ...this.#words()]
    try {
      const stdio = ['ignore', log, log] as const
      this.#agent = spawn(program, args, { stdio: [...stdio], env: { ...process.env, ...env } })
    } finally {
      closeSync(log)
    }
    await waitFor(`the agent of ${this.name}`, async () => {
      const { exitCode } = this.#agent ?? {}
      const said = await this.log()
      if (typeof exitCode === 'number') throw new Error(`the agent ended: ${said}`)
      return said.includes(READY)
    })
  }

  /** Ends the agent: at once, or as an operator would. */
  async stopAgent(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const agent = this.#agent
    if (agent === undefined) return
    this.#agent = undefined
    const ended = new Promise((resolve) => agent.once('exit', resolve))
    if (agent.exitCode !== null || agent.signalCode !== null) return
    agent.kill(signal)
    await ended
  }

  /** Resolves when the agent that runs now has ended. */
  async agentEnded(): Promise<void> {
    const agent = this.#agent
    if (agent === undefined || agent.exitCode !== null || agent.signalCode !== null) return
    await new Promise((resolve) => agent.once('exit', resolve))
  }

  log(): Promise<string> {
    return readFile(join(this.#folder, 'agent.log'), 'utf8')
  }

  /** Calls the shim as `type` of the configuration; what the plugin refuses is an answer. */
  cni(verb: string, call: Call, options: RunOptions = {}): Promise<Ran> {
    const { conf, pod, container, ifName = 'eth0' } = call
    const stdin = typeof conf === 'string' ? conf : JSON.stringify(conf)
    const type = /"type": *"(\w+)"/.exec(stdin)?.[1] ?? 'ipoib'
    const env = {
      CNI_COMMAND: verb,
      ...(verb === 'GC' ? {} : { CNI_CONTAINERID: container, CNI_NETNS: pod.path }),
      ...(verb === 'GC' ? {} : { CNI_IFNAME: ifName }),
      CNI_PATH: join(this.#folder, 'cni'),
      CNI_ARGS: 'IgnoreUnknown=1',
      VERBENA_SOCKET: this.#socket,
      VERBENA_WAIT_MS: '20000',
      PATH: process.env['PATH'],
    }
    return run([...within(this.name), join(this.#folder, 'cni', type)], { ...options, env, stdin })
  }

  /** Standard output of a call that must succeed. */
  async demand(verb: string, call: Call): Promise<string> {
    const { status, stdout, stderr } = await this.cni(verb, call)
    if (status === 0) return stdout
    throw new Error(`${verb} of ${call.container}: status ${status}: ${stdout}${stderr}`)
  }

  /** The message of a call that must be refused. */
  async refusal(verb: string, call: Call): Promise<string> {
    const { status, stdout } = await this.cni(verb, call)
    if (status === 0) throw new Error(`${verb} of ${call.container} was not refused: ${stdout}`)
    const error: { msg?: unknown } = JSON.parse(stdout)
    return String(error.msg)
  }

  /** What the status socket says of all attachments. */
  async status(): Promise<readonly Told[]> {
    const socketPath = join(this.#folder, 'status.sock')
    const body = await new Promise<string>((resolve, reject) => {
      const asked = request({ socketPath, path: '/status', agent: false, timeout: 10_000 })
      asked.once('response', (response) => void text(response).then(resolve, reject))
      asked.once('error', reject)
      asked.end()
    })
    const told: { attachments: readonly Told[] } = JSON.parse(body)
    return told.attachments
  }

  /** The port's interface goes back under the name that it had. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopAgent('SIGTERM')
    const back = ['link', 'set', this.parent, 'down', 'netns', '1', 'name', this.#plan.port.netdev]
    await run(['ip', '-n', this.name, ...back])
    await run(['ip', 'netns', 'del', this.name])
    await rm(this.#folder, { recursive: true, force: true })
  }

  get #socket(): string {
    return join(this.#folder, 'agent.sock')
  }

  #words(): string[] {
    const options = {
      node: this.name,
      store: join(this.#folder, 'store.db'),
      state: join(this.#folder, 'state'),
      socket: this.#socket,
    }
    const words = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value])
    return [process.execPath, join(ROOT, 'dist/agent.js'), ...words]
  }

  /** In a mount namespace of its own the agent sees the folder in place of the PCI functions. */
  #disguised(): string[] {
    if (this.#plan.driver === undefined) return []
    const script = `mount --bind ${this.#folder}/pci /sys/bus/pci/devices && exec "$@"`
    // pods that come later must be seen there too
    return ['unshare', '--mount', '--propagation', 'slave', 'sh', '-c', script, 'sh']
  }

  async #fakeDriver(): Promise<void> {
    const { driver, port } = this.#plan
    if (driver === undefined) return
    const at = join(this.#folder, 'pci', port.pci)
    await mkdir(at, { recursive: true })
    await symlink(`/sys/bus/pci/drivers/${driver}`, join(at, 'driver'))
    const real = (await demand(['readlink', '-f', `/sys/bus/pci/devices/${port.pci}`])).trim()
    await symlink(join(real, 'infiniband'), join(at, 'infiniband'))
  }
}
