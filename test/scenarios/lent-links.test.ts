/**
 * Interfaces of the node that are lent to a pod, on the real kernel with the real
 * shim and agent: there, back from wherever they are, and known to the replaced
 * plugin. Beside them, what else of the links in a pod only this kernel can show.
 * @module
 */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { type Conf, TUNING, addChain, del, delChain, openQuiet, refused } from './chains.ts'
import { difference, linkOf, macvlanOf } from './rail-pods.ts'
import { batch, gatewayOf, must } from './rails.ts'
import { NEEDS_DEBIAN_CNI, NEEDS_NODE } from './real-node.ts'

const BOTH = [4, 6] as const
const first = { pod: 'a', ifName: 'eth0', plugins: [{ ...macvlanOf(1) }] } as const
/** The kernel tells of a carrier a moment after it is there. */
const CARRIER =
  'for i in $(seq 100); do ip link show p3 | grep -q NO-CARRIER || break; sleep 0.02; done'

const LENT = { type: 'host-device', device: 'p3', ipam: macvlanOf(3).ipam } as const
const lent = { pod: 'a', ifName: 'net1', plugins: [LENT] } as const

test(
  'host-device: an interface of the node is lent, reaches its network, and comes back',
  NEEDS_NODE,
  async () => {
    await using node = await openQuiet()
    await must(node, 'node', 'ip', 'link', 'set', 'p3', 'mtu', '1400', 'txqueuelen', '77')
    const before = await node.state()
    const { address } = await linkOf(node, 'node', 'p3')
    const result = await addChain(node, lent)
    const { interfaces }: { interfaces?: Conf[] } = result
    deepEqual(
      interfaces?.map(({ name, mac, mtu }) => [name, mac, mtu]),
      [['net1', address, 1400]],
    )
    equal((await node.in('node', 'ip', 'link', 'show', 'p3')).status, 1)
    for (const family of BOTH) {
      const to = gatewayOf(3, family)
      match(await must(node, 'a', 'ping', '-c', '1', '-W', '2', to), / 0% packet loss/)
    }
    deepEqual(await addChain(node, lent), result)
    const after = await node.plugin('CHECK', {
      pod: 'a',
      ifName: 'net1',
      type: 'host-device',
      conf: { ...LENT, prevResult: result },
    })
    deepEqual([after.status, after.stdout], [0, ''])
    await delChain(node, lent)
    deepEqual(difference(before, await node.state()), [])
    await delChain(node, lent)
    deepEqual(difference(before, await node.state()), [])
  },
)

test(
  'host-device: what pod and tuning changed of it comes back as it was',
  NEEDS_NODE,
  async () => {
    await using node = await openQuiet()
    const before = await node.state()
    const list = { type: 'conflist', plugins: [LENT, TUNING] }
    const chain = { ...lent, plugins: [list] }
    await addChain(node, chain)
    equal((await linkOf(node, 'a', 'net1')).mtu, 1454)
    await batch(node, 'a', 'link set net1 down\nlink set net1 name other mtu 1300\n')
    await delChain(node, chain)
    await must(node, 'node', 'sh', '-c', CARRIER)
    deepEqual(difference(before, await node.state()), [])
  },
)

test('host-device: a failed plugin behind it gives the interface back', NEEDS_NODE, async () => {
  await using node = await openQuiet()
  const before = await node.state()
  const wrong = { type: 'tuning', sysctl: { 'net.core.none': '1' } }
  const conf = { type: 'conflist', plugins: [LENT, wrong] }
  await refused(node, { pod: 'a', ifName: 'net1', conf })
  deepEqual(difference(before, await node.state()), [])
  const absent = { ...LENT, device: 'nosuch' }
  const msg = await refused(node, { pod: 'a', ifName: 'net1', conf: absent })
  equal(msg, 'failed to find host device: Link not found')
})

test(
  'host-device: DEL succeeds when the namespace took the interface with it',
  NEEDS_NODE,
  async () => {
    await using node = await openQuiet()
    await addChain(node, lent)
    await node.removePod('a')
    await delChain(node, lent)
    await delChain(node, lent)
    const rows = await node.plugin('DEL', {
      pod: 'a',
      ifName: 'net1',
      type: 'host-device',
      conf: LENT,
    })
    equal(rows.status, 0)
  },
)

test(
  'host-device: an interface that the replaced plugin lent is given back',
  NEEDS_DEBIAN_CNI,
  async () => {
    const theirs = '/usr/lib/cni/host-device'
    ok(existsSync(theirs))
    await using node = await openQuiet()
    const before = await node.state()
    const conf = { cniVersion: '1.0.0', name: 'net', type: 'host-device', device: 'p3' }
    const made = await node.plugin('ADD', { pod: 'a', ifName: 'net1', type: theirs, conf })
    equal(made.status, 0, made.stdout)
    await del(node, { pod: 'a', ifName: 'net1', conf })
    const name = /\bp3[@:]/
    match(await must(node, 'node', 'ip', 'link', 'show', 'p3'), name)
    await must(node, 'node', 'ip', 'link', 'set', 'p3', 'up')
    await must(node, 'node', 'sh', '-c', CARRIER)
    deepEqual(difference(before, await node.state()), [])
    // and the other way round: ours is known to the replaced plugin by its alias
    await addChain(node, { ...lent, plugins: [conf] })
    const gone = await node.plugin('DEL', { pod: 'a', ifName: 'net1', type: theirs, conf })
    equal(gone.status, 0, gone.stdout)
    match(await must(node, 'node', 'ip', 'link', 'show', 'p3'), name)
  },
)

test('macvlan: a master in the pod, and a queue of its own', NEEDS_NODE, async () => {
  await using node = await openQuiet()
  const before = await node.state()
  await addChain(node, first)
  const conf = { ...macvlanOf(2), master: 'eth0', linkInContainer: true, bcqueuelen: 2000 }
  const inner = { pod: 'a', ifName: 'net1', plugins: [conf] }
  await addChain(node, inner)
  match(
    await must(node, 'a', 'ip', '-d', 'link', 'show', 'net1'),
    /net1@.* macvlan mode bridge bcqueuelen 2000/s,
  )
  await delChain(node, inner)
  await delChain(node, first)
  deepEqual(difference(before, await node.state()), [])
})

test('a result that old versions cannot print leaves nothing', NEEDS_NODE, async () => {
  await using node = await openQuiet()
  const before = await node.state()
  for (const cniVersion of ['0.1.0', '0.2.0']) {
    const conf = { cniVersion, type: 'macvlan', master: 'p1' }
    const msg = await refused(node, { pod: 'a', ifName: 'eth0', conf })
    equal(msg, 'cannot convert: no valid IP addresses')
    deepEqual(difference(before, await node.state()), [])
  }
})

/** Milliseconds after its start in which a call is cut off: before, in, and after its effects. */
const PHASES_MS = [4, 12, 20, 30, 45] as const

test(
  'host-device: an agent killed at any moment of ADD and of DEL loses nothing',
  { ...NEEDS_NODE, timeout: 180_000 },
  async () => {
    await using node = await openQuiet()
    const before = await node.state()
    const plugins = [LENT, TUNING, { type: 'sbr' }]
    const call = { pod: 'a', ifName: 'net1', type: 'conflist', conf: { plugins } }
    for (const phaseMs of PHASES_MS) {
      for (const verb of ['ADD', 'DEL']) {
        const running = node.startPlugin(verb, call)
        await setTimeout(phaseMs)
        await node.kill()
        await node.boot()
        const { status, stdout } = await running.ended
        equal(status, 0, stdout)
        const again = await node.plugin(verb, call)
        equal(again.status, 0, again.stdout)
        if (verb === 'ADD') equal((await linkOf(node, 'a', 'net1')).mtu, 1454)
      }
      await must(node, 'node', 'sh', '-c', CARRIER)
      deepEqual(difference(before, await node.state()), [], `killed after ${phaseMs} ms`)
    }
  },
)
