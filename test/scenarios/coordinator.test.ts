/**
 * The coordinator on the real kernel, by packets: who reaches whom, by which
 * link the packets pass, and by which link their answers do.
 * @module
 */
import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { PODS, attach, linkOf, trace } from './rail-pods.ts'
import { FAR, SERVICE, batch, must, openRails, podIp } from './rails.ts'
import { NEEDS_NODE } from './real-node.ts'

const BOTH = [4, 6] as const
const LINKS = ['eth0', 'net1', 'veth0']
const { eth0, net1 } = PODS
/** Hijacks what the built-in values do not know of. */
const HIJACK = { hijackCIDR: [SERVICE[4], SERVICE[6]] }

/** What goes out and comes back by one link alone. */
const over = (link: string) => ({ answered: true, sentBy: [link], receivedBy: [link] })

test('underlay: whoever reaches a pod over its host is answered that way', NEEDS_NODE, async () => {
  await using node = await openRails(['a'])
  await attach(node, eth0)
  await attach(node, net1)
  for (const family of BOTH) {
    for (const from of ['node', 'behind']) {
      for (const n of [1, 2] as const) {
        const seen = await trace(node, { from, to: podIp(n, family), at: 'a', links: LINKS })
        deepEqual(seen, over('veth0'), `${from} to IPv${family} of network ${n}`)
      }
    }
  }
  await must(node, 'a', 'nft', 'delete', 'table', 'inet', 'verbena')
  for (const family of BOTH) {
    const to = podIp(1, family)
    const seen = await trace(node, { from: 'behind', to, at: 'a', links: LINKS })
    deepEqual([seen.answered, seen.sentBy], [false, ['eth0']], 'without marks')
  }
})

test('underlay: each interface answers by itself what came to it', NEEDS_NODE, async () => {
  await using node = await openRails(['a'])
  await attach(node, eth0)
  await attach(node, net1)
  for (const family of BOTH) {
    for (const [n, link] of [
      [1, 'eth0'],
      [2, 'net1'],
    ] as const) {
      const asked = { from: `lan${n}`, to: podIp(n, family), at: 'a', links: LINKS }
      deepEqual(await trace(node, asked), over(link), `network ${n} from its gateway`)
      const far = await trace(node, { ...asked, source: FAR[family] })
      deepEqual(far, over(link), `network ${n} from behind its gateway`)
      const out = { from: 'a', source: podIp(n, family), to: FAR[family], at: 'a', links: LINKS }
      deepEqual(await trace(node, out), over(link), `from its address on network ${n}`)
    }
    const bare = await trace(node, { from: 'a', to: FAR[family], at: 'a', links: LINKS })
    deepEqual(bare, over('eth0'), 'the first keeps the default route')
  }
})

test('underlay: hijacked CIDRs and the host are reached over the pair', NEEDS_NODE, async () => {
  await using node = await openRails(['a'])
  await attach(node, { ...eth0, coordinator: HIJACK })
  await attach(node, { ...net1, coordinator: HIJACK })
  for (const family of BOTH) {
    for (const to of [SERVICE[family], family === 4 ? '10.1.0.1' : 'fd10::1']) {
      for (const source of [undefined, podIp(1, family), podIp(2, family)]) {
        const asked = { from: 'a', to, at: 'a', links: LINKS }
        const seen = await trace(node, source === undefined ? asked : { ...asked, source })
        deepEqual(seen, over('veth0'), `${source} to ${to}`)
      }
    }
  }
})

test('underlay: policy routes lead through the gateway they name', NEEDS_NODE, async () => {
  await using node = await openRails(['a'])
  // the gateways of the default routes do not know these; another machine on each network does
  for (const n of [1, 2] as const) {
    await batch(
      node,
      `lan${n}`,
      `addr add 10.7${n}.0.2/16 dev lan\naddr add 198.51.100.${n}/32 dev lo\n`,
    )
  }
  const policyRoutes = [{ dst: '198.51.100.2', gw: '10.72.0.2' }]
  await attach(node, {
    ...eth0,
    coordinator: { policyRoutes: [{ dst: '198.51.100.1/32', gw: '10.71.0.2' }] },
  })
  await attach(node, { ...net1, coordinator: { policyRoutes } })
  const main = await must(node, 'a', 'ip', 'route', 'get', '198.51.100.1')
  match(main, /via 10\.71\.0\.2 dev eth0/)
  const own = await must(node, 'a', 'ip', 'route', 'get', '198.51.100.2', 'from', podIp(2))
  match(own, /via 10\.72\.0\.2 dev net1 table 102/)
  deepEqual(
    await trace(node, { from: 'a', to: '198.51.100.1', at: 'a', links: LINKS }),
    over('eth0'),
  )
  deepEqual(
    await trace(node, { from: 'a', source: podIp(2), to: '198.51.100.2', at: 'a', links: LINKS }),
    over('net1'),
  )
})

test('underlay: the interface that is named keeps the default route', NEEDS_NODE, async () => {
  await using node = await openRails(['a'])
  await attach(node, eth0)
  await attach(node, { ...net1, coordinator: { podDefaultRouteNic: 'net1' } })
  for (const family of BOTH) {
    const bare = await trace(node, { from: 'a', to: FAR[family], at: 'a', links: LINKS })
    deepEqual(bare, over('net1'))
    for (const [n, link] of [
      [1, 'eth0'],
      [2, 'net1'],
    ] as const) {
      const to = podIp(n, family)
      const far = { from: `lan${n}`, source: FAR[family], to, at: 'a', links: LINKS }
      deepEqual(await trace(node, far), over(link), `network ${n} is answered by its own link`)
      const host = { from: 'behind', to, at: 'a', links: LINKS }
      deepEqual(await trace(node, host), over('veth0'), `network ${n} over the host`)
    }
  }
})

test(
  'underlay: settings of the interface and of the pair are what was asked',
  NEEDS_NODE,
  async () => {
    await using node = await openRails(['a'])
    const coordinator = {
      mode: 'underlay',
      podMACPrefix: '0a:1b',
      txQueueLen: 777,
      vethMTU: 1400,
      vethLinkAddress: '169.254.7.7',
      hostRuleTable: 600,
      podRPFilter: 2,
    }
    const result = await attach(node, { ...eth0, coordinator })
    const link = await linkOf(node, 'a', 'eth0')
    deepEqual([link.address, link.txqlen], ['0a:1b:0a:47:00:64', 777])
    const { interfaces = [] } = result as { interfaces?: { mac?: string }[] }
    equal(interfaces[0]?.mac, '0a:1b:0a:47:00:64', 'the result has it')
    equal((await linkOf(node, 'a', 'veth0')).mtu, 1400)
    match(await must(node, 'a', 'ip', 'addr', 'show', 'dev', 'veth0'), /169\.254\.7\.7\/32/)
    match(await must(node, 'node', 'ip', 'rule'), /to 10\.71\.0\.100 lookup 600/)
    const sysctl = (name: string) =>
      must(node, 'a', 'sysctl', '-n', `net.ipv4.conf.${name}.rp_filter`)
    deepEqual([await sysctl('all'), await sysctl('eth0')], ['2\n', '2\n'])
    deepEqual(
      await trace(node, { from: 'lan1', to: podIp(1), at: 'a', links: LINKS.slice(0, 1) }),
      over('eth0'),
    )
    const checked = await node.plugin('CHECK', {
      ...eth0,
      type: 'coordinator',
      conf: { ...coordinator, prevResult: result },
    })
    equal(checked.status, 0, checked.stdout)
  },
)
