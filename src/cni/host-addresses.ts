/**
 * Which addresses of the host a pod must reach through its veth: the one the
 * host would use toward the pod, and every other that is the host's own, not a
 * virtual network's.
 * @module
 */
import { type Family, type Ip, familyOf } from '#values/ip.ts'
import { cidrParts } from '#values/cidr.ts'
import type { LinkAddress } from '#values/route.ts'

/** Interfaces of container networks and bridges; their addresses are not the host's own. */
const VIRTUAL = [
  'docker',
  'cbr',
  'dummy',
  'virbr',
  'lxcbr',
  'veth',
  'cali',
  'flannel',
  'kube-ipvs',
  'cni',
  'vx-submariner',
  'cilium',
]

/**
 * Host addresses by family, the one used toward the pod first, each once.
 * `sources` is in the order of the pod's addresses.
 */
export function hostIps(
  sources: readonly (Ip | undefined)[],
  addresses: readonly LinkAddress[],
): ReadonlyMap<Family, readonly Ip[]> {
  const own = addresses
    .filter(({ link, scope }) => scope === 'global' && link !== 'lo' && !isVirtual(link))
    .map(({ cidr }) => cidrParts(cidr).ip)
  const all = [...new Set([...sources.filter((ip) => ip !== undefined), ...own])]
  return new Map([
    [4, all.filter((ip) => familyOf(ip) === 4)],
    [6, all.filter((ip) => familyOf(ip) === 6)],
  ])
}

function isVirtual(link: string): boolean {
  return VIRTUAL.some((beginning) => link.startsWith(beginning))
}
