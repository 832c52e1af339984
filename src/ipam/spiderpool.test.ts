import { deepEqual, equal, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { ONE, V4, V6 } from '#test/ipam/pool-specs.ts'
import { type Asked, asking, held, ipsOf, world } from '#test/ipam/spiderpool-world.ts'
import { allocationsOf } from './allocation.ts'

test('reserve() gives the lowest address with what the pool says of it', async () => {
  await using at = await world({ v4: { ...V4, routes: [{ dst: '10.9.0.0/16', gw: '10.1.0.7' }] } })
  const { addressing, why, held } = await at.ipam.reserve(asking(at.ipam))
  deepEqual(addressing.ips, [
    { address: '10.1.0.10/24', gateway: '10.1.0.1', interface: undefined },
  ])
  deepEqual(
    addressing.routes.map(({ dst, gw }) => `${dst} ${gw}`),
    ['10.9.0.0/16 10.1.0.7', '0.0.0.0/0 10.1.0.1'],
  )
  deepEqual(why, ['10.1.0.10 from pool v4 (CNI configuration)'])
  equal(held.length, 1)
})

test('reserve() leaves the default route out where clean_gateway says so', async () => {
  await using at = await world({ v4: V4 })
  const { addressing } = await at.ipam.reserve(asking(at.ipam, { ipam: { clean_gateway: true } }))
  equal(addressing.ips[0]?.gateway, '10.1.0.1')
  deepEqual(addressing.routes, [])
})

test('reserve() records owner, container, node and pool under the address', async () => {
  await using at = await world({ v4: V4 })
  await at.ipam.reserve(asking(at.ipam))
  const [record] = (await at.records.list(allocationsOf('all'))).items
  equal(record?.metadata.name, '10.1.0.10')
  deepEqual(record?.['spec'], {
    address: '10.1.0.10',
    pool: 'v4',
    family: 4,
    owner: 'uid-a/eth0',
    podNamespace: 'default',
    podName: 'a',
    podUid: 'uid-a',
    interface: 'eth0',
    network: 'net',
    containerId: 'c-a',
    node: 'node-1',
  })
})

test('both families are given side by side, and none when one has none', async () => {
  await using at = await world({ v4: V4, v6: { ...V6, ips: ['fd00::10'] } })
  const part = { default_ipv4_ippool: ['v4'], default_ipv6_ippool: ['v6'] }
  const first = await at.ipam.reserve(asking(at.ipam, { ipam: part }))
  deepEqual(ipsOf(first), ['10.1.0.10/24', 'fd00::10/64'])
  deepEqual(
    first.addressing.routes.map(({ dst, gw }) => `${dst} ${gw}`),
    ['0.0.0.0/0 10.1.0.1', '::/0 fd00::1'],
  )
  await rejects(at.ipam.reserve(asking(at.ipam, { ipam: part, pod: 'b' })), {
    code: 'pool-exhausted',
  })
  deepEqual(await held(at.records), ['10.1.0.10 a eth0', 'fd00-0-0-0-0-0-0-10 a eth0'])
  const { conf, owner } = asking(at.ipam)
  await at.ipam.release({ conf, owner, held: first.held })
  await at.ipam.reserve(asking(at.ipam, { ipam: part, pod: 'b' }))
  deepEqual(await held(at.records), ['10.1.0.10 b eth0', 'fd00-0-0-0-0-0-0-10 b eth0'])
})

test('the second pool is used when the first is full', async () => {
  await using at = await world({ one: ONE, v4: V4 })
  const part = { default_ipv4_ippool: ['one', 'v4'] }
  const pods = ['a', 'b', 'c'].map((pod) => at.ipam.reserve(asking(at.ipam, { pod, ipam: part })))
  deepEqual((await Promise.all(pods)).flatMap(ipsOf).toSorted(), [
    '10.1.0.10/24',
    '10.1.0.11/24',
    '10.2.0.5/24',
  ])
})

test('check() names an address that is no longer held', async () => {
  await using at = await world({ v4: V4 })
  const { conf, owner, ...rest } = asking(at.ipam)
  const { addressing } = await at.ipam.reserve({ conf, owner, ...rest })
  deepEqual(await at.ipam.check({ conf, owner, addressing }), [])
  await at.records.delete({ ...allocationsOf('all'), namespace: undefined, name: '10.1.0.10' })
  const [fault] = await at.ipam.check({ conf, owner, addressing })
  equal(fault?.code, 'address-not-held')
})

test('reserve() takes the pod first, then the namespace, the network, the default', async () => {
  const spec = (third: number, more: object = {}) => ({
    subnet: `10.${third}.0.0/24`,
    ips: [`10.${third}.0.5`],
    ...more,
  })
  await using at = await world({
    pod: spec(11),
    space: spec(12),
    net: spec(13),
    whole: spec(14, { default: true }),
  })
  const annotations = { 'ipam.spidernet.io/ippools': '[{"interface":"eth0","IPv4":["po*"]}]' }
  const namespace = { 'ipam.spidernet.io/default-ipv4-ippool': '["space"]' }
  const part = { default_ipv4_ippool: ['net'] }
  const from = async (asked: Asked): Promise<string[]> =>
    ipsOf(await at.ipam.reserve(asking(at.ipam, asked)))
  deepEqual(await from({ pod: 'a', annotations, namespace, ipam: part }), ['10.11.0.5/24'])
  deepEqual(await from({ pod: 'b', namespace, ipam: part }), ['10.12.0.5/24'])
  deepEqual(await from({ pod: 'c', ipam: part }), ['10.13.0.5/24'])
  deepEqual(await from({ pod: 'd', ipam: { default_ipv4_ippool: [] } }), ['10.14.0.5/24'])
})

test('reserve() puts a route of the pod on the interface that reaches its gateway', async () => {
  await using at = await world({ v4: V4, one: ONE })
  const annotations = {
    'ipam.spidernet.io/routes':
      '[{"dst":"10.8.0.0/16","gw":"10.1.0.9"},{"dst":"10.7.0.0/16","gw":"10.2.0.9"}]',
  }
  const { addressing } = await at.ipam.reserve(asking(at.ipam, { annotations }))
  deepEqual(
    addressing.routes.map(({ dst }) => dst),
    ['10.8.0.0/16', '0.0.0.0/0'],
  )
})
