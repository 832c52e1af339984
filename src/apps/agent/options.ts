/**
 * Command line of the agent.
 * @module
 */
import { parseArgs } from 'node:util'
import { AGENT_OPTIONS } from '#apps/agent-options.ts'

/** Where the agent listens, keeps its state, and what it serves. */
export type AgentOptions = {
  /** Name of the Node it serves. */
  readonly node: string
  /** SQLite file of the standalone store, shared by the machine's agents. */
  readonly store: string
  /** Folder of its own journal. */
  readonly state: string
  /** Unix socket of the shim. */
  readonly socket: string
  /** Unix socket of the CLI. */
  readonly statusSocket: string
  /** `namespace/name` of the network of pods that name none. */
  readonly clusterNetwork: { readonly namespace: string; readonly name: string } | undefined
  /** Folder with CNI configurations that are referred to by name. */
  readonly confDir: string
  /** File with the kubelet's PodResources answer; undefined for its checkpoint. */
  readonly podResources: string | undefined
  /** Path under which the host's files are seen; empty when it is the host's own root. */
  readonly hostRoot: string
  /** What the network is asked before an address is used; undefined: as spiderpool-conf says. */
  readonly probing: {
    readonly conflict: boolean | undefined
    readonly gateway: boolean | undefined
  }
}

/** Reads the arguments after `agent`. @throws {TypeError} naming an option that does not exist */
export function parseAgentOptions(argv: readonly string[], hostName: string): AgentOptions {
  const options = Object.fromEntries(
    AGENT_OPTIONS.map(({ name }) => [name, { type: 'string' }] as const),
  )
  const { values } = parseArgs({ args: [...argv], options, strict: true })
  const text = (name: string, otherwise: string): string => values[name] ?? otherwise
  const node = text('node', hostName)
  const socket = text('socket', '/run/verbena/agent.sock')
  return {
    node,
    store: text('store', '/var/lib/verbena/store.db'),
    state: text('state', `/var/lib/verbena/${node}`),
    socket,
    statusSocket: text('status-socket', socket.replace(/[^/]*$/, 'status.sock')),
    clusterNetwork: networkName(text('cluster-network', '')),
    confDir: text('conf-dir', '/etc/cni/net.d'),
    podResources: values['pod-resources'],
    hostRoot: text('host-root', ''),
    probing: {
      conflict: truth('ip-conflict-detection', values['ip-conflict-detection']),
      gateway: truth('gateway-detection', values['gateway-detection']),
    },
  }
}

/** Undefined when it is not said. @throws {TypeError} for another word */
function truth(name: string, text: string | undefined): boolean | undefined {
  if (text === undefined || text === 'true' || text === 'false') {
    return text === undefined ? undefined : text === 'true'
  }
  throw new TypeError(`--${name} ${text} is neither true nor false`)
}

/** `namespace/name`; undefined for no text. @throws {TypeError} for another form */
function networkName(text: string): AgentOptions['clusterNetwork'] {
  if (text === '') return undefined
  const [namespace, name, ...more] = text.split('/')
  if (!namespace || !name || more.length > 0) {
    throw new TypeError(`--cluster-network ${text} is not NAMESPACE/NAME`)
  }
  return { namespace, name }
}
