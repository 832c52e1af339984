import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { parseIfName } from '#values/if-name.ts'
import { parseIp } from '#values/ip.ts'
import { parseNetnsPath } from '#values/netns.ts'
import { netnsAt } from './find.ts'
import { printAddresses, printRdmaLinks } from './print-link.ts'
import { printHost, printNeighbours, printRoutes, printRules } from './print.ts'
import { simKernel } from './kernel.ts'
import { simHost } from './read-world.ts'
import type { SimWorld } from './world.ts'
import { worldOf } from './write-world.ts'

const world: SimWorld = {
  netns: {
    host: {
      links: [
        {
          name: 'eth0',
          index: 2,
          address: '02:fc:00:00:00:01',
          mtu: 1400,
          up: true,
          addresses: ['192.0.2.2/24'],
          routes: [{ dst: 'default', via: '192.0.2.1' }],
          neighbours: [{ ip: '192.0.2.1', address: '02:fc:00:00:00:05', permanent: true }],
        },
        {
          name: 'ibs5f0',
          kind: 'ipoib',
          index: 3,
          up: true,
          driver: 'mlx5_core',
          pci: '0000:86:00.0',
          address: '00:00:10:49:fe:80:00:00:00:00:00:00:e8:eb:d3:03:00:93:ae:10',
        },
      ],
      rules: [{ family: 4, priority: 1000, to: '10.9.0.0/16', table: 500, protocol: 118 }],
      sysctl: { 'net/ipv4/ip_forward': '1', 'net/ipv4/conf/eth0/rp_filter': '2' },
    },
    '/run/netns/a': {
      links: [
        {
          name: 'net1',
          kind: 'ipoib',
          index: 7,
          parent: 'ibs5f0',
          up: true,
          pkey: '0x8001',
          address: '00:00:10:50:fe:80:00:00:00:00:00:00:e8:eb:d3:03:00:93:ae:10',
          group: 30306,
          alias: 'mine',
          addrGenMode: 'none',
          addresses: ['172.91.0.112/16'],
        },
      ],
      nftables: [{ name: 'verbena', chains: [] }],
    },
  },
  rdma: {
    mode: 'exclusive',
    devices: [
      {
        name: 'mlx5_0',
        pci: '0000:86:00.0',
        nodeGuid: 'e8:eb:d3:03:00:93:ae:10',
        pkeys: ['0xffff', 0x8001],
      },
    ],
  },
  files: { '/run/netns/b': '' },
}

test('worldOf() gives a world that simHost() makes the same host of', () => {
  const kernel = simKernel(world)
  const written = worldOf(kernel)
  const again = { host: simHost(JSON.parse(JSON.stringify(written))) }
  equal(printHost(again.host), printHost(kernel.host))
  deepEqual(worldOf(again), written)
})

test('printAddresses() prints as ip -d addr', () => {
  const { host } = simKernel(world)
  equal(
    printAddresses(host, netnsAt(host, 'host')),
    `\
1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
    inet 127.0.0.1/8 scope host lo
       valid_lft forever preferred_lft forever
    inet6 ::1/128 scope host
       valid_lft forever preferred_lft forever
2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1400 qdisc mq state UP group default qlen 1000
    link/ether 02:fc:00:00:00:01 brd ff:ff:ff:ff:ff:ff
    inet 192.0.2.2/24 brd 192.0.2.255 scope global eth0
       valid_lft forever preferred_lft forever
    inet6 fe80::fc:ff:fe00:1/64 scope link
       valid_lft forever preferred_lft forever
3: ibs5f0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 2044 qdisc mq state UP group default qlen 256
    link/infiniband 00:00:10:49:fe:80:00:00:00:00:00:00:e8:eb:d3:03:00:93:ae:10\
 brd 00:ff:ff:ff:ff:12:40:1b:ff:ff:00:00:00:00:00:00:ff:ff:ff:ff
    ipoib pkey  0xffff mode  datagram umcast  0000
    inet6 fe80::eaeb:d303:93:ae10/64 scope link
       valid_lft forever preferred_lft forever
`,
  )
})

test('printAddresses() of a pod shows the child, its partition and its mark', () => {
  const { host } = simKernel(world)
  const [, ...lines] = printAddresses(host, netnsAt(host, parseNetnsPath('/run/netns/a')))
    .split('\n')
    .slice(1)
  equal(
    lines.join('\n'),
    `\
7: net1@if3: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 2044 qdisc noqueue state UP group 30306 qlen 256
    link/infiniband 00:00:10:50:fe:80:00:00:00:00:00:00:e8:eb:d3:03:00:93:ae:10\
 brd 00:ff:ff:ff:ff:12:40:1b:80:01:00:00:00:00:00:00:ff:ff:ff:ff
    ipoib pkey  0x8001 mode  datagram umcast  0000
    alias mine
    inet 172.91.0.112/16 brd 172.91.255.255 scope global net1
       valid_lft forever preferred_lft forever
`,
  )
})

test('printRoutes(), printRules(), printNeighbours() and printRdmaLinks() print as ip does', () => {
  const { host } = simKernel(world)
  const netns = netnsAt(host, 'host')
  equal(
    printRoutes(netns),
    `\
192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.2
default via 192.0.2.1 dev eth0
local 127.0.0.0/8 dev lo table local proto kernel scope host src 127.0.0.1
local 127.0.0.1 dev lo table local proto kernel scope host src 127.0.0.1
broadcast 127.255.255.255 dev lo table local proto kernel scope link src 127.0.0.1
local 192.0.2.2 dev eth0 table local proto kernel scope host src 192.0.2.2
broadcast 192.0.2.255 dev eth0 table local proto kernel scope link src 192.0.2.2
fe80::/64 dev eth0 proto kernel metric 256 pref medium
fe80::/64 dev ibs5f0 proto kernel metric 256 pref medium
local ::1 dev lo table local proto kernel metric 0 pref medium
local fe80::fc:ff:fe00:1 dev eth0 table local proto kernel metric 0 pref medium
multicast ff00::/8 dev eth0 table local proto kernel metric 256 pref medium
local fe80::eaeb:d303:93:ae10 dev ibs5f0 table local proto kernel metric 0 pref medium
multicast ff00::/8 dev ibs5f0 table local proto kernel metric 256 pref medium
`,
  )
  equal(
    printRules(netns, 4),
    `\
0:\tfrom all lookup local
1000:\tfrom all to 10.9.0.0/16 lookup 500 proto 118
32766:\tfrom all lookup main
32767:\tfrom all lookup default
`,
  )
  equal(printNeighbours(netns), '192.0.2.1 dev eth0 lladdr 02:fc:00:00:00:05 PERMANENT\n')
  equal(
    printRdmaLinks(host),
    'link mlx5_0/1 subnet_prefix fe80:0000:0000:0000 lid 1 sm_lid 1' +
      ' lmc 0 state ACTIVE physical_state LINK_UP\n',
  )
})

test('questions of a world: driver, port, source address, paths', async () => {
  const kernel = simKernel(world)
  const parent = await kernel.link('host', parseIfName('ibs5f0'))
  if (parent?.pci === undefined) throw new Error('no parent')
  equal(await kernel.driverOf(parent.pci), 'mlx5_core')
  deepEqual(await kernel.hcaPort(parent), {
    rdmaDevice: 'mlx5_0',
    port: 1,
    pkeys: [0xffff, 0x8001],
  })
  equal(await kernel.sourceToward(parseIp('8.8.8.8')), '192.0.2.2')
  equal(await kernel.sourceToward(parseIp('fd00::8')), undefined)
  deepEqual(await kernel.netns(parseNetnsPath('/run/netns/b')), { netns: 'foreign' })
  equal((await kernel.netns(parseNetnsPath('/var/run/netns/host'))).netns, 'there')
})

for (const { does, links } of [
  { does: 'a parent that is not there', links: [{ name: 'a', kind: 'macvlan', parent: 'b' }] },
  { does: 'a mode of another kind', links: [{ name: 'a', kind: 'ipoib', mode: 'bridge' }] },
  {
    does: 'an index twice',
    links: [
      { name: 'a', index: 5 },
      { name: 'b', index: 5 },
    ],
  },
  { does: 'a name twice', links: [{ name: 'a' }, { name: 'a' }] },
] as const) {
  test(`simHost() refuses ${does}`, () => {
    throws(() => simHost({ netns: { host: { links } } }), { code: 'sim-world-invalid' })
  })
}
