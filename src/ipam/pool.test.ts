import { deepEqual, match } from 'node:assert/strict'
import { test } from 'node:test'
import { type PoolCase, V4, V6, raw, stored } from '#test/ipam/pools.ts'
import { admitPool } from './pool.ts'

const OTHER = { name: 'other' }

const CREATE: readonly PoolCase[] = [
  { does: 'takes the pool of the guide', is: [] },
  { does: 'takes an IPv6 pool', spec: V6, is: [] },
  { does: 'takes a pool without addresses', spec: { ...V4, ips: [] }, is: [] },
  {
    does: 'takes /32, /31, network and broadcast address',
    spec: { subnet: '10.0.0.0/31', ips: ['10.0.0.0-10.0.0.1'] },
    is: [],
  },
  {
    does: 'wants a CIDR to derive the version from (1)',
    spec: { subnet: 'pool', ips: [] },
    is: [['Invalid', 'spec.ipVersion', /pool/]],
  },
  {
    does: 'wants a version that there is (2)',
    spec: { ...V4, ipVersion: 5 },
    is: [['NotSupported', 'spec.ipVersion', /5/]],
  },
  {
    does: 'wants a CIDR of the version (4)',
    spec: { ...V4, ipVersion: 6 },
    is: [['Invalid', 'spec.subnet', /172\.91\.0\.0\/16.*IPv6/]],
  },
  {
    does: 'wants a CIDR, not an address (1)',
    spec: { ...V4, subnet: '172.91.0.0' },
    is: [['Invalid', 'spec.ipVersion', /172\.91\.0\.0/]],
  },
  {
    does: 'wants no host bits and names the canonical form (5)',
    spec: { ...V4, subnet: '172.91.11.0/16' },
    is: [['Invalid', 'spec.subnet', /172\.91\.11\.0\/16.*172\.91\.0\.0\/16/]],
  },
  {
    does: 'wants lower case (5)',
    spec: { ...V6, subnet: 'FD00::/120' },
    is: [['Invalid', 'spec.subnet', /FD00::\/120.*fd00::\/120/]],
  },
  {
    does: 'wants no leading zeros (1)',
    spec: { ...V4, subnet: '172.091.0.0/16' },
    is: [['Invalid', 'spec.ipVersion', /172\.091/]],
  },
  {
    does: 'wants CIDRs that do not overlap (7)',
    others: [stored({ subnet: '172.0.0.0/8' }, OTHER)],
    is: [['Invalid', 'spec.subnet', /172\.0\.0\.0\/8.*other/]],
  },
  {
    does: 'takes an equal CIDR with other addresses',
    others: [stored({ subnet: V4.subnet, ips: ['172.91.0.1-172.91.0.99'] }, OTHER)],
    is: [],
  },
  {
    does: 'wants entries that are addresses or ranges (8)',
    spec: { ...V4, ips: ['172.91.0.5', '172.91.0.0/24'] },
    is: [['Invalid', 'spec.ips[1]', /172\.91\.0\.0\/24/]],
  },
  {
    does: 'wants no blanks (8)',
    spec: { ...V4, ips: ['172.91.0.5 - 172.91.0.9'] },
    is: [['Invalid', 'spec.ips[0]', /172\.91\.0\.5 - 172\.91\.0\.9/]],
  },
  {
    does: 'wants ranges the right way round (8)',
    spec: { ...V4, ips: ['172.91.0.9-172.91.0.5'] },
    is: [['Invalid', 'spec.ips[0]', /after its last/]],
  },
  {
    does: 'wants no leading zeros in an address (8)',
    spec: { ...V4, ips: ['172.91.40.01'] },
    is: [['Invalid', 'spec.ips[0]', /172\.91\.40\.01/]],
  },
  {
    does: 'wants one dash (8)',
    spec: { ...V4, ips: ['172.91.0.1-172.91.0.2-172.91.0.3'] },
    is: [['Invalid', 'spec.ips[0]', /dash/]],
  },
  {
    does: 'names an entry outside by its place in the list as written (8)',
    spec: { ...V4, ips: ['172.91.0.9', '172.92.0.5', '172.91.0.1'] },
    is: [['Invalid', 'spec.ips[1]', /172\.92\.0\.5.*172\.91\.0\.0\/16/]],
  },
  {
    does: 'wants entries of its own family (8)',
    spec: { ...V4, ips: ['172.91.0.9', 'fd00::1'] },
    is: [['Invalid', 'spec.ips[1]', /fd00::1/]],
  },
  {
    does: 'looks at excludeIPs likewise (8)',
    spec: { ...V4, excludeIPs: ['nothing'] },
    is: [['Invalid', 'spec.excludeIPs[0]', /nothing/]],
  },
  {
    does: 'wants addresses that no other pool has (9)',
    others: [stored({ subnet: V4.subnet, ips: ['172.91.0.120-172.91.0.130'] }, OTHER)],
    is: [['Forbidden', 'spec.ips', /172\.91\.0\.120.*other/]],
  },
  {
    does: 'wants a gateway inside (10)',
    spec: { ...V4, gateway: '172.92.0.1' },
    is: [['Invalid', 'spec.gateway', /172\.92\.0\.1.*172\.91\.0\.0\/16/]],
  },
  {
    does: 'wants a gateway that is an address (10)',
    spec: { ...V4, gateway: '172.91.0.1-172.91.0.2' },
    is: [['Invalid', 'spec.gateway', /172\.91\.0\.1-/]],
  },
  {
    does: 'wants a gateway of its family (10)',
    spec: { ...V4, gateway: 'fd00::1' },
    is: [['Invalid', 'spec.gateway', /fd00::1/]],
  },
  {
    does: 'wants the gateway not among the addresses (11)',
    spec: { ...V4, ips: ['172.91.0.1-172.91.0.9'] },
    is: [['Invalid', 'spec.ips[0]', /172\.91\.0\.1/]],
  },
  {
    does: 'takes a gateway among them that is excluded (11)',
    spec: { ...V4, ips: ['172.91.0.1-172.91.0.9'], excludeIPs: ['172.91.0.1'] },
    is: [],
  },
  {
    does: 'compares the gateway by number (11)',
    spec: { ...V6, ips: ['fd00:0::1'], gateway: 'fd00::0001' },
    is: [['Invalid', 'spec.ips[0]', /fd00::0001/]],
  },
  {
    does: 'wants no default route (12)',
    spec: { ...V4, routes: [{ dst: '0.0.0.0/0', gw: '172.91.0.1' }] },
    is: [['Invalid', 'spec.routes[0].dst', /0\.0\.0\.0\/0/]],
  },
  {
    does: 'wants each route once (13)',
    spec: { ...V4, routes: [1, 2].map(() => ({ dst: '10.0.0.0/8', gw: '172.91.0.1' })) },
    is: [['Invalid', 'spec.routes[1].dst', /twice/]],
  },
  {
    does: 'wants CIDRs as targets (14)',
    spec: { ...V4, routes: [{ dst: '10.0.0.1', gw: '172.91.0.1' }] },
    is: [['Invalid', 'spec.routes[0].dst', /10\.0\.0\.1/]],
  },
  {
    does: 'wants targets of its family (14)',
    spec: { ...V4, routes: [{ dst: 'fd01::/64', gw: '172.91.0.1' }] },
    is: [['Invalid', 'spec.routes[0].dst', /fd01::\/64/]],
  },
  {
    does: 'wants next hops inside (15)',
    spec: { ...V4, routes: [{ dst: '10.0.0.0/8', gw: '10.0.0.1' }] },
    is: [['Invalid', 'spec.routes[0].gw', /10\.0\.0\.1/]],
  },
  {
    does: 'wants a podAffinity that selects (16)',
    spec: { ...V4, podAffinity: {} },
    is: [['Invalid', 'spec.podAffinity', /nothing/]],
  },
  {
    does: 'wants operators that there are (16)',
    spec: { ...V4, podAffinity: { matchExpressions: [{ key: 'a', operator: 'Near' }] } },
    is: [['Invalid', 'spec.podAffinity', /Near/]],
  },
  {
    does: 'tells podAffinity together with the first of the others',
    spec: { ...V4, gateway: '1.1.1.1', podAffinity: {}, routes: [{ dst: 'x', gw: 'y' }] },
    is: [
      ['Invalid', 'spec.gateway', /1\.1\.1\.1/],
      ['Invalid', 'spec.podAffinity', /nothing/],
    ],
  },
  { does: 'wants a subnet', spec: { ips: [] }, is: [['Required', 'spec.subnet', /./]] },
  { does: 'wants texts', spec: { ...V4, ips: [1] }, is: [['TypeInvalid', 'spec.ips[0]', /1/]] },
]

for (const { does, spec = V4, others = [], is } of CREATE) {
  test(`admitPool() ${does}`, () => {
    const { faults } = admitPool(raw(spec), { previous: undefined, others })
    deepEqual(
      faults.map(({ reason, field }) => [reason, field]),
      is.map(([r, f]) => [r, f]),
    )
    for (const [i, fault] of faults.entries()) match(fault.message, is[i]?.[2] ?? /^$/)
  })
}
