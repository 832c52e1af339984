/**
 * Calls the CNI shim as a container runtime does: by environment, standard
 * input and CNI_PATH, in the network namespace of the node.
 *
 * Spec: CNI 1.1.0, section 2 and 3.
 * @module
 */
import { isRecord } from '#schema/zod.ts'
import { type Ran, execute } from './command.ts'
import type { Added, Bound } from './ground.ts'

/** Where a call goes. */
export type Runtime = {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Path of the node's network namespace. */
  readonly nodeNetns: string
  /** Path of the pod's network namespace. */
  readonly podNetns: string
  /** Folder with the shim under the name `verbena`. */
  readonly cniPath: string
  /** Socket of the node's agent. */
  readonly socket: string
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

/** What a runtime's configuration folder holds on a node of Verbena's. */
const CONF = { cniVersion: '1.0.0', name: 'verbena', type: 'verbena' }
export const POD_INTERFACE = 'eth0'

/** ADD; what the plugin refuses is an answer. */
export async function addPod(bound: Bound, runtime: Runtime): Promise<Added> {
  const ran = await call('ADD', bound, runtime)
  if (ran.status !== 0) return { added: false, reason: reasonIn(ran) }
  return { added: true, ips: addressesIn(ran.stdout), ms: ran.ms }
}

/** DEL; the reason where it did not succeed. */
export async function delPod(bound: Bound, runtime: Runtime): Promise<string | undefined> {
  const ran = await call('DEL', bound, runtime)
  return ran.status === 0 ? undefined : reasonIn(ran)
}

function call(verb: 'ADD' | 'DEL', bound: Bound, runtime: Runtime): Promise<Ran> {
  const { pod, containerId } = bound
  const { nodeNetns, podNetns, cniPath, socket, signal } = runtime
  const args = {
    IgnoreUnknown: '1',
    K8S_POD_NAMESPACE: pod.metadata.namespace ?? 'default',
    K8S_POD_NAME: pod.metadata.name,
    K8S_POD_INFRA_CONTAINER_ID: containerId,
    K8S_POD_UID: pod.metadata.uid,
  }
  const env = {
    ...runtime.env,
    CNI_COMMAND: verb,
    CNI_CONTAINERID: containerId,
    CNI_NETNS: podNetns,
    CNI_IFNAME: POD_INTERFACE,
    CNI_PATH: cniPath,
    CNI_ARGS: Object.entries(args)
      .map((pair) => pair.join('='))
      .join(';'),
    VERBENA_SOCKET: socket,
    VERBENA_WAIT_MS: '5000',
  }
  const words = ['nsenter', `--net=${nodeNetns}`, `${cniPath}/verbena`]
  return execute({ words, env, stdin: JSON.stringify(CONF), timeoutMs: runtime.timeoutMs, signal })
}

/** The message of a CNI error object, with its details. */
export function reasonIn({ stdout, all, status }: Pick<Ran, 'stdout' | 'all' | 'status'>): string {
  const error = parsed(stdout)
  if (error === undefined) return all.trim() || `the plugin ended with status ${status}`
  const parts = [error['msg'], error['details']].filter((part) => typeof part === 'string')
  return parts.filter((part) => part !== '').join(': ')
}

/** Addresses with prefix length, in the result's order. */
export function addressesIn(stdout: string): string[] {
  const ips = parsed(stdout)?.['ips']
  if (!Array.isArray(ips)) return []
  return ips.flatMap((ip: unknown) =>
    isRecord(ip) && typeof ip['address'] === 'string' ? [ip['address']] : [],
  )
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}
