/**
 * The plugin `ipoib` end to end over the kernel's own ib_ipoib: the built shim,
 * the built agent in the namespace of a node, children in pods.
 * @module
 */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { after, before } from 'node:test'
import { attachedState, confOf, onlyNew } from './child.ts'
import { type FabricPort, loadFabric, setPkeys, unloadFabric } from './fabric.ts'
import { OUTSIDE, vmTest, waitFor } from './guest.ts'
import { ip, ipBatch } from './program.ts'
import { type Call, Node } from './node.ts'
import { Pod, linksOf, stateOf } from './pod.ts'

let ports: readonly FabricPort[] = []
/** What was made, also by a set-up that failed half-way. */
const world = new AsyncDisposableStack()
let a: Node
let b: Node

before(async () => {
  if (OUTSIDE !== false) return
  ports = await loadFabric('built-in')
  const [first, second] = ports
  ok(first !== undefined && second !== undefined)
  a = world.use(await Node.start({ name: 'node-a', port: first }))
  b = world.use(await Node.start({ name: 'node-b', port: second }))
})

after(async () => {
  if (OUTSIDE !== false) return
  await world.disposeAsync()
  await unloadFabric()
})

vmTest('ADD, CHECK and DEL of a child, each twice, over the whole state', async (t) => {
  await using pod = await Pod.make('pod-1')
  const [node, empty] = [await stateOf(a.name), await pod.state()]
  const call = { conf: confOf(1), pod, container: 'c1' }
  const added = await a.demand('ADD', call)
  await waitFor('the state of a child that has joined', async () => {
    return (await pod.state()).includes('local fe80')
  })
  const attached = attachedState({ host: 1, container: 'c1', guid: ports[0]?.guid ?? '' })
  equal(onlyNew(await pod.state(), empty), attached)
  t.diagnostic(added)
  const mac = macOf(added)
  match(mac, /^80(:[0-9a-f]{2}){3}:fe:80(:00){6}:00:02:c9:03:00:00:10:01$/)
  ok((await ip('-n', pod.name, 'link', 'show', 'eth0')).includes(mac), 'the address is the link')
  deepEqual(JSON.parse(added), {
    cniVersion: '1.1.0',
    interfaces: [{ name: 'eth0', mac, sandbox: pod.path }],
    ips: [{ interface: 0, address: '10.77.0.1/24', gateway: '10.77.0.254' }],
    routes: [{ dst: '0.0.0.0/0' }],
  })

  equal(await a.demand('ADD', call), added)
  equal(onlyNew(await pod.state(), empty), attached)
  const check = { ...call, conf: { ...call.conf, prevResult: JSON.parse(added) } }
  await a.demand('CHECK', check)
  await ip('-n', pod.name, 'addr', 'del', '10.77.0.1/24', 'dev', 'eth0')
  equal(await a.refusal('CHECK', check), 'Interface eth0 has no address 10.77.0.1/24')

  await a.demand('DEL', check)
  equal(await pod.state(), empty)
  equal(await stateOf(a.name), node)
  await a.demand('DEL', check)
  equal(await stateOf(a.name), node)
  deepEqual(await a.status(), [])
})

vmTest('children of two nodes reach each other, connected with 65520 bytes', async () => {
  const connected = { mode: 'connected', mtu: 65520 }
  const [one, two] = await Pod.makeAll(['pod-1', 'pod-2'])
  ok(one !== undefined && two !== undefined)
  await using _one = one
  await using _two = two
  const calls: readonly [Node, Call][] = [
    [a, { conf: confOf(1, connected), pod: one, container: 'c1' }],
    [b, { conf: confOf(2, connected), pod: two, container: 'c2' }],
  ]
  await Promise.all(calls.map(([node, call]) => node.demand('ADD', call)))
  match(await ip('-n', one.name, '-d', 'link', 'show', 'eth0'), /mtu 65520[^]*mode connected/)
  await Promise.all([one.awaitCarrier('eth0'), two.awaitCarrier('eth0')])
  equal(await one.ping('10.77.0.2', 'eth0', 30_000), '0% packet loss')
  await Promise.all(calls.map(([node, call]) => node.demand('DEL', call)))
})

vmTest('a P_Key that is not on the port is waited for, beside other children', async () => {
  const [first, second] = ports
  ok(first !== undefined && second !== undefined)
  const [one, two] = await Pod.makeAll(['pod-1', 'pod-2'])
  ok(one !== undefined && two !== undefined)
  await using _one = one
  await using _two = two
  const net = (host: number, pkey: string): Record<string, unknown> => {
    const address = `10.${Number(pkey)}.0.${host}/24`
    return confOf(host, { pkey, ipam: { type: 'static', addresses: [{ address }] } })
  }
  const calls: readonly [Node, Call][] = [
    [a, { conf: confOf(1), pod: one, container: 'c1' }],
    [a, { conf: net(1, '0x0001'), pod: one, container: 'c1', ifName: 'net1' }],
    [a, { conf: net(1, '0x0002'), pod: one, container: 'c1', ifName: 'net2' }],
    [b, { conf: net(2, '0x0001'), pod: two, container: 'c2', ifName: 'net1' }],
  ]
  for (const [node, call] of calls) await node.demand('ADD', call)
  match(
    await a.log(),
    /P_Key 0x8001 is not on port 1 of mlx5_0 \(ibs5f0\): waiting until it arrives/,
  )
  await one.awaitCarrier('eth0')
  deepEqual([await one.carrier('net1'), await one.carrier('net2')], [false, false])
  deepEqual(await waitingOn(a), {
    eth0: [],
    net1: ['net1 has no carrier: P_Key 0x8001 or the port itself is not active'],
    net2: ['net2 has no carrier: P_Key 0x8002 or the port itself is not active'],
  })

  for (const port of [first, second]) await setPkeys(port, ['0xffff', '0x8001'])
  await Promise.all([one.awaitCarrier('net1'), two.awaitCarrier('net1')])
  equal(await one.carrier('net2'), false)
  deepEqual((await waitingOn(a))['net1'], [])
  equal(await one.ping('10.1.0.2', 'net1'), '0% packet loss')
  for (const [node, call] of calls) await node.demand('DEL', call)
  deepEqual([await one.links(), await two.links()], [[], []])
  for (const port of [first, second]) await setPkeys(port, ['0xffff'])
})

/** What is refused, in whose words; `arrange` and `restore` are lines of `ip` on the node. */
const REFUSED: readonly {
  readonly what: string
  readonly more: Record<string, unknown>
  readonly says: string | RegExp
  readonly arrange?: string
  readonly restore?: string
}[] = [
  {
    what: 'an MTU above that of the mode, in the words of the kernel',
    more: { mtu: 9000 },
    says: /^Cannot set-link \w+ mtu 9000: invalid argument \(EINVAL\)$/,
  },
  {
    what: 'an MTU above that of every mode',
    more: { mode: 'connected', mtu: 65521 },
    says: /^failed to load netconf: mtu: .*65521.*65520/,
  },
  {
    what: 'P_Key 0',
    more: { pkey: 0 },
    says: 'failed to load netconf: pkey: Invalid value: 0: partition 0 does not exist',
  },
  {
    what: 'P_Key 0x8000',
    more: { pkey: '0x8000' },
    says: 'failed to load netconf: pkey: Invalid value: "0x8000": partition 0 does not exist',
  },
  {
    what: 'a master that is not there',
    more: { master: 'ib9' },
    says: 'failed to lookup master "ib9": Link not found',
  },
  {
    what: 'a master that is Ethernet',
    more: { master: 'up0' },
    says: 'master device is (veth) not of type ipoib',
    arrange: 'link add up0 type veth peer name up1',
    restore: 'link del up0',
  },
  {
    what: 'a master that is a child',
    more: { master: 'child0' },
    says: 'Cannot make an IPoIB child of child0: it is a child itself',
    arrange: 'link add link ibs5f0 name child0 type ipoib pkey 0x8003',
    restore: 'link del child0',
  },
  {
    what: 'a master that is down',
    more: {},
    says: 'Cannot attach to ibs5f0: it is down',
    arrange: 'link set ibs5f0 down',
    restore: 'link set ibs5f0 up',
  },
]

for (const { what, more, says, arrange, restore } of REFUSED) {
  vmTest(`ADD refuses ${what}, and changes nothing`, async () => {
    await using pod = await Pod.make('pod-1')
    if (arrange !== undefined) await ipBatch([arrange], a.name)
    try {
      const [node, empty] = [await linksOf(a.name), await pod.state()]
      const call = { conf: confOf(1, more), pod, container: 'c1' }
      const said = await a.refusal('ADD', call)
      if (typeof says === 'string') equal(said, says)
      else match(said, says)
      deepEqual([await linksOf(a.name), await pod.state()], [node, empty])
      deepEqual(await a.status(), [])
    } finally {
      if (restore !== undefined) await ipBatch([restore], a.name)
    }
  })
}

vmTest('a namespace that ends before DEL gives its child back: DEL finds it there', async () => {
  const before = await linksOf(undefined)
  const pod = await Pod.make('pod-1')
  const call = { conf: confOf(1), pod, container: 'c1' }
  await a.demand('ADD', call)
  await pod.remove()
  await waitFor('the child in the initial namespace', async () => {
    return (await linksOf(undefined)).includes('eth0')
  })
  match(await ip('-d', 'link', 'show', 'eth0'), /group 30306[^]*alias verbena:fabric\/c1\/eth0/)
  await a.demand('DEL', call)
  deepEqual(await linksOf(undefined), before)
  await a.demand('DEL', call)
})

vmTest('GC finds it too, under another name, and leaves a foreign link of its own', async () => {
  await ip('link', 'add', 'eth0', 'type', 'dummy')
  try {
    const before = await linksOf(undefined)
    const pod = await Pod.make('pod-1')
    await a.demand('ADD', { conf: confOf(1), pod, container: 'c1' })
    await pod.remove()
    await waitFor('the child in the initial namespace', async () => {
      return (await linksOf(undefined)).length > before.length
    })
    const conf = { ...confOf(1), 'cni.dev/valid-attachments': [] }
    await a.demand('GC', { conf, pod, container: '' })
    deepEqual(await linksOf(undefined), before)
    deepEqual(await a.status(), [])
  } finally {
    await ip('link', 'del', 'eth0')
  }
})

vmTest('DEL right after the namespace leaves nothing either', async () => {
  const before = await linksOf(undefined)
  const pod = await Pod.make('pod-1')
  const call = { conf: confOf(1), pod, container: 'c1' }
  await a.demand('ADD', call)
  await pod.remove()
  await a.demand('DEL', call)
  // a child that the kernel were still to give back would be here by now
  await Pod.make('pod-2').then((other) => other.remove())
  deepEqual(await linksOf(undefined), before)
})

function macOf(added: string): string {
  const { interfaces }: { interfaces: readonly { mac?: string }[] } = JSON.parse(added)
  return interfaces[0]?.mac ?? ''
}

async function waitingOn(node: Node): Promise<Record<string, readonly string[]>> {
  const told = await node.status()
  return Object.fromEntries(told.map(({ owner, waiting }) => [owner.ifName, waiting]))
}
