import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { openRecords } from '#store/records.ts'
import type { Document, Records } from '#needs/records.ts'
import { type Failure, failureIn } from '#values/failure.ts'
import { parseIfName } from '#values/if-name.ts'
import { allocationsOf, fieldOf } from './allocation.ts'
import type { Reservation } from './ipam.ts'
import { admitPool } from './pool.ts'
import { spiderpoolIpam } from './spiderpool.ts'

const random = { below: (below: number) => Math.floor(Math.random() * below), uuid: () => '' }

async function world(pools: Record<string, object>, node = 'node-1') {
  const records = await openRecords({ path: ':memory:' })
  for (const [name, spec] of Object.entries(pools)) await putPool(records, name, spec)
  const ipam = spiderpoolIpam({ records, random, node })
  return {
    records,
    ipam,
    async [Symbol.asyncDispose]() {
      await ipam[Symbol.asyncDispose]()
      await records[Symbol.asyncDispose]()
    },
  }
}

async function putPool(records: Records, name: string, spec: object): Promise<void> {
  const raw = {
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderIPPool',
    metadata: { name },
    spec,
  }
  const { document, faults } = admitPool(raw, { previous: undefined, others: [] })
  deepEqual(faults, [])
  if (document !== undefined) await records.create(document)
}

type Asked = {
  ipam?: object
  pod?: string
  ifName?: string
  container?: string
  requested?: string[]
  annotations?: Record<string, string>
  namespace?: Record<string, string>
  status?: object
}

/** A request as attach/ makes it. */
function asking(ipam: ReturnType<typeof spiderpoolIpam>, asked: Asked = {}) {
  const { pod = 'a', ifName = 'eth0', container = `c-${pod}`, requested = [] } = asked
  const part = { type: 'spiderpool', default_ipv4_ippool: ['v4'], ...asked.ipam }
  const document: Document = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: pod, namespace: 'default', annotations: asked.annotations ?? {} },
    status: asked.status ?? { phase: 'Pending' },
  }
  const namespace: Document = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'default', annotations: asked.namespace ?? {} },
  }
  return {
    conf: ipam.parse({ cniVersion: '1.1.0', name: 'net', type: 'ipoib', ipam: part }).conf,
    owner: {
      pod: { namespace: 'default', name: pod, uid: `uid-${pod}` },
      network: 'net',
      containerId: container,
      ifName: parseIfName(ifName),
    },
    cniVersion: '1.1.0' as const,
    requested,
    args: '',
    pod: document,
    namespace,
  }
}

function ipsOf({ addressing }: Reservation): string[] {
  return addressing.ips.map(({ address }) => address)
}

async function held(records: Records): Promise<string[]> {
  const { items } = await records.list(allocationsOf('all'))
  return items.map(
    (item) => `${item.metadata.name} ${fieldOf(item, 'podName')} ${fieldOf(item, 'interface')}`,
  )
}

const V4 = { subnet: '10.1.0.0/24', ips: ['10.1.0.10-10.1.0.29'], gateway: '10.1.0.1' }
const V6 = { subnet: 'fd00::/64', ips: ['fd00::10-fd00::11'], gateway: 'fd00::1' }
const ONE = { subnet: '10.2.0.0/24', ips: ['10.2.0.5'] }

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
  deepEqual(why, ['10.1.0.10 from pool v4 (network)'])
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

test('20 at once on a pool of exactly 20 addresses get 20, the next is told who has them', async () => {
  await using at = await world({ v4: V4 })
  const pods = Array.from({ length: 20 }, (_, i) => `p-${i}`)
  const done = await Promise.all(pods.map((pod) => at.ipam.reserve(asking(at.ipam, { pod }))))
  equal(new Set(done.flatMap(ipsOf)).size, 20)
  await rejects(at.ipam.reserve(asking(at.ipam, { pod: 'late' })), (failure: Failure) => {
    equal(failure.code, 'pool-exhausted')
    equal(failure.row.cni, 11)
    match(
      failure.message,
      /^Cannot allocate from pool v4: all 20 addresses are used, by 10\.1\.0\.10 default\/p-\d+ \(eth0\), .* and 17 more$/,
    )
    return true
  })
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

test('a newer container of a pod takes over, and the DEL of the older one frees nothing', async () => {
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

test('check() names an address that is no longer held', async () => {
  await using at = await world({ v4: V4 })
  const { conf, owner, ...rest } = asking(at.ipam)
  const { addressing } = await at.ipam.reserve({ conf, owner, ...rest })
  deepEqual(await at.ipam.check({ conf, owner, addressing }), [])
  await at.records.delete({ ...allocationsOf('all'), namespace: undefined, name: '10.1.0.10' })
  const [fault] = await at.ipam.check({ conf, owner, addressing })
  equal(fault?.code, 'address-not-held')
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

const pools = {
  v4: V4,
  one: ONE,
  gone: { ...ONE, subnet: '10.3.0.0/24', ips: ['10.3.0.5'], disable: true },
}
const REFUSED: readonly { does: string; asked: Asked; code: string; text: RegExp }[] = [
  {
    does: 'a pool that does not exist, by name',
    asked: { ipam: { default_ipv4_ippool: ['v4', 'nope'] } },
    code: 'pool-missing',
    text: /nope/,
  },
  {
    does: 'patterns that match nothing',
    asked: { ipam: { default_ipv4_ippool: ['rail*'] } },
    code: 'pool-missing',
    text: /rail\*/,
  },
  {
    does: 'a disabled pool',
    asked: { ipam: { default_ipv4_ippool: ['gone'] } },
    code: 'pool-none',
    text: /gone: it is disabled/,
  },
  {
    does: 'a pool of the other family',
    asked: { ipam: { default_ipv4_ippool: [], default_ipv6_ippool: ['v4'] } },
    code: 'pool-none',
    text: /v4: it is no IPv6 pool/,
  },
  {
    does: 'no pool at all',
    asked: { ipam: { default_ipv4_ippool: [] } },
    code: 'pool-none',
    text: /default/,
  },
  {
    does: 'an annotation that is no JSON',
    asked: { annotations: { 'ipam.spidernet.io/ippool': '{' } },
    code: 'pool-annotation-invalid',
    text: /ippool.*JSON/,
  },
  {
    does: 'routes that are none',
    asked: { annotations: { 'ipam.spidernet.io/routes': '[{"dst":"x","gw":"y"}]' } },
    code: 'pool-annotation-invalid',
    text: /routes.*item 0.*x/,
  },
  {
    does: 'a pod that has ended',
    asked: { status: { phase: 'Succeeded' } },
    code: 'pod-not-alive',
    text: /default\/a.*succeeded/,
  },
  {
    does: 'text that is no address',
    asked: { requested: ['here'] },
    code: 'ip-invalid',
    text: /here/,
  },
]

for (const { does, asked, code, text } of REFUSED) {
  test(`reserve() refuses ${does}, and holds nothing`, async () => {
    await using at = await world(pools)
    await rejects(at.ipam.reserve(asking(at.ipam, asked)), (thrown: unknown) => {
      const failure = failureIn(thrown)
      equal(failure?.code, code)
      match(failure?.message ?? '', text)
      return true
    })
    deepEqual(await held(at.records), [])
  })
}

const PARSED: readonly { does: string; raw: object; text: RegExp }[] = [
  { does: 'no ipam', raw: {}, text: /IPAM config missing 'ipam' key/ },
  {
    does: 'a name in the place of a list',
    raw: { ipam: { type: 'spiderpool', default_ipv4_ippool: 'v4' } },
    text: /ipam\.default_ipv4_ippool.*"v4"/,
  },
  {
    does: 'a pool twice',
    raw: { ipam: { type: 'spiderpool', default_ipv4_ippool: ['v4', 'v4'] } },
    text: /default_ipv4_ippool.*v4.*twice/,
  },
]
for (const { does, raw, text } of PARSED) {
  test(`parse() of spiderpool refuses ${does}`, async () => {
    await using at = await world({})
    await rejects(async () => at.ipam.parse(raw), text)
  })
}

test('parse() of spiderpool warns of a key that means nothing', async () => {
  await using at = await world({})
  const { warnings } = at.ipam.parse({
    ipam: { type: 'spiderpool', Default_IPv4_IPPool: ['v4'], vlan: 5 },
  })
  deepEqual(warnings, ['ipam.vlan is not known and has no effect'])
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

test('reserve() puts a route of the pod on the interface whose network has its gateway', async () => {
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

test(
  'reserve() is quick: 2,000 addresses in a pool of exactly 2,000',
  { timeout: 20_000 },
  async () => {
    await using at = await world({ v4: { subnet: '10.1.0.0/16', ips: ['10.1.0.0-10.1.7.207'] } })
    const given = new Set<string>()
    for (let i = 0; i < 2_000; i++) {
      for (const ip of ipsOf(await at.ipam.reserve(asking(at.ipam, { pod: `p-${i}` }))))
        given.add(ip)
    }
    equal(given.size, 2_000)
    ok(given.has('10.1.7.207/16'))
  },
)
