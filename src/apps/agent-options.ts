/**
 * Options of `verbena agent` with what each means: for its parser and for the
 * command tree of the CLI, which may not import the agent.
 * @module
 */

export const AGENT_OPTIONS = [
  { name: 'node', value: 'NAME', help: 'name of the node (default: host name)' },
  { name: 'store', value: 'FILE', help: 'store (default: /var/lib/verbena/store.db)' },
  { name: 'state', value: 'DIR', help: 'journal folder (default: /var/lib/verbena/NODE)' },
  { name: 'socket', value: 'FILE', help: 'shim socket (default: /run/verbena/agent.sock)' },
  { name: 'status-socket', value: 'FILE', help: 'status socket (default: beside the shim socket)' },
  { name: 'cluster-network', value: 'NS/NAME', help: 'network of pods that name none' },
  { name: 'conf-dir', value: 'DIR', help: 'CNI configurations by name (default: /etc/cni/net.d)' },
  {
    name: 'pod-resources',
    value: 'FILE',
    help: "kubelet's PodResources answer (default: its checkpoint)",
  },
  {
    name: 'ip-conflict-detection',
    value: 'true|false',
    help: 'ask the network before an address is used (default: enableIPConflictDetection)',
  },
  {
    name: 'gateway-detection',
    value: 'true|false',
    help: 'and for its gateway (default: enableGatewayDetection of spiderpool-conf)',
  },
  { name: 'host-root', value: 'DIR', help: 'where the host root is mounted (default: none)' },
] as const
