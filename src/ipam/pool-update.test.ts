import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NOBODY, type PoolCase, V4, V6, raw, stored } from '#test/ipam/pools.ts'
import { admitPool, sizeOfPool } from './pool.ts'

const UPDATE: readonly (PoolCase & { metadata?: object; rest?: object; before?: object })[] = [
  { does: 'takes more addresses', spec: { ...V4, ips: ['172.91.0.2-172.91.0.200'] }, is: [] },
  { does: 'keeps the version', spec: V6, is: [['Forbidden', 'spec.ipVersion', /6.*4/]] },
  {
    does: 'keeps the CIDR',
    spec: { subnet: '172.91.0.0/17', ips: [] },
    is: [['Forbidden', 'spec.subnet', /172\.91\.0\.0\/17.*172\.91\.0\.0\/16/]],
  },
  {
    does: 'keeps addresses that pods hold',
    spec: { ...V4, ips: ['172.91.0.110'] },
    rest: { status: { allocatedIPs: '{"172.91.0.100":{"pod":"default/a","podUid":"u"}}' } },
    is: [['Forbidden', 'spec.ips', /172\.91\.0\.100.*default\/a/]],
  },
  {
    does: 'gives up addresses that nobody holds',
    spec: { ...V4, ips: ['172.91.0.110'] },
    rest: { status: { allocatedIPs: '{"172.91.0.110":{"pod":"default/a","podUid":"u"}}' } },
    is: [],
  },
  {
    does: 'of a terminating pool changes nothing',
    before: { deletionTimestamp: '2026-01-01T00:00:00Z' },
    metadata: { finalizers: ['spiderpool.spidernet.io'] },
    is: [['Forbidden', 'metadata.deletionTimestamp', /terminating/]],
  },
  {
    does: 'of a terminating pool drops the finalizer',
    before: { deletionTimestamp: '2026-01-01T00:00:00Z' },
    metadata: { finalizers: [], deletionTimestamp: '2026-01-01T00:00:00Z' },
    is: [],
  },
  {
    does: 'lets a terminating pool go whatever else it says',
    before: { deletionTimestamp: '2026-01-01T00:00:00Z' },
    metadata: { finalizers: [], deletionTimestamp: '2026-01-01T00:00:00Z' },
    spec: { subnet: '10.0.0.0/8' },
    is: [],
  },
]

for (const { does, spec = V4, metadata, rest, before, is } of UPDATE) {
  test(`admitPool() as an update ${does}`, () => {
    const made = stored(V4)
    const previous = { ...made, metadata: { ...made?.metadata, ...before }, ...rest }
    const next = raw({ ipVersion: spec === V6 ? 6 : 4, ...spec }, metadata, rest)
    const { faults } = admitPool(next, { previous, others: [previous] })
    deepEqual(
      faults.map(({ reason, field }) => [reason, field]),
      is.map(([r, f]) => [r, f]),
    )
    for (const [i, fault] of faults.entries()) match(fault.message, is[i]?.[2] ?? /^$/)
  })
}

test('admitPool() fills in version, finalizer, label and normal form', () => {
  const ips = [
    '172.91.0.9',
    '172.91.0.1-172.91.0.3',
    '172.91.0.2-172.91.0.8',
    '172.91.0.20-172.91.0.20',
  ]
  deepEqual(stored({ subnet: V4.subnet, ips, excludeIPs: ['172.91.0.3-172.91.0.3'] }), {
    ...raw(
      {
        ipVersion: 4,
        subnet: V4.subnet,
        ips: ['172.91.0.1-172.91.0.9', '172.91.0.20'],
        excludeIPs: ['172.91.0.3'],
        default: false,
        disable: false,
      },
      {
        finalizers: ['spiderpool.spidernet.io'],
        labels: { 'ipam.spidernet.io/ippool-cidr': '172-91-0-0-16' },
      },
    ),
  })
  const { metadata, spec } = stored({ subnet: 'abcd:1234::/120', ips: ['abcd:1234:0::0001'] }) ?? {}
  equal(metadata?.labels?.['ipam.spidernet.io/ippool-cidr'], 'abcd-1234---120')
  deepEqual(spec?.ips, ['abcd:1234::1'])
})

test('admitPool() is the same again for what it admitted', () => {
  const first = stored({ ...V4, ips: ['172.91.0.9', '172.91.0.2'] })
  deepEqual(admitPool(first, { previous: first, others: [first] }), {
    document: first,
    faults: [],
    warnings: [],
  })
})

test('admitPool() warns of keys that it drops', () => {
  const { document, warnings } = admitPool(raw({ ...V4, vlan: 5 }), NOBODY)
  equal(document !== undefined && 'vlan' in document.spec, false)
  deepEqual(warnings, ['unknown field "spec.vlan" is ignored'])
})

test('sizeOfPool() counts without looking at every address', () => {
  const size = (spec: object) => {
    const pool = stored(spec)
    return pool === undefined ? undefined : sizeOfPool(pool)
  }
  equal(size(V4), 21n)
  equal(size({ subnet: 'fd00::/64', ips: ['fd00::1-fd00::ffff:ffff'] }), 4294967295n)
  equal(size({ subnet: '::/0', ips: ['::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'] }), 2n ** 128n)
  equal(size({ ...V4, excludeIPs: ['172.91.0.90-172.91.0.110', '172.91.0.115'] }), 9n)
})

test('admitPool() keeps the set of addresses of any lists', () => {
  const entry = fc.tuple(fc.nat(255), fc.nat(255)).map(([a, b]) => {
    const [low, high] = [Math.min(a, b), Math.max(a, b)]
    return { low, high, text: low === high ? `10.0.0.${low}` : `10.0.0.${low}-10.0.0.${high}` }
  })
  fc.assert(
    fc.property(fc.array(entry), fc.array(entry), (ips, without) => {
      const pool = stored({
        subnet: '10.0.0.0/24',
        ips: ips.map((e) => e.text),
        excludeIPs: without.map((e) => e.text),
      })
      const within = (list: typeof ips, n: number) => list.some((e) => e.low <= n && n <= e.high)
      const count = Array.from({ length: 256 }, (_, n) => within(ips, n) && !within(without, n))
      equal(pool === undefined ? 0 : Number(sizeOfPool(pool)), count.filter(Boolean).length)
    }),
  )
})
