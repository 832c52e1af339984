/**
 * Where a bench runs: a node's network namespace with masters in it, namespaces
 * of pods, and a temporary folder. All bear the name of this process, all go
 * when the ground is disposed of; what a killed bench left goes at the next start.
 * @module
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Folder of Debian's CNI plugins. */
export const PEER_PATH = '/usr/lib/cni'
const NETNS_FOLDER = '/run/netns'
const PREFIX = 'vbb'
/** A tmpfs on every Debian. */
const MEMORY = '/dev/shm'
const LIMIT_MS = 30_000
/** Types under which the shim is called. */
const TYPES = ['macvlan', 'verbena']

/** Folder of the checkout, seen from the sources (bench/) and from a bundle (dist/bench/). */
export const ROOT: string =
  [join(import.meta.dirname, '..'), join(import.meta.dirname, '../..')].filter((folder) =>
    existsSync(join(folder, 'package.json')),
  )[0] ?? process.cwd()

/** Why no bench can run here; undefined when one can. */
export function missing(): string | undefined {
  if (process.getuid?.() !== 0) return 'network namespaces want root'
  for (const file of ['build/verbena-cni', 'build/netns.node', 'dist/agent.js']) {
    if (!existsSync(join(ROOT, file))) return `${file} is absent: run make build`
  }
  return existsSync(join(PEER_PATH, 'macvlan'))
    ? undefined
    : `${PEER_PATH}/macvlan is absent: run make setup-peer`
}

/** Masters are `rail0`, `rail1`, ...: veths of its own, so nothing of the machine is touched. */
export class Ground implements Disposable {
  readonly folder: string
  /** A folder in memory, for what programs print: a disk would make them wait. */
  readonly memory: string
  /** Path of the node's namespace. */
  readonly node: string
  /** Folder with the shim under the types it serves. */
  readonly cniPath: string
  readonly #name: string
  readonly #pods: string[] = []

  constructor({ rails }: { readonly rails: number }) {
    sweep()
    this.#name = `${PREFIX}-${process.pid}`
    this.node = join(NETNS_FOLDER, `${this.#name}-node`)
    this.folder = mkdtempSync(join(tmpdir(), `${this.#name}-`))
    this.memory = mkdtempSync(join(MEMORY, `${this.#name}-`))
    this.cniPath = join(this.folder, 'bin')
    try {
      this.#make(rails)
    } catch (cause) {
      this[Symbol.dispose]()
      throw cause
    }
  }

  /** Paths of `count` namespaces; they are made once and given out again. */
  pods(count: number): readonly string[] {
    const names = Array.from(
      { length: Math.max(0, count - this.#pods.length) },
      (_, i) => `${this.#name}-pod${this.#pods.length + i}`,
    )
    ip(names.map((name) => `netns add ${name}`))
    this.#pods.push(...names.map((name) => join(NETNS_FOLDER, name)))
    return this.#pods.slice(0, count)
  }

  [Symbol.dispose](): void {
    removeNamespaces((name) => name.startsWith(`${this.#name}-`))
    for (const folder of [this.folder, this.memory]) {
      rmSync(folder, { recursive: true, force: true })
    }
  }

  #make(rails: number): void {
    mkdirSync(this.cniPath)
    for (const type of TYPES) {
      symlinkSync(join(ROOT, 'build/verbena-cni'), join(this.cniPath, type))
    }
    ip([`netns add ${this.#name}-node`])
    const masters = Array.from({ length: rails }, (_, i) => [
      `link add rail${i} type veth peer name wire${i}`,
      `link set wire${i} up`,
      `link set rail${i} up`,
    ])
    ip(['link set lo up', ...masters.flat()], `${this.#name}-node`)
  }
}

/** Words that run a program in the node's namespace. */
export function onNode(ground: Ground): readonly string[] {
  return ['nsenter', `--net=${ground.node}`]
}

/** Runs a bench on a ground of its own; says why when there can be none. */
export async function onGround(
  { rails }: { readonly rails: number },
  bench: (ground: Ground) => Promise<void>,
): Promise<void> {
  const reason = missing()
  if (reason !== undefined) {
    process.stdout.write(`SKIPPED: ${reason}\n`)
    return
  }
  const ended = new Promise<'signal'>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => resolve('signal'))
    }
  })
  const run = async (): Promise<'signal' | undefined> => {
    using ground = new Ground({ rails })
    return await Promise.race([bench(ground).then(() => undefined), ended])
  }
  // the bench itself is still under way: it ends with the process, and so do its agents
  if ((await run()) === 'signal') process.exit(130)
}

function ip(lines: readonly string[], netns?: string): void {
  if (lines.length === 0) return
  const inside = netns === undefined ? [] : ['-n', netns]
  execFileSync('ip', [...inside, '-batch', '-'], {
    input: `${lines.join('\n')}\n`,
    timeout: LIMIT_MS,
  })
}

/** What benches left that were killed. */
function sweep(): void {
  const isOrphan = (name: string): boolean => {
    const pid = new RegExp(`^${PREFIX}-(\\d+)-`).exec(name)?.[1]
    return pid !== undefined && !existsSync(`/proc/${pid}`)
  }
  removeNamespaces(isOrphan)
  for (const place of [tmpdir(), MEMORY]) {
    for (const name of readdirSync(place).filter(isOrphan)) {
      rmSync(join(place, name), { recursive: true, force: true })
    }
  }
}

function removeNamespaces(isOurs: (name: string) => boolean): void {
  const names = existsSync(NETNS_FOLDER) ? readdirSync(NETNS_FOLDER).filter(isOurs) : []
  if (names.length === 0) return
  const input = `${names.map((name) => `netns del ${name}`).join('\n')}\n`
  spawnSync('ip', ['-force', '-batch', '-'], { input, timeout: LIMIT_MS })
}
