import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_SETTINGS } from '#schema/spiderpool-settings.ts'
import { ONE, V4 } from '#test/ipam/pool-specs.ts'
import { asking, held, ipsOf, putDocument, world } from '#test/ipam/spiderpool-world.ts'
import { admitReservedIp, reservedIn } from './reserved-ip.ts'

function raw(spec: object, name = 'r') {
  const kind = { apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderReservedIP' }
  return { ...kind, metadata: { name }, spec }
}

const admit = (spec: object, previous?: unknown, settings: object = {}) =>
  admitReservedIp(raw(spec), { previous, settings: { ...DEFAULT_SETTINGS, ...settings } })

for (const { does, spec, previous, settings, is } of [
  { does: 'takes addresses and ranges', spec: { ips: ['10.0.0.1', '10.0.0.3-10.0.0.9'] } },
  { does: 'takes IPv6', spec: { ips: ['fd00::1'] } },
  { does: 'takes a version without addresses', spec: { ipVersion: 4 } },
  { does: 'wants an address', spec: {}, is: ['Invalid', 'spec.ipVersion', /no address/] },
  {
    does: 'wants a first address',
    spec: { ips: ['here', '10.0.0.1'] },
    is: ['Invalid', 'spec.ipVersion', /here/],
  },
  {
    does: 'wants a version that there is',
    spec: { ipVersion: 7, ips: ['10.0.0.1'] },
    is: ['NotSupported', 'spec.ipVersion', /7/],
  },
  {
    does: 'wants a family that is on',
    spec: { ips: ['fd00::1'] },
    settings: { enableIPv6: false },
    is: ['Forbidden', 'spec.ipVersion', /IPv6 is disabled/],
  },
  {
    does: 'wants one family',
    spec: { ips: ['10.0.0.1', 'fd00::1'] },
    is: ['Invalid', 'spec.ips[1]', /fd00::1/],
  },
  {
    does: 'wants ranges the right way round',
    spec: { ipVersion: 4, ips: ['10.0.0.9-10.0.0.1'] },
    is: ['Invalid', 'spec.ips[0]', /10\.0\.0\.9-10\.0\.0\.1/],
  },
  {
    does: 'wants entries without blanks',
    spec: { ips: ['10.0.0.1', '10.0.0.2 - 10.0.0.3'] },
    is: ['Invalid', 'spec.ips[1]', /10\.0\.0\.2 - 10\.0\.0\.3/],
  },
  {
    does: 'keeps its version',
    spec: { ips: ['fd00::1'] },
    previous: raw({ ipVersion: 4, ips: ['10.0.0.1'] }),
    is: ['Forbidden', 'spec.ipVersion', /6.*4/],
  },
] as const) {
  test(`admitReservedIp() ${does}`, () => {
    const { faults } = admit(spec, previous, settings)
    const [fault] = faults
    if (is === undefined) return deepEqual(faults, [])
    deepEqual([faults.length, fault?.reason, fault?.field], [1, is[0], is[1]])
    return match(fault?.message ?? '', is[2])
  })
}

test('admitReservedIp() derives the version and joins its entries', () => {
  const { document } = admit({ ips: ['FD00::3', 'fd00::1-fd00::2', 'fd00::9'] })
  deepEqual(document?.spec, { ipVersion: 6, ips: ['fd00::1-fd00::3', 'fd00::9'] })
})

test('reservedIn() gives nothing of what is terminating', () => {
  const one = raw({ ips: ['10.0.0.1'] })
  equal(reservedIn([one]).length, 1)
  const gone = { ...one.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' }
  equal(reservedIn([{ ...one, metadata: gone }]).length, 0)
})

test('a reserved address is never given, and its pool stays as large as it is', async () => {
  await using at = await world({ v4: { ...V4, ips: ['10.1.0.10-10.1.0.13'] } })
  await putDocument(at.records, raw({ ipVersion: 4, ips: ['10.1.0.10', '10.1.0.12-10.1.0.99'] }))
  deepEqual(ipsOf(await at.ipam.reserve(asking(at.ipam))), ['10.1.0.11/24'])
  await rejects(at.ipam.reserve(asking(at.ipam, { pod: 'b' })), {
    code: 'pool-exhausted',
    message:
      'Cannot allocate from pool v4: all 4 addresses are used, by 10.1.0.11 default/a (eth0); ' +
      'SpiderReservedIP r reserves some; all IP addresses used out',
  })
})

test('an address asked for by name is refused when it is reserved, naming by what', async () => {
  await using at = await world({ v4: V4 })
  await putDocument(at.records, raw({ ipVersion: 4, ips: ['10.1.0.15'] }))
  await rejects(at.ipam.reserve(asking(at.ipam, { requested: ['10.1.0.15'] })), {
    code: 'address-taken',
    message: /10\.1\.0\.15.*SpiderReservedIP r reserves it/,
  })
})

test('who has an address already keeps it when it is reserved later', async () => {
  await using at = await world({ one: ONE })
  const part = { default_ipv4_ippool: ['one'] }
  const first = await at.ipam.reserve(asking(at.ipam, { ipam: part }))
  await putDocument(at.records, raw({ ipVersion: 4, ips: ['10.2.0.5'] }))
  deepEqual(await at.ipam.reserve(asking(at.ipam, { ipam: part })), first)
  const newer = await at.ipam.reserve(asking(at.ipam, { ipam: part, container: 'newer' }))
  deepEqual(ipsOf(newer), ['10.2.0.5/24'])
  deepEqual(await held(at.records), ['10.2.0.5 a eth0'])
})

test('what is reserved no more is given again', async () => {
  await using at = await world({ one: ONE })
  const stored = await putDocument(at.records, raw({ ipVersion: 4, ips: ['10.2.0.5'] }))
  const part = { default_ipv4_ippool: ['one'] }
  await rejects(at.ipam.reserve(asking(at.ipam, { ipam: part })), { code: 'pool-exhausted' })
  const { apiVersion, kind, metadata } = stored
  await at.records.delete({ apiVersion, kind, namespace: undefined, name: metadata.name })
  deepEqual(ipsOf(await at.ipam.reserve(asking(at.ipam, { ipam: part }))), ['10.2.0.5/24'])
})
