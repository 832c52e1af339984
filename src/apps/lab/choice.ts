/**
 * Which ground a run takes: the best that this machine can do, and why no
 * better one; or the one that was asked for.
 * @module
 */
import { existsSync } from 'node:fs'
import { textOfThrown } from '#values/failure.ts'
import { execute } from './command.ts'
import { GROUND_NAMES, type GroundName } from './ground-name.ts'
import { installed } from './run.ts'

/** A better ground, and why it was not taken. */
export type NotTaken = { readonly ground: GroundName; readonly reason: string }

type Env = Readonly<Record<string, string | undefined>>

/** What is real on a ground, and what is not. */
export const GROUND_TEXTS: Readonly<Record<GroundName, { real: string; standsIn: string }>> = {
  vm: {
    real:
      "the Linux kernel's own ib_core, ib_ipoib and network namespaces, the CNI binary, the " +
      'agents, address allocation, ping; in a throw-away virtual machine',
    standsIn:
      'a software HCA (kernel module ibfake) for the adapter and its fabric; images are not pulled',
  },
  host: {
    real:
      "this machine's kernel and network namespaces, the CNI binary, the agents, address " +
      'allocation, ping',
    standsIn:
      'a macvlan over a veth for the IPoIB child, so there is no GUID and no P_Key; images are ' +
      'not pulled',
  },
  sim: {
    real: "all of Verbena's own code: admission, addresses, the plan of every attachment",
    standsIn: 'a simulated kernel and fabric: no packet is sent, no process is started in a pod',
  },
}

/** Grounds to try, best first. */
export function candidates(asked: GroundName | undefined): readonly GroundName[] {
  return asked === undefined ? GROUND_NAMES : [asked]
}

/** Grounds that were left out because another was asked for. */
export function leftOut(asked: GroundName | undefined): NotTaken[] {
  if (asked === undefined) return []
  const better = GROUND_NAMES.slice(0, GROUND_NAMES.indexOf(asked))
  return better.map((ground) => ({ ground, reason: `ground ${asked} was asked for` }))
}

/** What a run wants of its ground. */
export type Wish = { readonly ground: GroundName; readonly keep: boolean }

/** Why a ground cannot be had here; undefined when it can, as far as can be told. */
export async function obstacle({ ground, keep }: Wish, env: Env): Promise<string | undefined> {
  if (keep && ground === 'sim') return 'a run cannot be kept on it: it ends with the lab'
  if (keep && ground === 'host' && !isRoot()) {
    return 'a run can be kept by root only: a user namespace ends with the lab'
  }
  const lacking = BUILT.find((path) => !existsSync(installed(path)))
  if (lacking !== undefined) return `${lacking} is not built, make builds it`
  if (ground === 'sim') return undefined
  if (process.platform !== 'linux') return `it needs Linux, this is ${process.platform}`
  return ground === 'vm' ? machineObstacle(env) : kernelObstacle(env)
}

const BUILT = ['dist/verbena.js', 'dist/agent.js', 'build/verbena-cni', 'build/netns.node']
/** All kinds of links that ground host makes, in a namespace that ends with the probe. */
const PROBE =
  'ip link add vla type veth peer name vlb && ip link add vlc type bridge && ' +
  'ip link add link vla name vld type macvlan mode bridge && command -v ping nsenter >/dev/null'

async function machineObstacle(env: Env): Promise<string | undefined> {
  const testbed = installed('test/testbed/testbed.sh')
  if (!existsSync(testbed)) return 'the test bed (test/testbed) is not there'
  const ran = await execute({ words: [testbed, 'check'], env })
  if (ran.status === 0) return undefined
  return (
    ran.all
      .trim()
      .split('\n')
      .at(-1)
      ?.replace(/^testbed: (skipped: )?/, '') ?? 'it cannot run'
  )
}

async function kernelObstacle(env: Env): Promise<string | undefined> {
  const words = ['unshare', ...(isRoot() ? [] : USER_NAMESPACE), '--net', 'sh', '-c', PROBE]
  const ran = await execute({ words, env }).catch((cause: unknown) => {
    return { status: 1, all: textOfThrown(cause) }
  })
  if (ran.status === 0) return undefined
  const said = ran.all.trim().split('\n').at(-1) || 'a program is absent: ping or nsenter'
  return isRoot() ? said : `neither root nor an unprivileged user namespace: ${said}`
}

/** Options of unshare(1) for somebody who is not root. */
export const USER_NAMESPACE = ['--user', '--map-root-user']

export function isRoot(): boolean {
  return process.getuid?.() === 0
}
