/**
 * Documents in the store of the scenarios: pools, network objects, and the
 * plugins that networks are made of.
 * @module
 */
import type { Document } from '#needs/records.ts'

/** A pool in the form in which admission stores it. */
export function pool(name: string, subnet: string, ips: string): Document {
  return {
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderIPPool',
    metadata: { name },
    spec: { ipVersion: subnet.includes(':') ? 6 : 4, subnet, ips: [ips] },
  }
}

/** A network object: a list of plugins, or a text as it is. */
export function nad(name: string, plugins: readonly object[] | string): Document {
  const config =
    typeof plugins === 'string' ? plugins : JSON.stringify({ cniVersion: '1.0.0', name, plugins })
  return {
    apiVersion: 'k8s.cni.cncf.io/v1',
    kind: 'NetworkAttachmentDefinition',
    metadata: { name, namespace: 'kube-system' },
    spec: { config },
  }
}

/** Annotations of a pod with a default network and others, all of `kube-system`. */
export function networks(first: string, ...others: readonly string[]): Record<string, string> {
  return {
    'v1.multus-cni.io/default-network': `kube-system/${first}`,
    ...(others.length === 0
      ? {}
      : { 'k8s.v1.cni.cncf.io/networks': others.map((one) => `kube-system/${one}`).join() }),
  }
}

/** `ipam` parts by who gives the addresses. */
export const IPAM = {
  hostLocal: {
    type: 'host-local',
    subnet: '10.8.0.0/24',
    routes: [{ dst: '0.0.0.0/0' }],
    gateway: '10.8.0.1',
  },
  spiderpool: { type: 'spiderpool', default_ipv4_ippool: ['v4'] },
  both: { type: 'spiderpool', default_ipv4_ippool: ['v4'], default_ipv6_ippool: ['v6'] },
  foreign: { type: 'acme-ipam' },
} as const

/** The pools that {@link IPAM} names: 20 IPv4 addresses, and as many IPv6. */
export const POOLS: readonly Document[] = [
  pool('v4', '10.7.0.0/16', '10.7.0.100-10.7.0.119'),
  pool('v6', 'fd07::/64', 'fd07::100-fd07::113'),
]

/** Plugin objects of a network. */
export const macvlanOn = (ipam: object, master = 'eth1'): object => ({
  type: 'macvlan',
  master,
  ipam,
})
export const ipoibOn = (ipam: object, master = 'ib0', more: object = {}): object => ({
  type: 'ipoib',
  master,
  ipam,
  ...more,
})
export const COORDINATOR = { type: 'coordinator', mode: 'underlay' } as const
