/**
 * What the tests of the coordinator share: a request and an observation in which nothing is amiss.
 * @module
 */
import { parseHardwareAddress } from '#values/hardware-address.ts'
import { parseIfName } from '#values/if-name.ts'
import { parseCidr } from '#values/cidr.ts'
import { parseIp } from '#values/ip.ts'
import type { Link } from '#values/link.ts'
import { parseNetnsPath } from '#values/netns.ts'
import type { LinkAddress } from '#values/route.ts'
import { NO_DNS } from '#wire/cni/empty-result.ts'
import type { CniResult, CniRoute } from '#wire/cni/result.ts'
import { type CoordinatorConf, parseCoordinator } from './coordinator-conf.ts'
import type { CoordinatorSaw } from './coordinator-planning.ts'
import type { PluginRequest } from './plugin.ts'

/** What the networks of the guide carry. */
export const GUIDE = {
  type: 'coordinator',
  name: 'ipoib',
  mode: 'auto',
  tunePodRoutes: true,
  txQueueLen: 0,
}

const eth0 = parseIfName('eth0')
export const link: Link = {
  index: 7,
  name: parseIfName('veth0'),
  kind: { kind: 'veth' },
  arpType: 1,
  up: true,
  carrier: true,
  mtu: 1500,
  address: parseHardwareAddress('02:00:00:00:00:0a'),
  parent: undefined,
  master: undefined,
  promiscuous: false,
  allMulticast: false,
  txQueueLength: 1000,
  altNames: [],
  group: 0,
  alias: undefined,
  pci: undefined,
}
const hostAddress = (name: string, cidr: string, scope: LinkAddress['scope'] = 'global') => ({
  link: parseIfName(name),
  cidr: parseCidr(cidr),
  scope,
  duplicate: false,
  tentative: false,
})
export const resultFor = (
  ifName: typeof eth0,
  ips: string[],
  routes: CniRoute[] = [],
): CniResult => ({
  interfaces: [{ name: ifName, mac: undefined, mtu: undefined, sandbox: '/run/netns/a', rest: {} }],
  ips: ips.map((cidr) => ({ address: parseCidr(cidr), gateway: undefined, interface: 0 })),
  routes,
  dns: NO_DNS,
})
export const saw: CoordinatorSaw = {
  podLinks: [],
  podAddresses: [],
  podRoutes: [],
  podRules: [],
  hostVeth: undefined,
  peer: undefined,
  hostAddresses: [
    hostAddress('lo', '127.0.0.1/8', 'host'),
    hostAddress('mgmt0', '192.168.7.5/24'),
    hostAddress('mgmt0', 'fe80::1/64', 'link'),
    hostAddress('mgmt1', '10.9.0.5/24'),
    hostAddress('docker0', '172.17.0.1/16'),
    hostAddress('vethcafe', '169.254.1.1/32'),
  ],
  sources: [parseIp('10.9.0.5')],
  sysctls: { 'net/ipv4/conf/all/rp_filter': '2' },
  macs: {
    pod: parseHardwareAddress('02:00:00:00:00:0a'),
    host: parseHardwareAddress('02:00:00:00:00:0b'),
  },
}
export const conf = parseCoordinator(GUIDE).conf
export const request: PluginRequest<CoordinatorConf> = {
  conf,
  netns: parseNetnsPath('/run/netns/a'),
  ifName: eth0,
  containerId: '0123456789abcdef',
  mark: 'mark-1',
  temp: parseIfName('vbtemp'),
  prevResult: resultFor(eth0, ['172.91.0.100/16']),
  addressing: undefined,
}
