/**
 * What the tests of ipoib share: a request and an observation in which nothing is amiss.
 * @module
 */
import { parseIfName } from '#values/if-name.ts'
import { parseCidr } from '#values/cidr.ts'
import { parseIp } from '#values/ip.ts'
import type { Link } from '#values/link.ts'
import { VERBENA_GROUP } from '#values/mark.ts'
import { parseNetnsPath } from '#values/netns.ts'
import { parsePciAddress } from '#values/pci-address.ts'
import { parsePkey } from '#values/pkey.ts'
import { NO_DNS } from '#wire/cni/empty-result.ts'
import type { Addressing } from '#wire/cni/result.ts'
import { type IpoibConf, type IpoibSaw } from './ipoib.ts'
import type { PluginRequest } from './plugin.ts'

export const parent: Link = {
  index: 3,
  name: parseIfName('ib0'),
  kind: { kind: 'ipoib', pkey: parsePkey('0xffff'), mode: 'datagram', umcast: true },
  arpType: 32,
  up: true,
  carrier: true,
  mtu: 2044,
  address: undefined,
  parent: undefined,
  master: undefined,
  promiscuous: false,
  allMulticast: false,
  txQueueLength: 1000,
  altNames: [],
  group: 0,
  alias: undefined,
  pci: parsePciAddress('0000:86:00.0'),
}
export const saw: IpoibSaw = {
  existing: undefined,
  ipv6Disabled: '0',
  parent,
  driver: 'ibfake',
  port: { rdmaDevice: 'ibfake0', port: 1, pkeys: [parsePkey('0xffff')] },
  guids: undefined,
}
export const conf: IpoibConf = {
  master: parent.name,
  pkey: undefined,
  mode: undefined,
  mtu: undefined,
  guid: undefined,
  dns: undefined,
}
const route = {
  gw: undefined,
  mtu: undefined,
  advmss: undefined,
  priority: undefined,
  table: undefined,
  scope: undefined,
}
export const v4: Addressing = {
  ips: [
    { address: parseCidr('172.91.0.100/16'), gateway: parseIp('172.91.0.1'), interface: undefined },
  ],
  routes: [{ ...route, dst: parseCidr('0.0.0.0/0') }],
  dns: NO_DNS,
}
export const v6: Addressing = {
  ips: [{ address: parseCidr('fd00::5/64'), gateway: undefined, interface: undefined }],
  routes: [{ ...route, dst: parseCidr('fd10::7/32'), gw: parseIp('fd00::9'), priority: 7 }],
  dns: NO_DNS,
}
export const request: PluginRequest<IpoibConf> = {
  conf,
  netns: parseNetnsPath('/run/netns/a'),
  ifName: parseIfName('eth0'),
  containerId: 'c1',
  mark: 'mark-1',
  temp: parseIfName('vbtemp'),
  prevResult: undefined,
  addressing: undefined,
}
export const mine: Link = {
  ...parent,
  name: request.ifName,
  pci: undefined,
  group: VERBENA_GROUP,
  alias: 'mark-1',
}
