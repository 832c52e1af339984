/**
 * The plugins that tune and route, on the real kernel with the real shim and agent:
 * each called by itself, as a runtime calls a chain, and as one list. Routing is
 * shown by packets, all else by the whole state of node and pod.
 * @module
 */
import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { TUNING, addChain, del, delChain, openQuiet, refused, settled } from './chains.ts'
import { add, difference, linkOf, macvlanOf, trace } from './rail-pods.ts'
import { FAR, gatewayOf, must, openRails, podIp } from './rails.ts'
import { NEEDS_NODE, type RealNode } from './real-node.ts'

const BOTH = [4, 6] as const
const SBR = { type: 'sbr' } as const
const first = { pod: 'a', ifName: 'eth0', plugins: [{ ...macvlanOf(1) }] } as const
const second = { pod: 'a', ifName: 'net1', plugins: [{ ...macvlanOf(2) }, SBR] } as const

for (const way of ['one by one', 'as one list'] as const) {
  test(`sbr: each address answers by its own interface (${way})`, NEEDS_NODE, async () => {
    // neighbours of IPv6 are asked from link-local addresses
    await using node = await openRails(['a'])
    const empty = await settled(node)
    await addChain(node, first)
    const alone = await settled(node)
    const [main] = second.plugins
    await addChain(node, { ...second, plugins: [withoutDefault(main)] })
    const asked = { from: 'lan2', at: 'a', links: ['eth0', 'net1'] }
    for (const family of BOTH) {
      const far = { ...asked, to: podIp(2, family), source: FAR[family] }
      deepEqual((await trace(node, far)).sentBy, ['eth0'], 'without sbr the answer takes eth0')
    }
    await delChain(node, second)
    deepEqual(difference(alone, await settled(node)), [])

    const plugins = [withoutDefault(main), SBR]
    const list = { type: 'conflist', plugins }
    if (way === 'one by one') await addChain(node, { ...second, plugins })
    else await addChain(node, { ...second, plugins: [list] })
    for (const family of BOTH) {
      const far = { ...asked, to: podIp(2, family), source: FAR[family] }
      const only = { answered: true, sentBy: ['net1'], receivedBy: ['net1'] }
      deepEqual(await trace(node, far), only, `IPv${family}`)
      const near = await trace(node, { ...asked, to: podIp(2, family) })
      deepEqual(near, only, `IPv${family} from the network itself`)
    }
    const rules = await must(node, 'a', 'ip', 'rule')
    match(rules, /from 10\.72\.0\.100 lookup 100/)
    const table = await must(node, 'a', 'ip', 'route', 'show', 'table', '100')
    match(table, /^default via 10\.72\.0\.1 dev net1/m)
    match(table, /^10\.72\.0\.0\/16 dev net1/m)
    equal(await must(node, 'a', 'ip', 'route', 'show', 'dev', 'net1'), '')
    if (way === 'one by one') await delChain(node, { ...second, plugins })
    else await delChain(node, { ...second, plugins: [list] })
    deepEqual(difference(alone, await settled(node)), [])
    await delChain(node, first)
    deepEqual(difference(empty, await settled(node)), [])
  })
}

/** The first interface of the pod has the default routes. */
function withoutDefault<T extends { ipam: object }>(conf: T): T {
  return { ...conf, ipam: { ...conf.ipam, routes: [] } }
}

test(
  'sbr: two interfaces take two tables, and a table of its own moves no routes',
  NEEDS_NODE,
  async () => {
    await using node = await openQuiet()
    await addChain(node, first)
    const before = await node.state()
    const chained = { ...first, plugins: [...first.plugins, SBR] }
    await addChain(node, chained)
    await del(node, { pod: 'a', ifName: 'eth0', conf: SBR })
    deepEqual(difference(before, await node.state()), [], 'the routes are back in the main table')
    await addChain(node, chained)
    const { plugins } = second
    await addChain(node, { ...second, plugins: [plugins[0], SBR] })
    const rules = await must(node, 'a', 'ip', 'rule')
    match(rules, /from 10\.71\.0\.100 lookup 100/)
    match(rules, /from 10\.72\.0\.100 lookup 102/)
    const third = {
      pod: 'a',
      ifName: 'net2',
      plugins: [{ ...macvlanOf(3) }, { ...SBR, table: 77 }],
    }
    await addChain(node, third)
    match(await must(node, 'a', 'ip', 'rule'), /from 10\.73\.0\.100 lookup 77/)
    match(await must(node, 'a', 'ip', 'route', 'show', 'dev', 'net2'), /^10\.73\.0\.0\/16/m)
    equal((await node.in('a', 'ip', 'route', 'show', 'table', '77')).stdout, '')
  },
)

test('tuning: what it changes is so, is told, and is given back', NEEDS_NODE, async () => {
  await using node = await openQuiet()
  const main = { ...macvlanOf(1) }
  const chain = { ...first, plugins: [main, TUNING] }
  const result = await add(node, { pod: 'a', ifName: 'eth0', type: 'macvlan', conf: main })
  const before = await node.state()
  const tuned = { ...TUNING, prevResult: result }
  const told = await add(node, { pod: 'a', ifName: 'eth0', type: 'tuning', conf: tuned })
  const { interfaces }: { interfaces?: { mac: string; mtu: number }[] } = told
  deepEqual(
    interfaces?.map(({ mac, mtu }) => [mac, mtu]),
    [['c2:11:22:33:44:55', 1454]],
  )
  const link = await linkOf(node, 'a', 'eth0')
  deepEqual([link.address, link.mtu, link.txqlen], ['c2:11:22:33:44:55', 1454, 700])
  match(
    await must(node, 'a', 'ip', 'link', 'show', 'eth0'),
    /ALLMULTI,PROMISC|PROMISC,.*ALLMULTI|ALLMULTI/,
  )
  deepEqual(await sysctls(node), ['500', '1', '2'])
  match(await must(node, 'a', 'ping', '-c', '1', '-W', '2', gatewayOf(1)), / 0% packet loss/)
  equal(
    (await node.plugin('CHECK', { pod: 'a', type: 'tuning', conf: { ...tuned, prevResult: told } }))
      .stdout,
    '',
  )
  const again = await node.plugin('ADD', { pod: 'a', type: 'tuning', conf: tuned })
  deepEqual(JSON.parse(again.stdout), told)
  await del(node, { pod: 'a', ifName: 'eth0', conf: tuned })
  deepEqual(difference(before, await node.state()), [])
  deepEqual(await sysctls(node), ['4096', '0', '0'])
  await delChain(node, chain)
})

async function sysctls(node: RealNode): Promise<string[]> {
  const paths = ['core/somaxconn', 'ipv4/conf/eth0/arp_filter', 'ipv4/conf/all/rp_filter']
  const files = paths.map((path) => `/proc/sys/net/${path}`)
  const { stdout } = await node.in('a', 'cat', ...files)
  return stdout.trim().split('\n')
}

test(
  'tuning: a chain in one list leaves nothing, and what is wrong changes nothing',
  NEEDS_NODE,
  async () => {
    await using node = await openQuiet()
    const before = await node.state()
    const list = { type: 'conflist', plugins: [{ ...macvlanOf(1) }, TUNING] }
    const chain = { ...first, plugins: [list] }
    await addChain(node, chain)
    equal((await linkOf(node, 'a', 'eth0')).mtu, 1454)
    await delChain(node, chain)
    deepEqual(difference(before, await node.state()), [])
    deepEqual((await sysctls(node).catch(() => []))[0] ?? '4096', '4096')
    const wrong = { ...TUNING, sysctl: { 'kernel.hostname': 'x' } }
    for (const [conf, msg] of [
      [{ ...list, plugins: [list.plugins[0], wrong] }, 'invalid net sysctl key: "kernel.hostname"'],
      [TUNING, 'Required prevResult missing'],
      [
        {
          ...list,
          plugins: [list.plugins[0], { type: 'tuning', sysctl: { 'net.core.none': '1' } }],
        },
        'Cannot set sysctl net/core/none: it does not exist',
      ],
    ] as const) {
      equal(await refused(node, { pod: 'a', ifName: 'eth0', conf }), msg)
      deepEqual(difference(before, await node.state()), [])
    }
  },
)
