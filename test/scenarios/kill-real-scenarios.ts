/**
 * What a real agent is killed in the middle of: networks that take every kind
 * of step there is on Ethernet, plugins and IPAMs of other vendors included.
 * @module
 */
import { COORDINATOR } from './documents.ts'
import type { RealNode } from './real-node.ts'

export type RealScenario = {
  readonly does: string
  /** Plugins of each network of the pod, the default one first. */
  networks(node: RealNode): readonly (readonly object[])[]
  /** Plugins of other vendors, as shell scripts by name. */
  scripts(node: RealNode): readonly (readonly [string, string])[]
  /** What the pod has in the end beside `lo`. */
  readonly links: readonly string[]
  readonly held: {
    readonly addresses: number
    readonly allocations: number
    readonly files: number
  }
  /** Undone only while a shim is there that runs the other vendor's plugin. */
  readonly needsShim: boolean
}

const POOL = { type: 'spiderpool', default_ipv4_ippool: ['v4'] } as const
const macvlan = (ipam: object): object => ({ type: 'macvlan', master: 'up0', ipam })
/** Kept in a folder of the test's own. */
const filesIn = (node: RealNode, type: string): object => ({
  type,
  subnet: '10.8.0.0/24',
  dataDir: `${node.folder}/networks`,
})
const TUNE = { type: 'acme-tune', sysctl: { 'net.ipv4.conf.eth0.arp_filter': '1' } } as const

/** A plugin of Debian's under another name, so that it is none of ours. */
const debian = (name: string): string => `/usr/lib/cni/${name}`

/** Files that tell a plugin to kill its caller, once: before it did anything, or after all. */
export const DEADLY = ['before', 'after'] as const

/** A plugin that kills the process that runs it, or the one whose id the file holds. */
function deadly({ folder }: RealNode, plugin: string): string {
  const kills = (when: string): string => `[ -e ${folder}/kill-${when} ] && {
  victim=$(cat ${folder}/kill-${when}); rm ${folder}/kill-${when}
  kill -9 \${victim:-$PPID}; sleep 0.05
}`
  return `${kills('before')}
[ -e ${folder}/kill-after ] || exec ${plugin}
${plugin}
status=$?
${kills('after')}
exit $status`
}

export const REAL_SCENARIOS: readonly RealScenario[] = [
  {
    does: 'macvlan, spiderpool and the coordinator, twice',
    networks: () => [
      [macvlan(POOL), COORDINATOR],
      [macvlan(POOL), COORDINATOR],
    ],
    scripts: () => [],
    links: ['eth0', 'net1', 'veth0'],
    held: { addresses: 2, allocations: 2, files: 0 },
    needsShim: false,
  },
  {
    does: 'macvlan and host-local',
    networks: (node) => [[macvlan(filesIn(node, 'host-local'))]],
    scripts: () => [],
    links: ['eth0'],
    held: { addresses: 1, allocations: 0, files: 1 },
    needsShim: false,
  },
  {
    does: "another vendor's IPAM, and another's plugin behind ours",
    networks: (node) => [[macvlan(filesIn(node, 'acme-ipam')), TUNE]],
    scripts: (node) => [
      ['acme-ipam', deadly(node, debian('host-local'))],
      ['acme-tune', deadly(node, debian('tuning'))],
    ],
    links: ['eth0'],
    held: { addresses: 1, allocations: 0, files: 1 },
    needsShim: true,
  },
  {
    does: "another vendor's main plugin, which calls our IPAM",
    networks: () => [[{ type: 'acme-link', master: 'up0', ipam: POOL }, COORDINATOR]],
    scripts: (node) => [['acme-link', deadly(node, debian('macvlan'))]],
    links: ['eth0', 'veth0'],
    held: { addresses: 1, allocations: 1, files: 0 },
    needsShim: true,
  },
]
