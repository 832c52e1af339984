/**
 * Looks at every interface of the machine now: each network namespace that a
 * process or a file stands for. What `repair` must know before it frees anything.
 *
 * Spec: proc(5), /proc/PID/ns; ip-netns(8), /run/netns.
 * @module
 */
import { readdir, stat } from 'node:fs/promises'
import type { Kernel } from '#needs/kernel.ts'
import { textOfThrown } from '#values/failure.ts'
import { VERBENA_GROUP } from '#values/mark.ts'
import { type NetnsPath, parseNetnsPath } from '#values/netns.ts'

/** What is there now, or why nobody could look. */
export type LiveLook =
  | {
      readonly looked: true
      /** Address without prefix length → interface and namespace, in words. */
      readonly live: ReadonlyMap<string, string>
      /** dev:ino of every namespace. */
      readonly netns: ReadonlySet<string>
      /** Marks of the links of ours. */
      readonly marks: ReadonlySet<string>
    }
  | { readonly looked: false; readonly reason: string }

/** Where named namespaces are kept. */
const NAMED = '/run/netns'

/** Never throws. One that ends meanwhile is gone; one that cannot be entered ends the look. */
export async function lookAtInterfaces(): Promise<LiveLook> {
  try {
    const found = await namespaces()
    const { hostKernel } = await import('#host/kernel.ts')
    const kernel = hostKernel()
    const live = new Map<string, string>()
    const marks = new Set<string>()
    for (const path of found.values()) await lookIn(path, { kernel, live, marks })
    return { looked: true, live, netns: new Set(found.keys()), marks }
  } catch (cause) {
    return { looked: false, reason: `nobody could look: ${textOfThrown(cause)}` }
  }
}

type Into = {
  readonly kernel: Kernel
  readonly live: Map<string, string>
  readonly marks: Set<string>
}

async function lookIn(path: NetnsPath, { kernel, live, marks }: Into): Promise<void> {
  try {
    const [addresses, links] = await Promise.all([kernel.addresses(path), kernel.links(path)])
    for (const { cidr, link } of addresses) {
      live.set(cidr.split('/')[0] ?? '', `${link} in ${path}`)
    }
    for (const { group, alias } of links) {
      if (group === VERBENA_GROUP && alias !== undefined) marks.add(alias)
    }
  } catch (cause) {
    if ((await kernel.netns(path)).netns === 'there') throw cause
  }
}

/**
 * One path of each namespace, by its dev:ino. A process that may not be looked
 * into is in a namespace that another stands for, known by the number of its
 * `net/dev`, which is one a namespace.
 * @throws where it is in none of those
 */
async function namespaces(): Promise<Map<string, NetnsPath>> {
  const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const named = await readdir(NAMED).catch(() => [])
  const found = new Map<string, NetnsPath>()
  const seen = new Set<number>()
  const closed: { readonly pid: string; readonly cause: unknown }[] = []
  const note = async (path: string): Promise<void> => {
    const { dev, ino } = await stat(path)
    if (!found.has(`${dev}:${ino}`)) found.set(`${dev}:${ino}`, parseNetnsPath(path))
  }
  for (const name of named) await note(`${NAMED}/${name}`).catch(unlessGone)
  for (const pid of processes) {
    try {
      await note(`/proc/${pid}/ns/net`)
      seen.add((await stat(`/proc/${pid}/net/dev`)).ino)
    } catch (cause) {
      if (!isGone(cause)) closed.push({ pid, cause })
    }
  }
  for (const { pid, cause } of closed) {
    const numbers = await stat(`/proc/${pid}/net/dev`).catch(unlessGone)
    if (numbers !== undefined && !seen.has(numbers.ino)) throw cause
  }
  return found
}

/** ENOENT, ESRCH, EINVAL: the process, or the file, has ended meanwhile. */
function isGone(cause: unknown): boolean {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  return ['ENOENT', 'ESRCH', 'EINVAL'].includes(code)
}

function unlessGone(cause: unknown): undefined {
  if (!isGone(cause)) throw cause
}
