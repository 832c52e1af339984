/**
 * Network sysctls of a simulated namespace: those per link follow their link
 * through renames and die with it; the rest are what somebody wrote, or the
 * kernel's first values.
 *
 * Spec: Linux Documentation/networking/ip-sysctl.rst.
 * @module
 */
import { linkNamed } from './find.ts'
import { type Refusal, refusal } from './errno.ts'
import type { SimLink, SimNetns } from './host.ts'
import { LINK_SYSCTLS, NETNS_SYSCTLS } from './sysctl-defaults.ts'

/** What is set on `all` holds on every link, whatever the link says. */
const ALL_WINS = new Set(['ipv6/disable_ipv6'])
const FORWARD = 'net/ipv4/ip_forward'

/** Value of `net/FAMILY/conf/LINK/KEY`, by `FAMILY/KEY`. */
export function linkSysctl(link: SimLink, key: string): string | undefined {
  const { netns, sysctl } = link
  return sysctl.get(key) ?? netns.sysctl.get(pathOf('default', key)) ?? LINK_SYSCTLS.get(key)
}

/** Undefined when there is no such file. */
export function readSysctl(netns: SimNetns, path: string): string | undefined {
  const parts = confParts(path)
  if (parts === undefined) return netns.sysctl.get(path) ?? NETNS_SYSCTLS.get(path)
  const { name, key } = parts
  if (name !== 'all' && name !== 'default') {
    const link = linkNamed(netns, name)
    return link === undefined ? undefined : linkSysctl(link, key)
  }
  if (name === 'all' && key === 'ipv4/forwarding') return readSysctl(netns, FORWARD)
  return netns.sysctl.get(path) ?? LINK_SYSCTLS.get(key)
}

/** Writes a value; the consequences for addresses are `links.ts`'s. */
export function writeSysctl(netns: SimNetns, path: string, value: string): Refusal | undefined {
  if (readSysctl(netns, path) === undefined) return refusal('ENOENT')
  const parts = confParts(path)
  if (path === FORWARD || (parts?.name === 'all' && parts.key === 'ipv4/forwarding')) {
    netns.sysctl.set(FORWARD, value)
    netns.sysctl.set(pathOf('default', 'ipv4/forwarding'), value)
    for (const link of netns.links) link.sysctl.set('ipv4/forwarding', value)
    return undefined
  }
  const link = parts === undefined ? undefined : linkNamed(netns, parts.name)
  if (parts !== undefined && link !== undefined) link.sysctl.set(parts.key, value)
  else if (value === NETNS_SYSCTLS.get(path)) netns.sysctl.delete(path)
  else netns.sysctl.set(path, value)
  if (parts?.name === 'all' && ALL_WINS.has(parts.key)) {
    netns.sysctl.set(pathOf('default', parts.key), value)
    for (const each of netns.links) each.sysctl.set(parts.key, value)
  }
  return undefined
}

/** `net/FAMILY/conf/NAME/KEY` of a key `FAMILY/KEY`. */
export function pathOf(name: string, key: string): string {
  const [family, last] = key.split('/')
  return `net/${family}/conf/${name}/${last}`
}

/** The link and the key `FAMILY/KEY` of a path below conf/, else undefined. */
export function confParts(path: string): { name: string; key: string } | undefined {
  const [, family, name = '', key] = /^net\/(ipv[46])\/conf\/([^/]+)\/([^/]+)$/.exec(path) ?? []
  return family === undefined ? undefined : { name, key: `${family}/${key}` }
}
