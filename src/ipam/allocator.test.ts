import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import type { Records } from '#needs/records.ts'
import type { Failure } from '#values/failure.ts'
import { ONE, V4, V6 } from '#test/ipam/pool-specs.ts'
import { asking, held, ipsOf, putPool, random, world } from '#test/ipam/spiderpool-world.ts'
import { allocationsOf } from './allocation.ts'
import { spiderpoolIpam } from './spiderpool.ts'

test('20 at once on exactly 20 addresses get 20, the next is told who has them', async () => {
  await using at = await world({ v4: V4 })
  const pods = Array.from({ length: 20 }, (_, i) => `p-${i}`)
  const done = await Promise.all(pods.map((pod) => at.ipam.reserve(asking(at.ipam, { pod }))))
  equal(new Set(done.flatMap(ipsOf)).size, 20)
  await rejects(at.ipam.reserve(asking(at.ipam, { pod: 'late' })), (failure: Failure) => {
    equal(failure.code, 'pool-exhausted')
    equal(failure.row.cni, 11)
    match(
      failure.message,
      /^Cannot allocate from pool v4: all 20 addresses are used, by 10\.1\.0\.10 default\/p-\d+/,
    )
    return true
  })
})

test('a pool that is full of records without labels tells who holds them', async () => {
  await using at = await world({ v4: { ...V4, ips: ['10.1.0.10'] } })
  await at.ipam.reserve(asking(at.ipam, { pod: 'first' }))
  const { items } = await at.records.list(allocationsOf('all'))
  for (const item of items) {
    await at.records.replace({ ...item, metadata: { ...item.metadata, labels: {} } })
  }
  const late = at.ipam.reserve(asking(at.ipam, { pod: 'late' }))
  await rejects(late, { message: /by 10\.1\.0\.10 default\/first/ })
})

test('two agents fill a pool together to its last address, and never give one twice', async () => {
  await using at = await world({ v4: { subnet: '10.1.0.0/16', ips: ['10.1.0.0-10.1.1.243'] } })
  await using second = spiderpoolIpam({ records: at.records, random, node: 'node-2' })
  const all = Array.from({ length: 500 }, (_, i) => {
    const ipam = i % 2 === 0 ? at.ipam : second
    return ipam.reserve(asking(ipam, { pod: `p-${i}` }))
  })
  equal(new Set((await Promise.all(all)).flatMap(ipsOf)).size, 500)
  for (const ipam of [at.ipam, second]) {
    await rejects(ipam.reserve(asking(ipam, { pod: 'late' })), { code: 'pool-exhausted' })
  }
})

test('1,000 pods have exactly 1,000 addresses, lowest first, and the next none', async () => {
  await using at = await world({ v4: { subnet: '10.1.0.0/16', ips: ['10.1.0.0-10.1.3.231'] } })
  const got: string[] = []
  for (let i = 0; i < 1_000; i++) {
    got.push(...ipsOf(await at.ipam.reserve(asking(at.ipam, { pod: `p-${i}` }))))
  }
  deepEqual([got[0], got[256], got[999]], ['10.1.0.0/16', '10.1.1.0/16', '10.1.3.231/16'])
  equal(new Set(got).size, 1_000)
  await rejects(at.ipam.reserve(asking(at.ipam, { pod: 'late' })), { code: 'pool-exhausted' })
})

test('what one agent frees another gives out', async () => {
  await using at = await world({ one: ONE })
  await using second = spiderpoolIpam({ records: at.records, random, node: 'node-2' })
  const part = { default_ipv4_ippool: ['one'] }
  const first = asking(at.ipam, { ipam: part })
  const { held: mine } = await at.ipam.reserve(first)
  const late = asking(second, { ipam: part, pod: 'b' })
  await rejects(second.reserve(late), { code: 'pool-exhausted' })
  await at.ipam.release({ conf: first.conf, owner: first.owner, held: mine })
  deepEqual(ipsOf(await second.reserve(late)), ['10.2.0.5/24'])
})

test('an address that somebody took off by hand is given out again', async () => {
  await using at = await world({ one: ONE })
  const part = { default_ipv4_ippool: ['one'] }
  await at.ipam.reserve(asking(at.ipam, { ipam: part }))
  await at.records.delete({ ...allocationsOf('all'), namespace: undefined, name: '10.2.0.5' })
  deepEqual(ipsOf(await at.ipam.reserve(asking(at.ipam, { ipam: part, pod: 'b' }))), [
    '10.2.0.5/24',
  ])
})

test('an address held under another pool of the same network is never given twice', async () => {
  await using at = await world({ v4: V4 })
  await at.ipam.reserve(asking(at.ipam))
  await at.records.delete({
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderIPPool',
    namespace: undefined,
    name: 'v4',
  })
  await putPool(at.records, 'again', { ...V4, ips: ['10.1.0.10-10.1.0.11'] })
  const part = { default_ipv4_ippool: ['again'] }
  deepEqual(ipsOf(await at.ipam.reserve(asking(at.ipam, { ipam: part, pod: 'b' }))), [
    '10.1.0.11/24',
  ])
  await rejects(at.ipam.reserve(asking(at.ipam, { ipam: part, pod: 'c' })), {
    code: 'pool-exhausted',
  })
})

test('the same owner gets the same address again, also from a new agent', async () => {
  await using at = await world({ v4: V4 })
  const first = await at.ipam.reserve(asking(at.ipam))
  deepEqual(await at.ipam.reserve(asking(at.ipam)), first)
  await using second = spiderpoolIpam({ records: at.records, random, node: 'node-1' })
  deepEqual(await second.reserve(asking(second)), first)
  equal((await held(at.records)).length, 1)
})

test('a newer container takes over, and the DEL of the older one frees nothing', async () => {
  await using at = await world({ v4: V4 })
  const old = asking(at.ipam, { container: 'old' })
  const next = asking(at.ipam, { container: 'new' })
  const first = await at.ipam.reserve(old)
  const second = await at.ipam.reserve(next)
  deepEqual(ipsOf(second), ipsOf(first))
  await at.ipam.release({ conf: old.conf, owner: old.owner, held: first.held })
  await at.ipam.release({ conf: old.conf, owner: old.owner, held: undefined })
  deepEqual(await held(at.records), ['10.1.0.10 a eth0'])
  await at.ipam.release({ conf: next.conf, owner: next.owner, held: second.held })
  deepEqual(await held(at.records), [])
})

test('two interfaces of a pod in one pool get two addresses', async () => {
  await using at = await world({ v4: V4 })
  const both = await Promise.all(
    ['eth0', 'net1'].map((ifName) => at.ipam.reserve(asking(at.ipam, { ifName }))),
  )
  equal(new Set(both.flatMap(ipsOf)).size, 2)
})

test('a pod made again under its name gets another address while the old one is held', async () => {
  await using at = await world({ v4: V4 })
  const old = asking(at.ipam)
  await at.ipam.reserve(old)
  const owner = { ...old.owner, pod: { ...old.owner.pod, uid: 'uid-next' }, containerId: 'next' }
  deepEqual(ipsOf(await at.ipam.reserve({ ...old, owner })), ['10.1.0.11/24'])
})

test('without a pod the owner is network, container and interface', async () => {
  await using at = await world({ v4: V4 })
  const { owner, ...rest } = asking(at.ipam)
  const alone = {
    ...rest,
    pod: undefined,
    namespace: undefined,
    owner: { ...owner, pod: undefined },
  }
  const first = await at.ipam.reserve(alone)
  deepEqual(await at.ipam.reserve(alone), first)
  const other = { ...alone, owner: { ...alone.owner, containerId: 'other' } }
  deepEqual(ipsOf(await at.ipam.reserve(other)), ['10.1.0.11/24'])
  await at.ipam.release({ conf: undefined, owner: alone.owner, held: undefined })
  deepEqual((await held(at.records)).length, 1)
})

test('an address that is asked for is given, or it is said who has it', async () => {
  await using at = await world({ v4: V4 })
  const requested = ['10.1.0.15/24']
  deepEqual(ipsOf(await at.ipam.reserve(asking(at.ipam, { requested }))), ['10.1.0.15/24'])
  await rejects(at.ipam.reserve(asking(at.ipam, { requested, pod: 'b' })), {
    message: 'Cannot allocate 10.1.0.15 for eth0: default/a (eth0) holds it',
  })
  await rejects(at.ipam.reserve(asking(at.ipam, { requested: ['10.7.0.1'], pod: 'b' })), {
    message: 'Cannot allocate 10.7.0.1 for eth0: it is not in pool v4',
  })
})

test('release() frees twice without a word, and never what another has by now', async () => {
  await using at = await world({ one: ONE })
  const part = { default_ipv4_ippool: ['one'] }
  const first = asking(at.ipam, { ipam: part })
  const { held: mine } = await at.ipam.reserve(first)
  const release = () => at.ipam.release({ conf: first.conf, owner: first.owner, held: mine })
  await release()
  await release()
  await at.ipam.reserve(asking(at.ipam, { ipam: part, pod: 'b' }))
  await release()
  deepEqual(await held(at.records), ['10.2.0.5 b eth0'])
})

test('a store that fails in the middle leaves nothing held', async () => {
  await using at = await world({ v4: V4, v6: V6 })
  let creates = 0
  const broken: Records = {
    get: (ref) => at.records.get(ref),
    list: (selection) => at.records.list(selection),
    replace: (document) => at.records.replace(document),
    delete: (ref, by) => at.records.delete(ref, by),
    watch: (selection, since, signal) => at.records.watch(selection, since, signal),
    create: (document) => {
      creates++
      return creates === 2 ? Promise.reject(new Error('no store')) : at.records.create(document)
    },
  }
  await using ipam = spiderpoolIpam({ records: broken, random, node: 'node-1' })
  const part = { default_ipv4_ippool: ['v4'], default_ipv6_ippool: ['v6'] }
  await rejects(ipam.reserve(asking(ipam, { ipam: part })), /no store/)
  deepEqual(await held(at.records), [])
  deepEqual(ipsOf(await ipam.reserve(asking(ipam, { ipam: part }))), [
    '10.1.0.10/24',
    'fd00::10/64',
  ])
})

test(
  'reserve() is quick: 2,000 addresses in a pool of exactly 2,000',
  { timeout: 20_000 },
  async () => {
    await using at = await world({ v4: { subnet: '10.1.0.0/16', ips: ['10.1.0.0-10.1.7.207'] } })
    const given = new Set<string>()
    for (let i = 0; i < 2_000; i++) {
      const [ip = ''] = ipsOf(await at.ipam.reserve(asking(at.ipam, { pod: `p-${i}` })))
      given.add(ip)
    }
    equal(given.size, 2_000)
    ok(given.has('10.1.7.207/16'))
  },
)
