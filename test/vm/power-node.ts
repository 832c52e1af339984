/**
 * A node whose store and journal are on a disk that outlives the machine.
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { mkdir, readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { allocationsOf } from '#ipam/index.ts'
import { openRecords } from '#store/records.ts'
import { waitFor } from './guest.ts'
import { type Ran, demand, ip, ipBatch, run } from './program.ts'

const ROOT = join(import.meta.dirname, '../..')
const DISK = '/run/disk'
const FOLDER = '/run/power'
const STORE = `${DISK}/store.db`
const STATE = `${DISK}/state`
const SOCKET = `${FOLDER}/agent.sock`

/** Each is a namespace of the guest. */
export const PODS = Array.from({ length: 20 }, (_, i) => `p${i}`)
const CONF = {
  cniVersion: '1.0.0',
  name: 'net',
  type: 'macvlan',
  master: 'up0',
  ipam: { type: 'spiderpool', default_ipv4_ippool: ['v4'] },
} as const
const POOL = {
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderIPPool',
  metadata: { name: 'v4' },
  spec: { ipVersion: 4, subnet: '10.7.0.0/16', ips: ['10.7.0.100-10.7.0.199'] },
} as const

type Called = { readonly pod: string; readonly container: string }
type Holder = { readonly address: string; readonly containerId: string }

export class PowerNode implements AsyncDisposable {
  readonly #agent: ChildProcess

  private constructor(agent: ChildProcess) {
    this.#agent = agent
  }

  /** Mounts the disk; `fresh` puts the pool into its store. The agent is ready then. */
  static async open(how: 'fresh' | 'again'): Promise<PowerNode> {
    await demand(['modprobe', '-a', 'virtio_blk', 'ext4', 'veth', 'macvlan'])
    await mkdir(DISK)
    await demand(['mount', '/dev/vda', DISK])
    await mkdir(join(FOLDER, 'cni'), { recursive: true })
    await symlink(join(ROOT, 'build/verbena-cni'), join(FOLDER, 'cni/macvlan'))
    await ip('link', 'add', 'up0', 'type', 'veth', 'peer', 'name', 'up1')
    await ipBatch(['link set up0 up', 'link set up1 up', ...PODS.map((pod) => `netns add ${pod}`)])
    if (how === 'fresh') {
      await using records = await openRecords({ path: STORE })
      await records.create(POOL)
    }
    const log = openSync(`${FOLDER}/agent.log`, 'w')
    const words = ['--node', 'n', '--store', STORE, '--state', STATE, '--socket', SOCKET]
    const program = [join(ROOT, 'dist/agent.js'), ...words]
    const agent = spawn(process.execPath, program, { stdio: ['ignore', log, log] })
    closeSync(log)
    await waitFor('the agent', async () => {
      const said = await readFile(`${FOLDER}/agent.log`, 'utf8')
      if (agent.exitCode !== null) throw new Error(`the agent ended: ${said}`)
      return said.includes('"agent ready"')
    })
    return new PowerNode(agent)
  }

  /** As a runtime calls a plugin for a sandbox of a pod. */
  cni(verb: string, { pod, container }: Called): Promise<Ran> {
    const ref = `K8S_POD_NAMESPACE=default;K8S_POD_NAME=${pod};K8S_POD_UID=uid-${pod}`
    const env = {
      CNI_COMMAND: verb,
      CNI_CONTAINERID: container,
      CNI_NETNS: `/run/netns/${pod}`,
      CNI_IFNAME: 'eth0',
      CNI_PATH: join(FOLDER, 'cni'),
      CNI_ARGS: `IgnoreUnknown=1;${ref}`,
      VERBENA_SOCKET: SOCKET,
      PATH: process.env['PATH'],
    }
    return run([join(FOLDER, 'cni/macvlan')], { env, stdin: JSON.stringify(CONF) })
  }

  /** @returns the address that a sandbox was given */
  async attach(pod: string, container: string): Promise<string> {
    const { status, stdout } = await this.cni('ADD', { pod, container })
    if (status !== 0) throw new Error(`ADD of ${container}: ${stdout}`)
    const result: { ips: { address: string }[] } = JSON.parse(stdout)
    return result.ips[0]?.address.split('/')[0] ?? ''
  }

  /** What SQLite finds wrong with the store and the journal. */
  async integrity(): Promise<string[]> {
    return [STORE, join(STATE, 'journal.db')].map((path) => {
      using db = new DatabaseSync(path)
      const found = db.prepare('PRAGMA integrity_check').all()
      return found.map((row) => String(row['integrity_check'])).join('; ')
    })
  }

  async allocations(): Promise<Holder[]> {
    await using records = await openRecords({ path: STORE })
    const { items } = await records.list(allocationsOf('all'))
    return items.map(({ spec }) => {
      const { address, containerId }: Holder = Object(spec)
      return { address, containerId }
    })
  }

  /** How many rows the journal has. */
  async rows(): Promise<number> {
    using db = new DatabaseSync(join(STATE, 'journal.db'))
    return Number(db.prepare('SELECT count(*) AS n FROM attachments').get()?.['n'])
  }

  /** How many links a pod has beside `lo`. */
  async linksOf(pod: string): Promise<number> {
    return (await ip('-n', pod, '-br', 'link')).trim().split('\n').length - 1
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.kill('SIGKILL')
    await new Promise((resolve) => this.#agent.once('exit', resolve))
  }
}
