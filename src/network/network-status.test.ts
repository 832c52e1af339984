/** The text of the network-status annotation. @module */
import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { parseHardwareAddress } from '#values/hardware-address.ts'
import { parseIfName } from '#values/if-name.ts'
import { parseCidr } from '#values/cidr.ts'
import { parseIp } from '#values/ip.ts'
import { EMPTY_RESULT } from '#wire/cni/empty-result.ts'
import type { CniResult } from '#wire/cni/result.ts'
import { networkStatusOf } from './network-status.ts'

function linkOf(name: string, sandbox: string | undefined) {
  const mac = parseHardwareAddress('02:00:00:00:00:01')
  return { name: parseIfName(name), mac, mtu: 2044, sandbox, rest: {} }
}

function ipOf(cidr: string, at?: number, gateway?: string) {
  return {
    address: parseCidr(cidr),
    gateway: gateway ? parseIp(gateway) : undefined,
    interface: at,
  }
}

function routeOf(dst: string, gw: string | undefined) {
  return {
    dst: parseCidr(dst),
    gw: gw ? parseIp(gw) : undefined,
    mtu: undefined,
    advmss: undefined,
    priority: undefined,
    table: undefined,
    scope: undefined,
  }
}

const made = (result: Partial<CniResult>, isDefault = false) => ({
  network: 'ns/net',
  isDefault,
  result: { ...EMPTY_RESULT, ...result },
  deviceInfo: undefined,
})

test('networkStatusOf() prints one interface as Multus does', () => {
  const result = {
    interfaces: [linkOf('veth1', undefined), linkOf('eth0', '/run/netns/a')],
    ips: [ipOf('172.91.0.100/16', 1, '172.91.0.1'), ipOf('fd00::1/64')],
    routes: [
      routeOf('0.0.0.0/0', '172.91.0.1'),
      routeOf('::/0', undefined),
      routeOf('10.0.0.0/8', '1.1.1.1'),
    ],
  }
  equal(
    networkStatusOf([made(result, true), made({ interfaces: [linkOf('net1', 'x')] })]),
    `[{
    "name": "ns/net",
    "interface": "eth0",
    "ips": [
        "172.91.0.100",
        "fd00::1"
    ],
    "mac": "02:00:00:00:00:01",
    "mtu": 2044,
    "default": true,
    "dns": {},
    "gateway": [
        "172.91.0.1"
    ]
},{
    "name": "ns/net",
    "interface": "net1",
    "mac": "02:00:00:00:00:01",
    "mtu": 2044,
    "dns": {}
}]`,
  )
})

test('networkStatusOf() prints one element for each interface of the pod', () => {
  const result = {
    interfaces: [linkOf('a', 's'), linkOf('host', undefined), linkOf('b', 's')],
    ips: [ipOf('10.0.0.1/8', 0), ipOf('10.0.0.2/8', 2, '10.0.0.9'), ipOf('10.0.0.3/8')],
    dns: { nameservers: ['10.0.0.53'], domain: undefined, search: [], options: [] },
  }
  const short = networkStatusOf([made(result, true)]).replaceAll(/\n\s*/g, '')
  const rest = '"mac": "02:00:00:00:00:01","mtu": 2044,'
  const dns = '"dns": {"nameservers": ["10.0.0.53"]}'
  equal(
    short,
    `[{"name": "ns/net","interface": "a","ips": ["10.0.0.1"],${rest}${dns}},` +
      `{"name": "ns/net","interface": "b","ips": ["10.0.0.2","10.0.0.3"],${rest}` +
      `"default": true,${dns}}]`,
  )
})

test('networkStatusOf() prints what a result without interfaces has', () => {
  const status = networkStatusOf([
    { ...made({ ips: [ipOf('10.0.0.1/8')] }), deviceInfo: { type: 'pci' } },
  ])
  equal(
    status.replaceAll(/\n\s*/g, ''),
    '[{"name": "ns/net","ips": ["10.0.0.1"],"dns": {},"device-info": {"type": "pci"}}]',
  )
})
