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

export const POD_INTERFACE = 'eth0'

/** What a runtime's configuration folder holds on a node of Verbena's. */
export function cniConf(): string {
  return JSON.stringify({ cniVersion: '1.0.0', name: 'verbena', type: 'verbena' })
}

/** CNI_ARGS of a Kubernetes runtime. */
export function cniArgs({ pod, containerId }: Bound): string {
  const { name, namespace = 'default', uid } = pod.metadata
  return [
    'IgnoreUnknown=1',
    `K8S_POD_NAMESPACE=${namespace}`,
    `K8S_POD_NAME=${name}`,
    `K8S_POD_INFRA_CONTAINER_ID=${containerId}`,
    `K8S_POD_UID=${uid}`,
  ].join(';')
}

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
  const { containerId } = bound
  const { nodeNetns, podNetns, cniPath, socket, signal } = runtime
  const env = {
    ...runtime.env,
    CNI_COMMAND: verb,
    CNI_CONTAINERID: containerId,
    CNI_NETNS: podNetns,
    CNI_IFNAME: POD_INTERFACE,
    CNI_PATH: cniPath,
    CNI_ARGS: cniArgs(bound),
    VERBENA_SOCKET: socket,
    VERBENA_WAIT_MS: '5000',
  }
  const words = ['nsenter', `--net=${nodeNetns}`, `${cniPath}/verbena`]
  return execute({ words, env, stdin: cniConf(), timeoutMs: runtime.timeoutMs, signal })
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
