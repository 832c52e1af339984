/**
 * A machine without Kubernetes for tests: namespaces of this kernel with a
 * systemd, Debian's containerd and podman, and an image, so that a guide's
 * commands run in it word by word. See `machine.sh`.
 * @module
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Ran, run } from '#test/vm/program.ts'

const ROOT = join(import.meta.dirname, '../..')
const SCRIPT = join(ROOT, 'test/standalone/machine.sh')
const CACHE = process.env['TESTBED_CACHE'] ?? join(ROOT, '.testbed')
const RUNTIMES = join(CACHE, 'runtimes')
const READY_MS = 60_000
/** One script; the virtual machine of tier 2 is many times slower than the machine it runs on. */
const SCRIPT_MS = 180_000

/** What is in the machine's images under this name: a static busybox. */
export const IMAGE = 'docker.io/library/busybox:latest'

/** Why such a machine cannot be had here; undefined when it can. */
function lack(): string | undefined {
  if (process.getuid?.() !== 0) return 'not root'
  if (!existsSync(join(RUNTIMES, '.ok'))) {
    const said = join(CACHE, 'runtimes.skipped')
    const reason = existsSync(said) ? readFileSync(said, 'utf8').trim() : 'run make test'
    return `container runtimes are absent: ${reason}`
  }
  if (!existsSync(join(ROOT, 'dist/agent.js'))) return 'dist/agent.js is absent: run make build'
  const { status, stdout } = spawnSync(SCRIPT, ['probe', RUNTIMES], { encoding: 'utf8' })
  return status === 0 ? undefined : `no machine of its own: ${stdout.trim()}`
}

/** Options of a test that needs one. */
export function needsMachine(): { readonly skip: string | false; readonly timeout: number } {
  return { skip: lack() ?? false, timeout: 300_000 }
}

export type MachineOptions = {
  /** Folder with the runtimes; empty: they are installed here. */
  readonly runtimes?: string
  /** False: it shares this machine's network. */
  readonly ownNetwork?: boolean
}

let made = 0

/** Owns its processes, mounts and control groups, and ends them when it is disposed. */
export class Machine implements AsyncDisposable {
  readonly #outer: ChildProcess
  readonly #place: string
  readonly #group: string
  #pid = 0

  private constructor(of: { outer: ChildProcess; place: string; group: string }) {
    this.#outer = of.outer
    this.#place = of.place
    this.#group = of.group
  }

  /** A machine whose systemd says that it is running. */
  static async start(options: MachineOptions = {}): Promise<Machine> {
    const { runtimes = RUNTIMES, ownNetwork = true } = options
    const place = await mkdtemp(join(tmpdir(), 'vbs-machine-'))
    const group = `verbena-test-${process.pid}-${made++}`
    const words = ['enter', runtimes, ROOT, place, group, ownNetwork ? 'own' : 'shared']
    const outer = spawn(SCRIPT, words, { stdio: ['ignore', 'ignore', 'pipe'] })
    const said: string[] = []
    outer.stderr.on('data', (text: Buffer) => said.push(text.toString()))
    const machine = new Machine({ outer, place, group })
    try {
      await machine.#awaitSystemd()
      return machine
    } catch (cause) {
      await machine[Symbol.asyncDispose]()
      throw new Error(`no machine: ${said.join('')}`, { cause })
    }
  }

  /** Runs a script in the machine, in the checkout, as root; whatever its status. */
  sh(script: string): Promise<Ran> {
    const words = ['nsenter', `--target=${this.#pid}`, '--mount', '--net', '--pid', '--uts']
    const shell = ['--cgroup', '--root', '--', 'sh', '-euc', `cd ${ROOT}\n${script}`]
    return run([...words, ...shell], {
      env: { PATH: '/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root' },
      timeoutMs: SCRIPT_MS,
    })
  }

  /** Standard output of a script that must succeed. */
  async demand(script: string): Promise<string> {
    const { status, stdout, stderr } = await this.sh(script)
    if (status === 0) return stdout
    throw new Error(`${script}\nstatus ${status}: ${stderr}${stdout}`)
  }

  /** A path of the machine's as this one sees it. */
  path(inside: string): string {
    return `/proc/${this.#pid}/root${inside}`
  }

  /** Starts containerd, and gives both runtimes the image. */
  async stock(): Promise<void> {
    await this.demand('systemctl start containerd')
    await this.demand(`test/standalone/image.sh ${IMAGE} /run/image.tar`)
    await this.demand('ctr images import /run/image.tar')
    await this.demand('! command -v podman > /dev/null || podman load --quiet < /run/image.tar')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { exitCode, signalCode } = this.#outer
    if (exitCode === null && signalCode === null) {
      this.#outer.kill('SIGKILL')
      await once(this.#outer, 'exit')
    }
    await run([SCRIPT, 'sweep', this.#group])
    await rm(this.#place, { recursive: true, force: true })
  }

  /** The one child of `unshare` is process 1 of the machine. */
  async #awaitSystemd(): Promise<void> {
    const untilMs = performance.now() + READY_MS
    const { pid } = this.#outer
    while (performance.now() < untilMs) {
      const ended = this.#outer.exitCode ?? this.#outer.signalCode
      if (ended !== null) throw new Error(`it ended with ${ended}`)
      const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
      this.#pid = Number(children.trim().split(' ')[0])
      const program = await readFile(`/proc/${this.#pid}/comm`, 'utf8').catch(() => '')
      if (program === 'systemd\n') {
        const state = await this.sh('systemctl is-system-running')
        if (state.stdout === 'running\n') return
      }
      await delay(50)
    }
    throw new Error(`systemd is not running within ${READY_MS} ms`)
  }
}
