import { deepEqual, equal, notEqual } from 'node:assert/strict'
import { test } from 'node:test'
import type { World } from '#schema/world.ts'
import { simKernel } from './kernel.ts'
import { withDefaults } from './world-defaults.ts'
import type { WorldLink } from './world.ts'
import { worldOf } from './write-world.ts'

const GUID = 'e8:eb:d3:03:00:93:ae:10'

/** Links of the host, with their defaults. */
function linksOf(links: NonNullable<World['netns'][string]>['links'], rest: object = {}) {
  const { netns } = withDefaults({ netns: { host: { links: links ?? [] } }, ...rest })
  const made: readonly WorldLink[] = netns['host']?.links ?? []
  return made
}

test('withDefaults() makes a link an Ethernet interface that is up', () => {
  const [link] = linksOf([{ name: 'eth0' }])
  deepEqual([link?.kind, link?.index, link?.up], ['physical', 2, true])
})

test('withDefaults() gives the lowest index that is free, and 1 to the loopback', () => {
  const links = linksOf([{ name: 'a' }, { name: 'b', index: 2 }, { name: 'c' }, { name: 'lo' }])
  deepEqual(
    links.map(({ index }) => index),
    [3, 2, 4, 1],
  )
})

test('withDefaults() has a loopback down in all namespaces but the host', () => {
  const { netns } = withDefaults({
    netns: { host: { links: [{ name: 'lo' }] }, pod: { links: [{ name: 'lo' }] } },
  })
  deepEqual([netns['host']?.links?.[0]?.up, netns['pod']?.links?.[0]?.up], [true, false])
})

test('withDefaults() makes addresses of names: other links change nothing', () => {
  const [alone] = linksOf([{ name: 'eth0' }])
  const [other, again] = linksOf([{ name: 'eth1' }, { name: 'eth0' }])
  equal(again?.address, alone?.address)
  notEqual(other?.address, alone?.address)
})

test('withDefaults() gives a port the GUID of its device, and a child that of its port', () => {
  const devices = [{ name: 'mlx5_0', nodeGuid: GUID }]
  const links: World['netns'][string]['links'] = [
    { name: 'ib0', kind: 'ipoib' },
    { name: 'ib0.1', kind: 'ipoib', parent: 'ib0' },
  ]
  const [port, child] = linksOf(links, { rdma: { devices } })
  equal(port?.address?.slice(-23), GUID)
  equal(child?.address?.slice(-23), GUID)
  notEqual(child?.address, port?.address)
})

test('withDefaults() joins ports to RDMA devices by PCI address, by GUID, then in order', () => {
  const address = `80:00:00:02:fe:80:00:00:00:00:00:00:${GUID}`
  const links: World['netns'][string]['links'] = [
    { name: 'ib0', kind: 'ipoib' },
    { name: 'ib1', kind: 'ipoib', address },
    { name: 'ib2', kind: 'ipoib', pci: '0000:03:00.0' },
  ]
  const devices = [
    { name: 'mlx5_2', pci: '0000:03:00.0', nodeGuid: '00:00:00:00:00:00:00:02' },
    { name: 'mlx5_1', pci: '0000:02:00.0', nodeGuid: GUID },
    { name: 'mlx5_0', pci: '0000:01:00.0', nodeGuid: '00:00:00:00:00:00:00:01' },
  ]
  deepEqual(
    linksOf(links, { rdma: { devices } }).map(({ pci }) => pci),
    ['0000:01:00.0', '0000:02:00.0', '0000:03:00.0'],
  )
})

test('withDefaults() gives VLAN and ipvlan links the address of their parent', () => {
  const [eth0, vlan, ipvlan] = linksOf([
    { name: 'eth0' },
    { name: 'eth0.7', kind: 'vlan', parent: 'eth0' },
    { name: 'ipv0', kind: 'ipvlan', parent: 'eth0' },
  ])
  deepEqual([vlan?.address, ipvlan?.address], [eth0?.address, eth0?.address])
})

test('withDefaults() reads sysctls with dots as sysctl(8) does', () => {
  const sysctl = { 'net.ipv4.conf.eth0/7.rp_filter': '2', 'net/ipv4/ip_forward': '1' }
  const { netns } = withDefaults({ netns: { host: { sysctl } } })
  deepEqual(netns['host']?.sysctl, {
    'net/ipv4/conf/eth0.7/rp_filter': '2',
    'net/ipv4/ip_forward': '1',
  })
})

test('withDefaults() of what worldOf() wrote is that again', () => {
  const kernel = simKernel(
    withDefaults({
      netns: {
        host: {
          links: [
            { name: 'ib0', kind: 'ipoib' },
            { name: 'eth0', addresses: ['10.0.0.1/8'] },
          ],
        },
        pod: { links: [{ name: 'net1', kind: 'macvlan', parent: 'eth0' }] },
      },
    }),
  )
  const written = worldOf(kernel)
  const file: World = JSON.parse(JSON.stringify(written))
  deepEqual(worldOf(simKernel(withDefaults(file))), written)
})
