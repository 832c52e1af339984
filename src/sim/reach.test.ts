import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { parseIfName } from '#values/if-name.ts'
import { parseIp } from '#values/ip.ts'
import { parseNetnsPath } from '#values/netns.ts'
import type { NftTable } from '#values/nft.ts'
import { pkeyFromBits } from '#values/pkey.ts'
import { cut, mend, setPkeys } from './faults.ts'
import { simKernel } from './kernel.ts'
import { canReach } from './reach.ts'
import type { SimWorld, WorldLink } from './world.ts'

const A = parseNetnsPath('/run/netns/a')

/** Two nodes with an HCA each on one fabric, a pod on each. */
function fabric({ a = {}, b = {} }: { a?: Partial<WorldLink>; b?: Partial<WorldLink> } = {}) {
  const pod = (host: number, parent: string): WorldLink => ({
    name: 'net1',
    kind: 'ipoib',
    parent,
    up: true,
    addresses: [`172.91.0.${host}/16`],
  })
  const node = (pci: string) => ({ links: [{ name: 'ib0', kind: 'ipoib', up: true, pci }] })
  const device = (name: string, pci: string) => ({
    name,
    pci,
    nodeGuid: `02:00:00:00:00:00:00:0${pci[6]}`,
    pkeys: ['0xffff', '0x8005'],
  })
  const world: SimWorld = {
    netns: {
      host: node('0000:01:00.0'),
      other: node('0000:02:00.0'),
      a: { links: [{ ...pod(1, 'ib0'), ...a }] },
      b: { links: [{ ...pod(2, 'other/ib0'), ...b }] },
    },
    rdma: { devices: [device('mlx5_0', '0000:01:00.0'), device('mlx5_1', '0000:02:00.0')] },
  }
  return simKernel(world)
}
const B_ADDRESS = parseIp('172.91.0.2')

test('canReach() over the fabric of two HCAs', () => {
  deepEqual(canReach(fabric(), A, B_ADDRESS), { reached: true, hops: ['a', 'b'] })
})

for (const { does, kernel, reason, way = 'request' } of [
  { does: 'has no route', kernel: fabric({ a: { addresses: [] } }), reason: 'no-route' },
  {
    does: 'has its link down',
    kernel: fabric({ a: { up: false } }),
    reason: 'no-route',
  },
  {
    does: 'finds nobody with the address',
    kernel: fabric({ b: { addresses: ['172.91.0.3/16'] } }),
    reason: 'nobody-has-the-address',
  },
  {
    does: 'is in another partition',
    kernel: fabric({ a: { pkey: '0x8005' } }),
    reason: 'partition-differs',
  },
  {
    does: 'has a P_Key that is not on the port',
    kernel: fabric({ a: { pkey: '0x8007' } }),
    reason: 'no-carrier',
  },
  {
    does: 'gets no answer without a route back',
    kernel: fabric({ b: { addresses: ['172.91.0.2/32'] } }),
    reason: 'no-route',
    way: 'reply',
  },
] as const) {
  test(`canReach() ${does}`, () => {
    const reach = canReach(kernel, A, B_ADDRESS)
    deepEqual(reach.reached ? reach : { reason: reach.reason, way: reach.way }, { reason, way })
  })
}

test('a P_Key that comes to the port brings the carrier', () => {
  const kernel = fabric({ a: { pkey: '0x8007' }, b: { pkey: '0x8007' } })
  equal(canReach(kernel, A, B_ADDRESS).reached, false)
  for (const device of ['mlx5_0', 'mlx5_1']) {
    setPkeys(kernel.host, device, [pkeyFromBits(0xffff), pkeyFromBits(0x8007)])
  }
  equal(canReach(kernel, A, B_ADDRESS).reached, true)
})

test('limited members of a partition do not hear each other, full ones they do', () => {
  const kernel = fabric()
  for (const device of ['mlx5_0', 'mlx5_1']) setPkeys(kernel.host, device, [pkeyFromBits(0x7fff)])
  equal(canReach(kernel, A, B_ADDRESS).reached, false)
  setPkeys(kernel.host, 'mlx5_1', [pkeyFromBits(0xffff)])
  equal(canReach(kernel, A, B_ADDRESS).reached, true)
})

test('cut() takes the carrier, mend() gives it back', () => {
  const kernel = fabric()
  cut(kernel.host, 'fabric')
  const reach = canReach(kernel, A, B_ADDRESS)
  equal(reach.reached ? '' : reach.reason, 'no-carrier')
  mend(kernel.host, 'fabric')
  equal(canReach(kernel, A, B_ADDRESS).reached, true)
})

/** Connection marks: what comes in by veth0 is answered by table 100. */
const REPLY_PATH: NftTable = {
  name: 'verbena',
  chains: [
    {
      name: 'prerouting',
      type: 'filter',
      hook: 'prerouting',
      priority: -150,
      rules: [
        { nft: 'mark-new-from', link: parseIfName('veth0'), mark: 1 },
        { nft: 'save-mark', mark: 1 },
      ],
    },
    {
      name: 'output',
      type: 'route',
      hook: 'output',
      priority: -150,
      rules: [{ nft: 'restore-mark', mark: 1 }],
    },
  ],
}

/** A pod behind a veth and a macvlan, as the coordinator leaves it. */
function coordinated(nft: boolean) {
  const world: SimWorld = {
    netns: {
      host: {
        links: [
          { name: 'eth1', up: true, addresses: ['192.168.7.1/24'] },
          {
            name: 'veth1',
            kind: 'veth',
            up: true,
            address: '02:00:00:00:00:01',
            routes: [{ dst: '10.6.0.2/32', table: 500 }],
          },
        ],
        rules: [{ family: 4, priority: 1000, to: '10.6.0.2/32', table: 500 }],
      },
      a: {
        links: [
          {
            name: 'eth0',
            kind: 'macvlan',
            mode: 'bridge',
            parent: 'eth1',
            up: true,
            addresses: ['10.6.0.2/16'],
            routes: [{ dst: 'default', via: '10.6.0.1' }],
          },
          {
            name: 'veth0',
            kind: 'veth',
            parent: 'host/veth1',
            up: true,
            routes: [{ dst: '192.168.7.1/32', table: 100 }],
          },
        ],
        rules: [
          {
            family: 4,
            priority: 900,
            fwmark: { mark: 1, mask: 0xffffffff },
            table: 100,
          },
        ],
        nftables: nft ? [REPLY_PATH] : [],
      },
    },
  }
  return simKernel(world)
}

test('canReach() answers by the way the request came where connection marks say so', () => {
  const to = parseIp('10.6.0.2')
  deepEqual(canReach(coordinated(true), 'host', to), { reached: true, hops: ['host', 'a'] })
  const without = canReach(coordinated(false), 'host', to)
  deepEqual(without.reached ? without : [without.reason, without.way], [
    'nobody-has-the-address',
    'reply',
  ])
})

for (const { mode, reached } of [
  { mode: 'bridge', reached: true },
  { mode: 'private', reached: false },
  { mode: 'vepa', reached: false },
] as const) {
  test(`macvlan children of one parent hear each other in mode ${mode}: ${reached}`, () => {
    const child = (host: number): WorldLink => ({
      name: 'eth0',
      kind: 'macvlan',
      mode,
      parent: 'eth1',
      up: true,
      addresses: [`10.6.0.${host}/16`],
    })
    const kernel = simKernel({
      netns: {
        host: { links: [{ name: 'eth1', up: true, addresses: ['10.6.0.9/16'] }] },
        a: { links: [child(1)] },
        b: { links: [child(2)] },
      },
    })
    equal(canReach(kernel, A, parseIp('10.6.0.2')).reached, reached)
    equal(canReach(kernel, A, parseIp('10.6.0.9')).reached, false, 'never the parent')
  })
}
