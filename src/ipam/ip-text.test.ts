import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { raw } from '#test/ipam/pools.ts'
import { admitPool, sizeOfPool } from './pool.ts'
import { capped } from './network-addresses.ts'

const V4 = '172.91.0.0/16'
const V6 = 'abcd:1234::/112'

const admit = (subnet: string, ips: string[], excludeIPs: string[] = []) =>
  admitPool(raw({ subnet, ips, excludeIPs }), { previous: undefined, others: [] })

for (const { does, subnet = V4, ips, is, size } of [
  { does: 'one address', ips: ['172.91.0.100'], is: ['172.91.0.100'], size: 1n },
  {
    does: 'a range with both its ends',
    ips: ['172.91.0.100-172.91.0.120'],
    is: ['172.91.0.100-172.91.0.120'],
    size: 21n,
  },
  { does: 'a range of one as one', ips: ['172.91.0.5-172.91.0.5'], is: ['172.91.0.5'], size: 1n },
  { does: 'no address', ips: [], is: [], size: 0n },
  {
    does: 'entries in order, once, joined where they meet',
    ips: ['172.91.0.9', '172.91.0.7-172.91.0.8', '172.91.0.8', '172.91.0.1'],
    is: ['172.91.0.1', '172.91.0.7-172.91.0.9'],
    size: 4n,
  },
  {
    does: 'IPv6 in long form and upper case as canonical text, alone too',
    subnet: V6,
    ips: ['ABCD:1234:0:0:0:0:0:00A1'],
    is: ['abcd:1234::a1'],
    size: 1n,
  },
  {
    does: 'an IPv4 address in IPv6 text as IPv4',
    ips: ['::ffff:172.91.0.3', '::FFFF:172.91.0.4-172.91.0.5'],
    is: ['172.91.0.3-172.91.0.5'],
    size: 3n,
  },
  {
    does: 'network and broadcast address of a /31',
    subnet: '10.0.0.0/31',
    ips: ['10.0.0.0', '10.0.0.1'],
    is: ['10.0.0.0-10.0.0.1'],
    size: 2n,
  },
  {
    does: 'large ranges without counting them up',
    subnet: 'fd00::/64',
    ips: ['fd00::1-fd00::ffff:ffff', 'fd00::1:0:0'],
    is: ['fd00::1-fd00::1:0:0'],
    size: 0x1_0000_0000n,
  },
] as const) {
  test(`a list takes ${does}`, () => {
    const { document, faults } = admit(subnet, [...ips])
    deepEqual(faults, [])
    deepEqual(document?.spec.ips, is)
    if (document !== undefined) equal(sizeOfPool(document), size)
  })
}

for (const entry of [
  '172.91.0.0/24',
  '172.91.0.1 - 172.91.0.2',
  '172.91.0.1- 172.91.0.2',
  ' 172.91.0.1',
  '',
  'here',
  '172.91.00.1',
  '172.91.0.01',
  '172.91.0.1-172.91.0.2-172.91.0.3',
  '172.91.0.1-',
  '-172.91.0.1',
  '172.91.0.9-172.91.0.1',
  '172.92.0.1',
  '172.91.255.255-172.92.0.0',
  'fd00::1',
  '172.91.0.1-fd00::1',
]) {
  test(`a list refuses ${JSON.stringify(entry)} at its place, with its text`, () => {
    for (const key of ['ips', 'excludeIPs'] as const) {
      const list = ['172.91.0.1', entry]
      const { faults } = key === 'ips' ? admit(V4, list) : admit(V4, [], list)
      deepEqual(
        faults.map(({ reason, field }) => [reason, field]),
        [['Invalid', `spec.${key}[1]`]],
      )
      equal(faults[0]?.message.startsWith(`Invalid value: ${JSON.stringify(entry)}: `), true)
    }
  })
}

test('counts go up to 2^63-1', () => {
  const { document } = admit('fd00::/64', ['fd00::-fd00::ffff:ffff:ffff:ffff'])
  if (document === undefined) throw new TypeError('pool')
  equal(sizeOfPool(document), 2n ** 64n)
  equal(capped(sizeOfPool(document)), 9223372036854775807n)
})
