/**
 * The coordinator on the real kernel, by packets: beside a network of an
 * overlay, for several interfaces of one request; what CHECK tells of it; and
 * that nothing is left after DEL.
 * @module
 */
import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { nad, networks } from './documents.ts'
import { OVERLAY_IP, addStandIn } from './overlay-stand-in.ts'
import { PODS, add, attach, detach, difference, macvlanOf, trace } from './rail-pods.ts'
import { CLIENT, FAR, SERVICE, must, openRails, podIp } from './rails.ts'
import { NEEDS_NODE } from './real-node.ts'

const BOTH = [4, 6] as const
const { eth0, net1 } = PODS
/** Hijacks what the built-in values do not know of. */
const HIJACK = { hijackCIDR: [SERVICE[4], SERVICE[6]] }

/** What goes out and comes back by one link alone. */
const over = (link: string) => ({ answered: true, sentBy: [link], receivedBy: [link] })

test('disabled does nothing, by either of its names', NEEDS_NODE, async () => {
  await using node = await openRails(['a'])
  for (const mode of ['disabled', 'disable']) {
    await add(node, { ...eth0, type: 'macvlan', conf: macvlanOf(1) })
    const before = await node.state()
    const prevResult = { cniVersion: '1.0.0', interfaces: [{ name: 'eth0', sandbox: '/a' }] }
    await add(node, { ...eth0, type: 'coordinator', conf: { mode, prevResult } })
    deepEqual(difference(before, await node.state()), [])
    await detach(node, { ...eth0, coordinator: { mode } })
  }
})

test('ADD and DEL in each mode leave node and pod as they were', NEEDS_NODE, async () => {
  await using node = await openRails(['a'])
  const empty = await node.state()
  const coordinator = { ...HIJACK, podMACPrefix: '0a:1b', podDefaultRouteNic: 'net1' }
  await attach(node, eth0)
  await attach(node, { ...net1, coordinator })
  await detach(node, { ...net1, coordinator })
  await detach(node, eth0)
  deepEqual(difference(empty, await node.state()), [])
  await attach(node, eth0)
  await attach(node, { ...net1, coordinator })
  await detach(node, eth0)
  await detach(node, { ...net1, coordinator })
  deepEqual(difference(empty, await node.state()), [], 'in the other order too')
  await addStandIn(node)
  const standing = await node.state()
  await attach(node, { ...net1, coordinator })
  await detach(node, { ...net1, coordinator })
  deepEqual(difference(standing, await node.state()), [])
})

test(
  'overlay: each interface answers by itself, beside a network of another kind',
  NEEDS_NODE,
  async () => {
    await using node = await openRails(['a'])
    await addStandIn(node)
    // what the node remembers of an earlier pod with the address
    const stale = ['neigh', 'add', podIp(2), 'lladdr', '02:00:00:00:de:ad', 'dev', 'cali1']
    await must(node, 'node', 'ip', ...stale)
    const links = ['eth0', 'net1', 'net2']
    const auto = { mode: 'auto', ...HIJACK }
    await attach(node, { ...net1, coordinator: auto })
    await attach(node, {
      pod: 'a',
      ifName: 'net2',
      n: 3,
      coordinator: { mode: 'overlay', ...HIJACK },
    })
    for (const family of BOTH) {
      for (const [from, to] of [
        ['node', OVERLAY_IP[family]],
        ['behind', OVERLAY_IP[family]],
        ['node', podIp(2, family)],
        ['node', podIp(3, family)],
      ] as const) {
        const seen = await trace(node, { from, to, at: 'a', links })
        deepEqual(seen, over('eth0'), `${from} to ${to}`)
      }
      for (const [n, link] of [
        [2, 'net1'],
        [3, 'net2'],
      ] as const) {
        const asked = { from: `lan${n}`, to: podIp(n, family), at: 'a', links }
        deepEqual(await trace(node, asked), over(link))
        deepEqual(await trace(node, { ...asked, source: FAR[family] }), over(link))
      }
      for (const source of [undefined, OVERLAY_IP[family], podIp(2, family), podIp(3, family)]) {
        const asked = { from: 'a', to: SERVICE[family], at: 'a', links }
        const seen = await trace(node, source === undefined ? asked : { ...asked, source })
        deepEqual(seen, over('eth0'), `${source} to a hijacked address`)
      }
      const bare = await trace(node, { from: 'a', to: CLIENT[family], at: 'a', links })
      deepEqual(bare, over('eth0'), 'the default route stays')
    }
    const rules = await must(node, 'a', 'ip', 'rule')
    match(rules, /from 10\.72\.0\.100 lookup 101 /)
    match(rules, /from 10\.73\.0\.100 lookup 102 /)
    match(rules, /from 10\.244\.0\.7 lookup 100 /)
  },
)

test(
  'overlay: the default route can go to another interface, and the first answers still',
  NEEDS_NODE,
  async () => {
    await using node = await openRails(['a'])
    await addStandIn(node)
    const links = ['eth0', 'net1']
    await attach(node, { ...net1, coordinator: { mode: 'overlay', podDefaultRouteNic: 'net1' } })
    for (const family of BOTH) {
      const out = await trace(node, { from: 'a', to: FAR[family], at: 'a', links })
      deepEqual(out, over('net1'))
      const to = OVERLAY_IP[family]
      deepEqual(await trace(node, { from: 'behind', to, at: 'a', links }), over('eth0'))
    }
  },
)

const whole = (n: 1 | 2 | 3, name: string) =>
  nad(name, [macvlanOf(n), { type: 'coordinator', ...HIJACK }])

test(
  'three interfaces of one request have three tables, and each answers by itself',
  NEEDS_NODE,
  async () => {
    await using node = await openRails(['a'], [whole(1, 'n1'), whole(2, 'n2'), whole(3, 'n3')])
    const empty = await node.state()
    const named = { namespace: 'default', name: 'pod-a' }
    const annotations = {
      ...networks('n1', 'n2', 'n3'),
      'ipam.spidernet.io/default-route-nic': 'net2',
    }
    const pod = await node.records.create({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...named, annotations },
      spec: {},
    })
    const ref = { ...named, uid: pod.metadata.uid }
    const call = { pod: 'a', ref, type: 'verbena' }
    await add(node, call)
    const links = ['eth0', 'net1', 'net2', 'veth0']
    for (const family of BOTH) {
      for (const [n, link] of [
        [1, 'eth0'],
        [2, 'net1'],
        [3, 'net2'],
      ] as const) {
        const to = podIp(n, family)
        const far = { from: `lan${n}`, source: FAR[family], to, at: 'a', links }
        deepEqual(await trace(node, far), over(link), `network ${n}, IPv${family}`)
        deepEqual(await trace(node, { from: 'behind', to, at: 'a', links }), over('veth0'))
      }
      const bare = await trace(node, { from: 'a', to: FAR[family], at: 'a', links })
      deepEqual(bare, over('net2'), 'as the annotation says')
    }
    const checked = await node.plugin('CHECK', call)
    equal(checked.status, 0, checked.stdout)
    equal((await node.plugin('DEL', call)).status, 0)
    deepEqual(difference(empty, await node.state()), [])
  },
)

for (const { gone, words, says } of [
  { gone: 'the marks', words: ['nft', 'delete', 'table', 'inet', 'verbena'], says: /verbena/ },
  {
    gone: 'the way back',
    words: ['ip', 'rule', 'del', 'fwmark', '0x1', 'lookup', '100'],
    says: /fwmark/,
  },
  {
    gone: 'a route of the first',
    words: ['ip', 'route', 'del', '10.1.0.1', 'dev', 'veth0'],
    says: /10\.1\.0\.1\/32/,
  },
  { gone: 'its own default', words: ['ip', 'route', 'flush', 'table', '102'], says: /table 102/ },
  { gone: 'the filter', words: ['sysctl', 'net.ipv4.conf.veth0.rp_filter=1'], says: /rp_filter/ },
] as const) {
  test(`CHECK tells when ${gone} is gone`, NEEDS_NODE, async () => {
    await using node = await openRails(['a'])
    const results = [await attach(node, eth0), await attach(node, net1)]
    const check = async () => {
      const ends = await Promise.all(
        [eth0, net1].map((one, i) =>
          node.plugin('CHECK', { ...one, type: 'coordinator', conf: { prevResult: results[i] } }),
        ),
      )
      return ends.map(({ status, stdout }) => (status === 0 ? '' : stdout)).join('')
    }
    equal(await check(), '')
    equal((await node.in('a', ...words)).status, 0)
    match(await check(), says)
  })
}

test('refusals name what is in the way, and leave nothing', NEEDS_NODE, async () => {
  await using node = await openRails(['a'])
  const cases = [
    { ...eth0, coordinator: { mode: 'overlay' }, says: /it is the pod's first interface/ },
    { ...net1, coordinator: { mode: 'underlay' }, says: /veth0 is not there/ },
    { ...net1, coordinator: { mode: 'auto' }, says: /eth0 is not in the pod/ },
    { ...eth0, coordinator: { mode: 'swift' }, says: /unknown mode: swift/ },
    { ...eth0, coordinator: { podMACPrefix: '01:10' }, says: /no unicast address/ },
  ]
  for (const { pod, ifName, n, coordinator, says } of cases) {
    const prevResult = await add(node, { pod, ifName, type: 'macvlan', conf: macvlanOf(n) })
    const before = await node.state()
    const conf = { ...coordinator, prevResult }
    const { status, stdout } = await node.plugin('ADD', { pod, ifName, type: 'coordinator', conf })
    equal(status, 1)
    match(stdout, says)
    deepEqual(difference(before, await node.state()), [])
    await detach(node, { pod, ifName, n, coordinator })
  }
})
