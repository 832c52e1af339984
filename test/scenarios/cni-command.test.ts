/**
 * `verbena cni` on the machine's own kernel: a plugin in one process, without
 * an agent. Each test has a host of its own: a network namespace with a veth,
 * and one for the pod.
 */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { openJournal } from '#store/journal.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const LACKS = [
  { lacks: 'not root', is: process.getuid?.() !== 0 },
  { lacks: 'the addon is absent: run make native', is: !existsSync(join(ROOT, 'build')) },
].find(({ is }) => is)?.lacks
const NEEDS_ROOT = { skip: LACKS ?? false, timeout: 60_000 } as const

/** Hands on what it got, and notes each verb. */
const HANDS_ON = `#!/bin/sh
echo "$CNI_COMMAND" >> "$(dirname "$0")/calls"
conf=$(cat)
[ -e "$(dirname "$0")/slow" ] && [ "$CNI_COMMAND" = ADD ] && sleep 30
[ "$CNI_COMMAND" = ADD ] && printf '%s' "$conf" | sed 's/.*"prevResult":\\({.*}\\)}$/\\1/'
exit 0
`

type Ran = { readonly status: number | null; readonly stdout: string; readonly stderr: string }
type Call = {
  readonly verb: string
  readonly conf: object
  readonly ifName?: string
}

/** A host with a pod; everything of it goes when it is disposed. */
class Host implements AsyncDisposable {
  readonly folder: string
  readonly #name: string

  private constructor(folder: string) {
    this.folder = folder
    this.#name = `vbc-${process.pid}-${folder.slice(-6)}`
  }

  static async make(): Promise<Host> {
    const host = new Host(await mkdtemp(join(tmpdir(), 'verbena-cni-')))
    await mkdir(join(host.folder, 'bin'))
    await writeFile(join(host.folder, 'bin/hands-on'), HANDS_ON)
    await chmod(join(host.folder, 'bin/hands-on'), 0o755)
    for (const netns of [host.#name, host.pod]) ip('netns', 'add', netns)
    ip('-n', host.#name, 'link', 'add', 'up0', 'type', 'veth', 'peer', 'name', 'up1')
    for (const link of ['up0', 'up1']) ip('-n', host.#name, 'link', 'set', link, 'up')
    return host
  }

  get pod(): string {
    return `${this.#name}-pod`
  }

  start({ verb, conf, ifName = 'net1' }: Call): ChildProcess {
    const words = ['cni', '--store', join(this.folder, 'store.db'), '--state', this.folder]
    const program = [process.execPath, join(ROOT, 'bin/verbena.ts'), ...words]
    const child = spawn('ip', ['netns', 'exec', this.#name, ...program], {
      env: {
        ...process.env,
        CNI_COMMAND: verb,
        CNI_CONTAINERID: 'c1',
        CNI_NETNS: `/run/netns/${this.pod}`,
        CNI_IFNAME: ifName,
        CNI_PATH: join(this.folder, 'bin'),
      },
      stdio: 'pipe',
    })
    child.stdin.end(JSON.stringify(conf))
    return child
  }

  async call(of: Call): Promise<Ran> {
    const child = this.start(of)
    let [stdout, stderr] = ['', '']
    child.stdout?.on('data', (piece: Buffer) => (stdout += piece.toString()))
    child.stderr?.on('data', (piece: Buffer) => (stderr += piece.toString()))
    const [status]: [number | null] = await once(child, 'close').then(([code]) => [code])
    return { status, stdout, stderr }
  }

  /** Names of the pod's links, without the loopback. */
  links(): string[] {
    const text = ip('-n', this.pod, '-o', 'link')
    const names = [...text.matchAll(/^\d+: ([^:@]+)/gm)].map(([, name]) => name ?? '')
    return names.filter((name) => name !== 'lo')
  }

  rows(): number {
    const journal = openJournal({ path: join(this.folder, 'journal.db') })
    const rows = journal.all().length
    void journal[Symbol.asyncDispose]()
    return rows
  }

  async held(): Promise<string[]> {
    const names = await readdir(join(this.folder, 'held/n')).catch(() => [])
    return names.filter((name) => /^\d+\./.test(name))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const netns of [this.pod, this.#name]) spawnSync('ip', ['netns', 'del', netns])
    await rm(this.folder, { recursive: true, force: true })
  }
}

function ip(...words: string[]): string {
  const { status, stdout, stderr } = spawnSync('ip', words, { encoding: 'utf8' })
  equal(status, 0, `ip ${words.join(' ')}: ${stderr}`)
  return stdout
}

function macvlan({ folder }: Host): object {
  const ipam = { type: 'host-local', dataDir: join(folder, 'held'), subnet: '10.9.0.0/24' }
  return { type: 'macvlan', master: 'up0', ipam }
}

const conf = (rest: object): object => ({ cniVersion: '1.0.0', name: 'n', ...rest })

test('verbena cni attaches, answers again, finds it, detaches, twice', NEEDS_ROOT, async () => {
  await using host = await Host.make()
  const plugin = conf(macvlan(host))
  const added = await host.call({ verb: 'ADD', conf: plugin })
  equal(added.status, 0, added.stdout)
  deepEqual([host.links(), await host.held()], [['net1'], ['10.9.0.2']])
  const result: unknown = JSON.parse(added.stdout)
  const again = await host.call({ verb: 'ADD', conf: plugin })
  deepEqual(JSON.parse(again.stdout), result)
  const prevResult = result
  const checked = await host.call({ verb: 'CHECK', conf: { ...plugin, prevResult } })
  deepEqual([checked.status, checked.stdout], [0, ''])
  for (let i = 0; i < 2; i++) {
    const gone = await host.call({ verb: 'DEL', conf: plugin })
    deepEqual([gone.status, gone.stdout], [0, ''], gone.stderr)
  }
  deepEqual([host.links(), await host.held(), host.rows()], [[], [], 0])
})

test('verbena cni runs plugins of other vendors itself, from CNI_PATH', NEEDS_ROOT, async () => {
  await using host = await Host.make()
  const list = conf({ plugins: [macvlan(host), { type: 'hands-on' }] })
  const added = await host.call({ verb: 'ADD', conf: list })
  equal(added.status, 0, added.stdout)
  match(added.stdout, /10\.9\.0\.2/)
  const gone = await host.call({ verb: 'DEL', conf: list })
  equal(gone.status, 0, gone.stdout)
  equal(await readFile(join(host.folder, 'bin/calls'), 'utf8'), 'ADD\nDEL\n')
  const missing = await host.call({
    verb: 'ADD',
    conf: conf({ plugins: [macvlan(host), { type: 'x' }] }),
  })
  equal(missing.status, 1)
  match(missing.stdout, /failed to find plugin \\"x\\" in path/)
  deepEqual([host.links(), await host.held()], [[], []])
})

test('verbena cni, killed in an ADD, leaves nothing after the next DEL', NEEDS_ROOT, async () => {
  await using host = await Host.make()
  const list = conf({ plugins: [macvlan(host), { type: 'hands-on' }] })
  await writeFile(join(host.folder, 'bin/slow'), '')
  const child = host.start({ verb: 'ADD', conf: list })
  const calls = join(host.folder, 'bin/calls')
  for (let waited = 0; !existsSync(calls) && waited < 20_000; waited += 50) await sleep(50)
  ok(existsSync(calls), 'the plugin was not run')
  deepEqual(host.links(), ['net1'])
  child.kill('SIGKILL')
  await once(child, 'exit')
  await rm(join(host.folder, 'bin/slow'))
  const gone = await host.call({ verb: 'DEL', conf: list })
  equal(gone.status, 0, gone.stdout)
  deepEqual([host.links(), await host.held(), host.rows()], [[], [], 0])
})

test('verbena cni takes turns: calls side by side all succeed', NEEDS_ROOT, async () => {
  await using host = await Host.make()
  const plugin = conf(macvlan(host))
  const names = ['net1', 'net2', 'net3']
  const added = await Promise.all(
    names.map((ifName) => host.call({ verb: 'ADD', conf: plugin, ifName })),
  )
  deepEqual(
    added.map(({ status }) => status),
    [0, 0, 0],
  )
  deepEqual(host.links().toSorted(), names)
  equal((await host.held()).length, 3)
  await Promise.all(names.map((ifName) => host.call({ verb: 'DEL', conf: plugin, ifName })))
  deepEqual([host.links(), await host.held(), host.rows()], [[], [], 0])
})

test('verbena cni refuses to change a host without root, and answers VERSION', NEEDS_ROOT, () => {
  const as = (verb: string) =>
    spawnSync(process.execPath, [join(ROOT, 'bin/verbena.ts'), 'cni'], {
      uid: 65534,
      gid: 65534,
      encoding: 'utf8',
      input: JSON.stringify(conf({ type: 'macvlan', master: 'up0' })),
      env: {
        CNI_COMMAND: verb,
        CNI_CONTAINERID: 'c1',
        CNI_NETNS: '/run/netns/x',
        CNI_IFNAME: 'net1',
        CNI_PATH: '/opt/cni/bin',
      },
    })
  const added = as('ADD')
  equal(added.status, 1, added.stderr)
  match(added.stdout, /Cannot change network namespaces: ADD needs root/)
  equal(as('VERSION').status, 0)
})
