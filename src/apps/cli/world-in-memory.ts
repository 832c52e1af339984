/**
 * Runs `verbena cni --world` and `verbena plan` in memory, for tests.
 * @module
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCli } from './run.ts'

/** One call of a plugin. */
export type Called = {
  readonly verb?: string
  readonly world: unknown
  readonly conf: unknown
  readonly env?: Readonly<Record<string, string>>
  readonly options?: readonly string[]
}
/** What is printed; `stderr` has what a command that was not carried out says. */
export type WorldRan = {
  readonly status: number
  readonly stderr: string
  readonly exit?: number
  readonly result?: unknown
  readonly error?: { readonly code: number; readonly msg: string; readonly details?: string }
  readonly world?: unknown
}

/** 2026-01-01 00:00:00 UTC, in milliseconds. */
const NOW_MS = Date.UTC(2026, 0, 1)
const ENV = {
  CNI_CONTAINERID: 'c1',
  CNI_NETNS: '/var/run/netns/pod',
  CNI_IFNAME: 'net1',
  CNI_PATH: '/opt/cni/bin',
} as const

/** Two addresses. */
export const GUIDE_POOL = {
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderIPPool',
  metadata: { name: 'v4' },
  spec: { subnet: '172.91.0.0/16', gateway: '172.91.0.1', ips: ['172.91.0.100-172.91.0.101'] },
}

/** A host with an InfiniBand and an Ethernet interface, and an empty pod. */
export const GUIDE_WORLD = {
  netns: {
    host: {
      links: [
        { name: 'ib0', kind: 'ipoib' },
        { name: 'eth0', addresses: ['192.0.2.2/24'] },
      ],
    },
    pod: { links: [] },
  },
  rdma: {
    devices: [{ name: 'mlx5_0', nodeGuid: 'e8:eb:d3:03:00:93:ae:10', pkeys: ['0xffff', '0x9000'] }],
  },
  objects: [GUIDE_POOL],
}

/** ADD unless it says another verb. */
export async function cniIn({ verb = 'ADD', world, conf, env, options = [] }: Called) {
  const text = typeof conf === 'string' ? conf : JSON.stringify(conf)
  const cni = { ...ENV, CNI_COMMAND: verb, ...env }
  const ran = await withFile(world, (file) =>
    runText(['cni', '--world', file, ...options], { stdin: text, env: cni }),
  )
  const printed: Omit<WorldRan, 'status' | 'stderr'> =
    ran.stdout === '' ? {} : JSON.parse(ran.stdout)
  return { status: ran.status, stderr: ran.stderr, ...printed } satisfies WorldRan
}

/** Runs `work` with a file of that text, or of that value as JSON. */
export async function withFile<T>(
  content: unknown,
  work: (file: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'verbena-world-'))
  try {
    const file = join(folder, 'world.json')
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content))
    return await work(file)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** One run of the CLI: texts in, texts and status out. */
export async function runText(
  argv: readonly string[],
  { stdin = '', env = {} }: { readonly stdin?: string; readonly env?: Record<string, string> } = {},
): Promise<{ readonly status: number; readonly stdout: string; readonly stderr: string }> {
  const written = { stdout: '', stderr: '' }
  const status = await runCli({
    argv,
    env,
    stdin: (async function* () {
      yield stdin
    })(),
    stdout: { write: (text) => (written.stdout += text) },
    stderr: { write: (text) => (written.stderr += text) },
    clock: { nowMs: () => NOW_MS },
  })
  return { status, ...written }
}
