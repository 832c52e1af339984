import { deepEqual, equal, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import type { Document } from '#needs/records.ts'
import { V4 } from '#test/ipam/pool-specs.ts'
import { type Asked, asking, held, ipsOf, putDocument, world } from '#test/ipam/spiderpool-world.ts'
import { allocationsOf } from './allocation.ts'
import { isKept } from './allocation-state.ts'
import { freeKept } from './free-kept.ts'
import { hasOrdinal } from './keeping.ts'

const owner = (apiVersion: string, kind: string, name: string) => {
  return [{ apiVersion, kind, name, uid: `uid-${name}`, controller: true }]
}
const SET = owner('apps/v1', 'StatefulSet', 'web')
const MACHINE = owner('kubevirt.io/v1', 'VirtualMachineInstance', 'vm1')

function statefulSet(spec: object): Document {
  const metadata = { name: 'web', namespace: 'default' }
  return { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata, spec }
}
/** A pod of the set; each time it is made it has another UID. */
const pod = (name: string, uid: string, more: Asked = {}): Asked => ({
  pod: name,
  uid,
  container: `c-${uid}`,
  ownerReferences: SET,
  ...more,
})

type World = Awaited<ReturnType<typeof world>>

/** ADD, then DEL; gives the address and what DEL said. */
async function come(at: World, asked: Asked) {
  const request = asking(at.ipam, asked)
  const reservation = await at.ipam.reserve(request)
  const { conf, owner: by } = request
  const go = () => at.ipam.release({ conf, owner: by, held: reservation.held })
  return { ips: ipsOf(reservation), go }
}
const ref = { apiVersion: 'apps/v1', kind: 'StatefulSet', namespace: 'default', name: 'web' }

test('a pod of a StatefulSet that is made again has its address again', async () => {
  await using at = await world({ v4: V4 })
  await putDocument(at.records, statefulSet({ replicas: 2 }))
  const [zero, one] = [await come(at, pod('web-0', 'a')), await come(at, pod('web-1', 'b'))]
  deepEqual(await zero.go(), [
    '10.1.0.10 stays with default/web-0 (eth0): StatefulSet/web makes it again',
  ])
  await one.go()
  deepEqual(await held(at.records), ['10.1.0.10 web-0 eth0', '10.1.0.11 web-1 eth0'])
  deepEqual((await come(at, { pod: 'other' })).ips, ['10.1.0.12/24'])
  deepEqual((await come(at, pod('web-1', 'd'))).ips, one.ips)
  const again = await come(at, pod('web-0', 'c'))
  deepEqual(again.ips, zero.ips)
  const { items } = await at.records.list(allocationsOf('all'))
  deepEqual(items.filter(isKept), [])
  await again.go()
})

test('another agent gives the kept address too', async () => {
  await using at = await world({ v4: V4 })
  await putDocument(at.records, statefulSet({ replicas: 1 }))
  const first = await come(at, pod('web-0', 'a'))
  await first.go()
  const { spiderpoolIpam } = await import('./spiderpool.ts')
  const { random } = await import('#test/ipam/spiderpool-world.ts')
  await using ipam = spiderpoolIpam({ records: at.records, random, node: 'node-2' })
  deepEqual(ipsOf(await ipam.reserve(asking(ipam, pod('web-0', 'b')))), first.ips)
})

test('a pod made by force gets another address while the older interface has its own', async () => {
  await using at = await world({ v4: V4 })
  await putDocument(at.records, statefulSet({ replicas: 1 }))
  await come(at, pod('web-0', 'a'))
  deepEqual((await come(at, pod('web-0', 'b'))).ips, ['10.1.0.11/24'])
})

test('each interface of the pod has its own again', async () => {
  await using at = await world({ v4: V4 })
  await putDocument(at.records, statefulSet({ replicas: 1 }))
  const both = [
    await come(at, pod('web-0', 'a')),
    await come(at, pod('web-0', 'a', { ifName: 'net1' })),
  ]
  for (const one of both) await one.go()
  deepEqual((await come(at, pod('web-0', 'b', { ifName: 'net1' }))).ips, both[1]?.ips)
  deepEqual((await come(at, pod('web-0', 'b'))).ips, both[0]?.ips)
})

test('the undo of a failed ADD frees what was new, and keeps what was kept', async () => {
  await using at = await world({ v4: V4 })
  await putDocument(at.records, statefulSet({ replicas: 1 }))
  const failing = async (uid: string): Promise<void> => {
    const { conf, owner, ...rest } = asking(at.ipam, pod('web-0', uid))
    const { held: got } = await at.ipam.reserve({ conf, owner, ...rest })
    await at.ipam.release({ conf, owner, held: got, failed: true })
  }
  await failing('a')
  deepEqual(await held(at.records), [])
  await (await come(at, pod('web-0', 'b'))).go()
  await failing('c')
  deepEqual(await held(at.records), ['10.1.0.10 web-0 eth0'])
  deepEqual((await come(at, pod('web-0', 'd'))).ips, ['10.1.0.10/24'])
})

for (const { does, spec, name = 'web-0' } of [
  { does: 'beyond its replicas', spec: { replicas: 1 }, name: 'web-1' },
  { does: 'before its first ordinal', spec: { replicas: 1, ordinals: { start: 3 } } },
]) {
  test(`the address of a pod ${does} is free`, async () => {
    await using at = await world({ v4: V4 })
    await putDocument(at.records, statefulSet(spec))
    deepEqual(await (await come(at, pod(name, 'a'))).go(), [])
    deepEqual(await held(at.records), [])
  })
}

test('without its StatefulSet an address is free', async () => {
  await using at = await world({ v4: V4 })
  await (await come(at, pod('web-0', 'a'))).go()
  deepEqual(await held(at.records), [])
})

test('with the rule off an address is free', async () => {
  await using at = await world({ v4: V4 })
  await putDocument(at.records, statefulSet({ replicas: 1 }))
  await putDocument(at.records, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'spiderpool-conf', namespace: 'kube-system' },
    data: { 'conf.yml': 'enableStatefulSet: false\n' },
  })
  await (await come(at, pod('web-0', 'a'))).go()
  deepEqual(await held(at.records), [])
})

test('an address is freed by the next pod when its pool is one no more', async () => {
  await using at = await world({ v4: V4, next: { subnet: '10.4.0.0/24', ips: ['10.4.0.5'] } })
  await putDocument(at.records, statefulSet({ replicas: 1 }))
  await (await come(at, pod('web-0', 'a'))).go()
  const moved = await come(at, pod('web-0', 'b', { ipam: { default_ipv4_ippool: ['next'] } }))
  deepEqual(moved.ips, ['10.4.0.5/24'])
  deepEqual(await held(at.records), ['10.4.0.5 web-0 eth0'])
})

test('freeKept() frees what no pod will come for', async () => {
  await using at = await world({ v4: V4 })
  await putDocument(at.records, statefulSet({ replicas: 2 }))
  for (const name of ['web-0', 'web-1']) await (await come(at, pod(name, name))).go()
  deepEqual(await freeKept(at.records), [])
  const set = await at.records.get(ref)
  if (set === undefined) throw new TypeError('set')
  await at.records.replace({ ...set, spec: { replicas: 1 } })
  deepEqual(await freeKept(at.records), ['10.1.0.11'])
  await at.records.delete(ref)
  deepEqual(await freeKept(at.records), ['10.1.0.10'])
})

test('a virtual machine keeps its address, whatever its pod is called', async () => {
  await using at = await world({ v4: V4 })
  const vm = { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachine' }
  await putDocument(at.records, { ...vm, metadata: { name: 'vm1', namespace: 'default' } })
  const launcher = (name: string, more: Asked = {}): Asked => {
    return pod(name, name, { ownerReferences: MACHINE, ...more })
  }
  const first = await come(at, launcher('virt-launcher-a'))
  deepEqual(await held(at.records), ['10.1.0.10 vm1 eth0'])
  const labels = { 'kubevirt.io/migrationJobUID': 'm' }
  const target = await come(at, launcher('virt-launcher-b', { labels }))
  deepEqual(target.ips, first.ips)
  deepEqual(await first.go(), [])
  equal((await target.go())?.length, 1)
  deepEqual((await come(at, launcher('virt-launcher-c'))).ips, first.ips)
})

test('of two pods at once that want the kept address, one has it', async () => {
  await using at = await world({ v4: V4 })
  await putDocument(at.records, statefulSet({ replicas: 1 }))
  await (await come(at, pod('web-0', 'a'))).go()
  const both = await Promise.allSettled(['b', 'c'].map((uid) => come(at, pod('web-0', uid))))
  const got = both.flatMap((one) => (one.status === 'fulfilled' ? one.value.ips : []))
  deepEqual(got.toSorted(), ['10.1.0.10/24', '10.1.0.11/24'])
})

for (const { name, spec, is } of [
  { name: 'web-0', spec: {}, is: true },
  { name: 'web-1', spec: {}, is: false },
  { name: 'web-2', spec: { replicas: 3 }, is: true },
  { name: 'web-3', spec: { replicas: 3 }, is: false },
  { name: 'web-5', spec: { replicas: 3, ordinals: { start: 5 } }, is: true },
  { name: 'web-7', spec: { replicas: 3, ordinals: { start: 5 } }, is: true },
  { name: 'web-8', spec: { replicas: 3, ordinals: { start: 5 } }, is: false },
  { name: 'web-4', spec: { replicas: 3, ordinals: { start: 5 } }, is: false },
  { name: 'web-01', spec: { replicas: 3 }, is: false },
  { name: 'web', spec: { replicas: 3 }, is: false },
  { name: 'db-0', spec: { replicas: 3 }, is: false },
]) {
  test(`hasOrdinal() of ${name} in ${JSON.stringify(spec)} is ${is}`, () => {
    equal(hasOrdinal(statefulSet(spec), name), is)
  })
}

test('a newer container that fails hands the address back to the older one', async () => {
  await using at = await world({ v4: V4, one: { subnet: 'fd00::/64', ips: ['fd00::1'] } })
  const old = asking(at.ipam, { container: 'old' })
  const first = await at.ipam.reserve(old)
  const newer = asking(at.ipam, { container: 'newer' })
  const second = await at.ipam.reserve(newer)
  deepEqual(ipsOf(second), ipsOf(first))
  await at.ipam.release({ conf: newer.conf, owner: newer.owner, held: second.held })
  deepEqual(await held(at.records), ['10.1.0.10 a eth0'])
  const third = asking(at.ipam, { container: 'third' })
  deepEqual(ipsOf(await at.ipam.reserve(third)), ipsOf(first))
  await at.ipam.release({ conf: old.conf, owner: old.owner, held: first.held })
  deepEqual(await held(at.records), ['10.1.0.10 a eth0'])
  await at.ipam.release({ conf: third.conf, owner: third.owner, held: undefined })
  deepEqual(await held(at.records), [])
})

test('a newer container that gets nothing of the other family hands back as well', async () => {
  await using at = await world({ v4: V4, v6: { subnet: 'fd00::/64', ips: ['fd00::1'] } })
  await at.ipam.reserve(asking(at.ipam, { container: 'old' }))
  const part = { default_ipv4_ippool: ['v4'], default_ipv6_ippool: ['v6'] }
  await at.ipam.reserve(asking(at.ipam, { pod: 'b', ipam: part }))
  const newer = asking(at.ipam, { container: 'newer', ipam: part })
  await rejects(at.ipam.reserve(newer), { code: 'pool-exhausted' })
  const { items } = await at.records.list(allocationsOf('all'))
  const spec = items.find(({ metadata }) => metadata.name === '10.1.0.10')?.['spec']
  equal(Object(spec)['containerId'], 'old')
})
