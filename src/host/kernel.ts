/**
 * The host's kernel as `needs/kernel.ts` wants it: questions and effects over
 * netlink, /proc/sys and sysfs. Needs CAP_NET_ADMIN and CAP_SYS_ADMIN (setns).
 * @module
 */
import { readFile } from 'node:fs/promises'
import type { Random } from '#needs/clock.ts'
import type { Kernel } from '#needs/kernel.ts'
import { hostRandom } from './clock.ts'
import { hostEffects } from './effects.ts'
import { fail } from './failures.ts'
import { poolLimit } from './limit.ts'
import type { HostView } from './namespaces.ts'
import { netdevsOf } from './netdevs.ts'
import { netlinkQuestions } from './questions.ts'
import { Sightings } from './sightings.ts'
import { driverOf, hcaPort, portGuids } from './sysfs.ts'

/** What of the host is served; all of it, seen from within, unless said otherwise. */
export type HostOptions = Partial<HostView> & {
  /** Where sysfs is mounted. */
  readonly sysRoot?: string
  readonly random?: Random
}

/** The kernel under this process. A descriptor in the options stays the caller's. */
export function hostKernel(options: HostOptions = {}): Kernel {
  const { hostNetns = -1, hostRoot = '', sysRoot = '/sys', random = hostRandom() } = options
  const view = { hostNetns, hostRoot }
  const sightings = new Sightings()
  return {
    ...netlinkQuestions(view, sightings),
    driverOf: (pci) => driverOf(sysRoot, pci),
    hcaPort: (link) => hcaPort(sysRoot, link),
    netdevsOf: (folder) => netdevsOf(sysRoot, folder),
    fileText: (path) => textOf(hostRoot + path),
    portGuids: (port) => portGuids(sysRoot, port),
    ...hostEffects(view, { random, limit: poolLimit(), sightings }),
  }
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw fail('file-failed', { action: 'read', path, reason: code }, cause)
  }
}
