/**
 * What the tests of macvlan share: a request and an observation in which nothing is amiss.
 * @module
 */
import { parseHardwareAddress } from '#values/hardware-address.ts'
import { parseIfName } from '#values/if-name.ts'
import { parseCidr } from '#values/cidr.ts'
import { parseIp } from '#values/ip.ts'
import type { Link } from '#values/link.ts'
import { parseNetnsPath } from '#values/netns.ts'
import { NO_DNS } from '#wire/cni/empty-result.ts'
import type { Addressing } from '#wire/cni/result.ts'
import { type MacvlanConf, type MacvlanSaw } from './macvlan.ts'
import type { PluginRequest } from './plugin.ts'

export const master: Link = {
  index: 2,
  name: parseIfName('ens1'),
  kind: { kind: 'physical' },
  arpType: 1,
  up: true,
  carrier: true,
  mtu: 1500,
  address: parseHardwareAddress('02:00:00:00:00:aa'),
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
export const random = parseHardwareAddress('02:00:00:00:00:01')
export const saw: MacvlanSaw = {
  existing: undefined,
  ipv6Disabled: '0',
  name: master.name,
  master,
  random,
}
export const conf: MacvlanConf = {
  master: master.name,
  linkInContainer: false,
  mode: 'bridge',
  mtu: 0,
  mac: undefined,
  bcQueueLength: 0,
  dns: undefined,
}
export const addressing: Addressing = {
  ips: [
    { address: parseCidr('10.0.0.5/24'), gateway: parseIp('10.0.0.1'), interface: undefined },
    { address: parseCidr('fd00::5/64'), gateway: parseIp('fd00::1'), interface: undefined },
  ],
  routes: ['0.0.0.0/0', '::/0', '0.0.0.0/0'].map((dst) => ({
    dst: parseCidr(dst),
    gw: undefined,
    mtu: undefined,
    advmss: undefined,
    priority: undefined,
    table: undefined,
    scope: undefined,
  })),
  dns: NO_DNS,
}
export const request: PluginRequest<MacvlanConf> = {
  conf,
  netns: parseNetnsPath('/run/netns/a'),
  ifName: parseIfName('net1'),
  containerId: 'c1',
  mark: 'mark-1',
  temp: parseIfName('vbtemp'),
  prevResult: undefined,
  addressing: undefined,
}
