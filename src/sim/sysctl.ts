/**
 * Network sysctls of a simulated namespace: those per link follow their link
 * through renames and die with it; the rest are what somebody wrote, or the
 * defaults below.
 *
 * Spec: Linux Documentation/networking/ip-sysctl.rst.
 * @module
 */
import { linkNamed } from './find.ts'
import { type Refusal, refusal } from './errno.ts'
import type { SimLink, SimNetns } from './host.ts'

/** Defaults of the kernel below conf/NAME. */
const PER_LINK: Readonly<Record<string, string>> = {
  'ipv4/accept_local': '0',
  'ipv4/arp_announce': '0',
  'ipv4/arp_filter': '0',
  'ipv4/arp_ignore': '0',
  'ipv4/arp_notify': '0',
  'ipv4/forwarding': '0',
  'ipv4/promote_secondaries': '0',
  'ipv4/proxy_arp': '0',
  'ipv4/proxy_arp_pvlan': '0',
  'ipv4/route_localnet': '0',
  'ipv4/rp_filter': '0',
  'ipv4/send_redirects': '1',
  'ipv4/src_valid_mark': '0',
  'ipv6/accept_dad': '1',
  'ipv6/accept_ra': '1',
  'ipv6/addr_gen_mode': '0',
  'ipv6/autoconf': '1',
  'ipv6/dad_transmits': '1',
  'ipv6/disable_ipv6': '0',
  'ipv6/forwarding': '0',
  'ipv6/keep_addr_on_down': '0',
  'ipv6/ndisc_notify': '0',
  'ipv6/proxy_ndp': '0',
}
const PER_NETNS: Readonly<Record<string, string>> = {
  'net/ipv4/ip_forward': '0',
  'net/ipv4/ip_nonlocal_bind': '0',
  'net/ipv4/ping_group_range': '1\t0',
  'net/ipv6/bindv6only': '0',
}
/** What is set on `all` holds on every link, whatever the link says. */
const ALL_WINS = new Set(['ipv6/disable_ipv6'])
const FORWARD = 'net/ipv4/ip_forward'

/** Value of `net/FAMILY/conf/LINK/KEY`, by `FAMILY/KEY`. */
export function linkSysctl(link: SimLink, key: string): string | undefined {
  const { netns, sysctl } = link
  return sysctl.get(key) ?? netns.sysctl.get(pathOf('default', key)) ?? PER_LINK[key]
}

/** Undefined when there is no such file. */
export function readSysctl(netns: SimNetns, path: string): string | undefined {
  const parts = confParts(path)
  if (parts === undefined) return netns.sysctl.get(path) ?? PER_NETNS[path]
  const { name, key } = parts
  if (name !== 'all' && name !== 'default') {
    const link = linkNamed(netns, name)
    return link === undefined ? undefined : linkSysctl(link, key)
  }
  if (name === 'all' && key === 'ipv4/forwarding') return readSysctl(netns, FORWARD)
  return netns.sysctl.get(path) ?? PER_LINK[key]
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
