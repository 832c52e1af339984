import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { V4, raw as rawPool, stored as storedPool } from '#test/ipam/pools.ts'
import { type SpiderSubnet, readSpiderSubnet } from '#schema/spider-subnet.ts'
import { DEFAULT_SETTINGS } from '#schema/spiderpool-settings.ts'
import { admitPool } from './pool.ts'
import { admitSpiderSubnet, statusOfSpiderSubnet } from './subnet.ts'

const SPEC = {
  subnet: '172.91.0.0/16',
  ips: ['172.91.0.10-172.91.0.200'],
  gateway: '172.91.0.1',
  routes: [{ dst: '10.9.0.0/16', gw: '172.91.0.2' }],
}

function raw(spec: object, metadata: object = {}, rest: object = {}) {
  const kind = { apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderSubnet' }
  return { ...kind, metadata: { name: 's', ...metadata }, spec, ...rest }
}

function stored(spec: object, metadata: object = {}, rest: object = {}): SpiderSubnet {
  const { document, faults } = admit(raw(spec, metadata, rest))
  deepEqual(faults, [])
  if (document === undefined) throw new TypeError('subnet')
  return document
}

type Around = { previous?: unknown; others?: unknown[]; pools?: unknown[]; settings?: object }

function admit(document: unknown, around: Around = {}) {
  const { previous, others = [], pools = [], settings = {} } = around
  return admitSpiderSubnet(document, {
    previous,
    others,
    pools,
    settings: { ...DEFAULT_SETTINGS, ...settings },
  })
}

const pool = (ips: string[], subnet = SPEC.subnet) => storedPool({ subnet, ips }, { name: 'p' })

type Case = {
  does: string
  spec?: object
  around?: Around
  is: readonly [reason: string, field: string, text: RegExp] | undefined
}
const CASES: readonly Case[] = [
  { does: 'takes a subnet', is: undefined },
  { does: 'takes one without addresses', spec: { subnet: '10.0.0.0/24' }, is: undefined },
  {
    does: 'wants a CIDR to derive the version from',
    spec: { subnet: '172.91.0.0' },
    is: ['Invalid', 'spec.ipVersion', /172\.91\.0\.0/],
  },
  {
    does: 'wants a version that there is',
    spec: { ...SPEC, ipVersion: 5 },
    is: ['NotSupported', 'spec.ipVersion', /5/],
  },
  {
    does: 'wants a family that is on',
    around: { settings: { enableIPv4: false } },
    is: ['Forbidden', 'spec.ipVersion', /IPv4 is disabled/],
  },
  {
    does: 'wants a CIDR of the version',
    spec: { ...SPEC, ipVersion: 6 },
    is: ['Invalid', 'spec.subnet', /IPv6/],
  },
  {
    does: 'wants the canonical form',
    spec: { subnet: '172.91.11.0/16' },
    is: ['Invalid', 'spec.subnet', /172\.91\.0\.0\/16/],
  },
  {
    does: 'wants no subnet to overlap, even an equal one',
    around: { others: [raw(SPEC, { name: 'other' })] },
    is: ['Invalid', 'spec.subnet', /172\.91\.0\.0\/16 of SpiderSubnet other/],
  },
  {
    does: 'wants no pool of a subnet that differs to overlap',
    around: { pools: [pool([], '172.91.4.0/24')] },
    is: ['Invalid', 'spec.subnet', /172\.91\.4\.0\/24 of pool p/],
  },
  { does: 'takes an equal pool inside', around: { pools: [pool(['172.91.0.20'])] }, is: undefined },
  {
    does: 'wants an equal pool to be inside',
    around: { pools: [pool(['172.91.1.20'])] },
    is: ['Invalid', 'spec.ips', /172\.91\.1\.20 of pool p is not in it/],
  },
  {
    does: 'names an entry outside by its place',
    spec: { ...SPEC, ips: ['172.91.0.10', '172.92.0.1'] },
    is: ['Invalid', 'spec.ips[1]', /172\.92\.0\.1/],
  },
  {
    does: 'wants ranges the right way round',
    spec: { ...SPEC, ips: ['172.91.0.20-172.91.0.10'] },
    is: ['Invalid', 'spec.ips[0]', /172\.91\.0\.20-172\.91\.0\.10/],
  },
  {
    does: 'wants a gateway inside',
    spec: { ...SPEC, gateway: '10.0.0.1' },
    is: ['Invalid', 'spec.gateway', /10\.0\.0\.1/],
  },
  {
    does: 'wants no default route',
    spec: { ...SPEC, routes: [{ dst: '0.0.0.0/0', gw: '172.91.0.1' }] },
    is: ['Invalid', 'spec.routes[0].dst', /0\.0\.0\.0\/0/],
  },
  {
    does: 'keeps addresses that a pool of its own has',
    around: { previous: stored(SPEC), pools: [pool(['172.91.0.20'])] },
    spec: { ...SPEC, ips: ['172.91.0.30'] },
    is: ['Forbidden', 'spec.ips', /172\.91\.0\.20 must stay: pool p has it/],
  },
  {
    does: 'keeps its CIDR',
    around: { previous: stored(SPEC) },
    spec: { subnet: '172.91.0.0/17' },
    is: ['Forbidden', 'spec.subnet', /172\.91\.0\.0\/17/],
  },
  {
    does: 'keeps its version',
    around: { previous: stored(SPEC) },
    spec: { subnet: 'fd00::/64' },
    is: ['Forbidden', 'spec.ipVersion', /6.*4/],
  },
  {
    does: 'changes nothing of a terminating one',
    around: { previous: raw(SPEC, { deletionTimestamp: '2026-01-01T00:00:00Z' }) },
    is: ['Forbidden', 'metadata.deletionTimestamp', /terminating/],
  },
]
for (const { does, spec = SPEC, around, is } of CASES) {
  test(`admitSpiderSubnet() ${does}`, () => {
    const { faults } = admit(raw(spec), around)
    const [fault] = faults
    if (is === undefined) return deepEqual(faults, [])
    deepEqual([faults.length, fault?.reason, fault?.field], [1, is[0], is[1]])
    return match(fault?.message ?? '', is[2])
  })
}

test('admitSpiderSubnet() adds version, finalizer and label, and puts addresses in order', () => {
  const { metadata, spec } = stored({ ...SPEC, ips: ['172.91.0.11', '172.91.0.10'] })
  deepEqual(metadata.finalizers, ['spiderpool.spidernet.io'])
  deepEqual(metadata.labels, { 'ipam.spidernet.io/subnet-cidr': '172-91-0-0-16' })
  deepEqual([spec.ipVersion, spec.ips], [4, ['172.91.0.10-172.91.0.11']])
})

const SUBNET = stored(SPEC, { uid: 'uid-s' })
const admitIn = (spec: object, metadata: object = {}, settings: object = {}, subnet = SUBNET) =>
  admitPool(rawPool(spec, metadata), {
    previous: undefined,
    others: [],
    subnets: [subnet],
    settings: { ...DEFAULT_SETTINGS, ...settings },
  })

test("a pool of the CIDR is the subnet's: owner, label, gateway and routes", () => {
  const { document, faults } = admitIn({ subnet: V4.subnet, ips: V4.ips })
  deepEqual(faults, [])
  deepEqual(document?.metadata.ownerReferences, [
    {
      apiVersion: 'spiderpool.spidernet.io/v2beta1',
      kind: 'SpiderSubnet',
      name: 's',
      uid: 'uid-s',
      controller: true,
      blockOwnerDeletion: true,
    },
  ])
  equal(document?.metadata.labels?.['ipam.spidernet.io/owner-spider-subnet'], 's')
  deepEqual([document?.spec.gateway, document?.spec.routes], [SPEC.gateway, SPEC.routes])
})

test('what a pool states itself is not inherited, and nothing with subnets off', () => {
  const own = { gateway: '172.91.0.3', routes: [{ dst: '10.8.0.0/16', gw: '172.91.0.4' }] }
  const { document } = admitIn({ subnet: V4.subnet, ips: V4.ips, ...own })
  deepEqual([document?.spec.gateway, document?.spec.routes], [own.gateway, own.routes])
  const off = admitIn({ subnet: V4.subnet, ips: V4.ips }, {}, { enableSpiderSubnet: false })
  deepEqual(
    [off.document?.spec.gateway, off.document?.metadata.ownerReferences],
    [undefined, undefined],
  )
})

test('a pool has addresses of its subnet only', () => {
  const { faults } = admitIn({ subnet: V4.subnet, ips: ['172.91.1.1'] })
  deepEqual([faults[0]?.reason, faults[0]?.field], ['Forbidden', 'spec.ips'])
  match(faults[0]?.message ?? '', /172\.91\.1\.1 is not in SpiderSubnet s/)
})

const AUTO = { labels: { 'ipam.spidernet.io/owner-application-name': 'web' } }
test('the pool of an application has exactly what was set apart for it', () => {
  const status = { controlledIPPools: '{"p":{"ips":["172.91.0.20-172.91.0.21"]}}' }
  const apart = { ...SUBNET, status }
  const spec = { subnet: V4.subnet, ips: ['172.91.0.20', '172.91.0.21'] }
  deepEqual(admitIn(spec, AUTO, {}, apart).faults, [])
  const [other] = admitIn({ ...spec, ips: ['172.91.0.20'] }, AUTO, {}, apart).faults
  deepEqual([other?.reason, other?.field], ['Forbidden', 'spec.ips'])
  match(other?.message ?? '', /172\.91\.0\.20: .*172\.91\.0\.20-172\.91\.0\.21/)
  equal(admitIn(spec, AUTO).faults[0]?.field, 'spec.ips')
})

for (const podAffinity of [
  { matchLabels: { app: 'web' } },
  { matchExpressions: [{ key: 'ipam.spidernet.io/app-name', operator: 'Exists' }] },
]) {
  test(`the pool of an application refuses podAffinity ${JSON.stringify(podAffinity)}`, () => {
    const { faults } = admitPool(rawPool({ ...V4, podAffinity }, AUTO), {
      previous: undefined,
      others: [],
    })
    deepEqual(
      faults.map(({ reason, field }) => [reason, field]),
      [['Invalid', 'spec.podAffinity']],
    )
  })
}

test('statusOfSpiderSubnet() counts addresses and what its pools have', () => {
  const read = readSpiderSubnet(raw({ ...SPEC, excludeIPs: ['172.91.0.10'] }))
  if (!read.ok) throw new TypeError('subnet')
  deepEqual(statusOfSpiderSubnet(read.value, [pool(['172.91.0.20-172.91.0.22'])]), {
    controlledIPPools: '{"p":{"ips":["172.91.0.20-172.91.0.22"]}}',
    totalIPCount: 190,
    allocatedIPCount: 3,
  })
})
