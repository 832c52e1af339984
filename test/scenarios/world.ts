/**
 * The simulated machine of the scenarios.
 * @module
 */
import type { SimWorld } from '#sim/world.ts'

/** Reverse path filter of a pod, which the coordinator changes and must give back. */
const RP_FILTER = { 'net/ipv4/conf/all/rp_filter': '1' }

/**
 * A host with an Ethernet interface, an HCA of the testbed's driver, one of
 * `mlx5_core`, and what is wrong with a parent; `p1` to `p3` are pods.
 */
export const WORLD: SimWorld = {
  netns: {
    host: {
      links: [
        {
          name: 'eth1',
          up: true,
          addresses: ['10.1.0.1/24', 'fd01::1/64', '10.1.9.9/32'],
          routes: [{ dst: 'default', via: '10.1.0.254' }],
          neighbours: [{ ip: '10.1.0.77', address: '02:00:00:00:00:77', permanent: true }],
        },
        { name: 'eth2', up: true, mtu: 9000, txQueueLength: 500, alias: 'to the store' },
        { name: 'eth1.100', kind: 'vlan', vlanId: 100, parent: 'eth1', up: true },
        { name: 'ib0', kind: 'ipoib', up: true, driver: 'ibfake', pci: '0000:01:00.0' },
        { name: 'ib1', kind: 'ipoib', up: true, driver: 'mlx5_core', pci: '0000:02:00.0' },
        { name: 'ib2', kind: 'ipoib', up: false, driver: 'ibfake', pci: '0000:03:00.0' },
        { name: 'ib0.8001', kind: 'ipoib', up: true, parent: 'ib0', pkey: '0x8001' },
      ],
      sysctl: { 'net/ipv4/ip_forward': '1' },
    },
    p1: { sysctl: RP_FILTER },
    p2: { sysctl: RP_FILTER },
    p3: {},
  },
  rdma: {
    devices: [
      { name: 'mlx5_0', pci: '0000:01:00.0', nodeGuid: '02:5c:00:00:00:00:00:01' },
      { name: 'mlx5_1', pci: '0000:02:00.0', nodeGuid: '02:5c:00:00:00:00:00:02' },
      { name: 'mlx5_2', pci: '0000:03:00.0', nodeGuid: '02:5c:00:00:00:00:00:03' },
    ],
  },
  files: { '/run/netns/plain-file': '' },
}
