/**
 * What is on a network namespace, as lines that can be compared before and
 * after; and what bears the mark of a run anywhere on the machine.
 * @module
 */
import { readFile, readdir } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { isRecord } from '#schema/zod.ts'
import { execute } from './command.ts'
import { MARK_VARIABLE, type Run, netnsName } from './run.ts'

/** Subject → its lines, each one thing. */
export type Observed = Readonly<Record<string, readonly string[]>>
type Env = Readonly<Record<string, string | undefined>>

/** What changes is looked at again for so long before it is called a difference. */
const SETTLE_MS = 3_000
const PAUSE_MS = 200
/** The kernel adds these to an address when its duplicate detection is done, in its own time. */
const LATE_ROUTES = /^(local|anycast|multicast) \S*:|\bfe80:|\bff00:/

/** Links, addresses, routes, rules and nf_tables of a namespace; the lab's own when undefined. */
export async function observe(netns: string | undefined, env: Env): Promise<Observed> {
  const inside = netns === undefined ? [] : ['ip', 'netns', 'exec', netns]
  const output = async (...words: readonly string[]): Promise<string> => {
    const ran = await execute({ words: [...inside, ...words], env })
    return ran.status === 0 ? ran.stdout : ''
  }
  const [links, routes, rules, rules6, tables] = [
    await output('ip', '-j', 'address', 'show'),
    await output('ip', 'route', 'show', 'table', 'all'),
    await output('ip', 'rule', 'show'),
    await output('ip', '-6', 'rule', 'show'),
    // absent where nft is not installed: then there is nothing to compare
    await output('nft', 'list', 'ruleset').catch(() => ''),
  ]
  const all = linksIn(links)
  return {
    link: all.map(({ name }) => name),
    address: all.flatMap(({ name, addresses }) => addresses.map((one) => `${one} on ${name}`)),
    route: linesOf(routes)
      .filter((line) => !LATE_ROUTES.test(line))
      // what a route says of its carrier is not the route
      .map((line) => line.replace(/ (linkdown|dead|expires \d+sec)/g, '').trimEnd()),
    rule: [...linesOf(rules), ...linesOf(rules6)],
    nf_tables: linesOf(tables),
  }
}

/** Waits a little for equality, because links go in the kernel's own time. */
export async function compareWith(
  before: Observed,
  look: () => Promise<Observed>,
): Promise<readonly string[]> {
  for (let waitedMs = 0; ; waitedMs += PAUSE_MS) {
    const found = differences(before, await look())
    if (found.length === 0 || waitedMs >= SETTLE_MS) return found
    await setTimeout(PAUSE_MS)
  }
}

/** `link vb0 is left`, `route ... is gone`. */
export function differences(before: Observed, after: Observed): string[] {
  return Object.keys(after).flatMap((subject) => {
    const [old, now] = [before[subject] ?? [], after[subject] ?? []]
    return [
      ...now.filter((line) => !old.includes(line)).map((line) => `${subject} ${line} is left`),
      ...old.filter((line) => !now.includes(line)).map((line) => `${subject} ${line} is gone`),
    ]
  })
}

/** What bears the run's mark: namespaces, mounts, processes, files. */
export async function marked(run: Run): Promise<string[]> {
  const prefix = netnsName(run, '')
  const names = await readdir('/run/netns').catch(() => [])
  const mounts = linesOf(await readFile('/proc/self/mountinfo', 'utf8').catch(() => ''))
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => path.includes(prefix) || path.startsWith(run.folder))
  const files = await readdir(run.folder).then(
    () => [run.folder],
    () => [],
  )
  return [
    ...names.filter((name) => name.startsWith(prefix)).map((name) => `namespace ${name} is left`),
    ...mounts.map((path) => `mount ${path} is left`),
    ...(await markedProcesses(run)).map((pid) => `process ${pid} is left`),
    ...files.map((path) => `folder ${path} is left`),
  ]
}

async function markedProcesses(run: Run): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const all = await Promise.all(pids.map(async (pid) => ((await bearsMark(pid, run)) ? [pid] : [])))
  return all.flat()
}

/** True while the process lives and was started by this run. */
export async function bearsMark(pid: number, { id }: Run): Promise<boolean> {
  const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
  return environment.split('\0').includes(`${MARK_VARIABLE}=${id}`)
}

type SeenLink = { readonly name: string; readonly addresses: readonly string[] }

function linksIn(json: string): SeenLink[] {
  return listOf(json === '' ? [] : JSON.parse(json)).flatMap((link) => {
    if (!isRecord(link)) return []
    const addresses = listOf(link['addr_info']).flatMap((one) =>
      isRecord(one) && one['scope'] !== 'link'
        ? [`${String(one['local'])}/${String(one['prefixlen'])}`]
        : [],
    )
    return [{ name: String(link['ifname']), addresses }]
  })
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '')
}
