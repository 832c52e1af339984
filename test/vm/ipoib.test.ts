/**
 * The plugin `ipoib` end to end over the kernel's own ib_ipoib: the built shim,
 * the built agent in the namespace of a node, children in pods.
 * @module
 */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { after, before } from 'node:test'
import { type FabricPort, loadFabric, setPkeys, unloadFabric } from './fabric.ts'
import { OUTSIDE, vmTest } from './guest.ts'
import { Node } from './node.ts'
import { Pod, stateOf } from './pod.ts'

let ports: readonly FabricPort[] = []
let a: Node
let b: Node

before(async () => {
  if (OUTSIDE !== false) return
  ports = await loadFabric('built-in')
  const [first, second] = ports
  ok(first !== undefined && second !== undefined)
  ;[a, b] = await Promise.all([
    Node.start({ name: 'node-a', port: first }),
    Node.start({ name: 'node-b', port: second }),
  ])
})

after(async () => {
  if (OUTSIDE !== false) return
  await a[Symbol.asyncDispose]()
  await b[Symbol.asyncDispose]()
  await unloadFabric()
})

const confOf = (host: number, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  cniVersion: '1.1.0',
  name: 'fabric',
  type: 'ipoib',
  master: 'ibs5f0',
  ipam: { type: 'static', addresses: [{ address: `10.77.0.${host}/24` }] },
  ...more,
})

vmTest('probe', async () => {
  await using pod = await Pod.make('pod-1')
  await using other = await Pod.make('pod-2')
  const before = await stateOf('node-a')
  const empty = await pod.state()
  console.log(before); console.log(empty)
  const call = { conf: confOf(1), pod, container: 'c1' }
  console.log(await a.demand('ADD', call))
  console.log(await pod.state())
  console.log(await b.demand('ADD', { conf: confOf(2), pod: other, container: 'c2' }))
  console.log(await pod.ping('10.77.0.2', 'eth0'))
  console.log(await a.status())
  console.log(await a.demand('DEL', call))
  console.log(await b.demand('DEL', { conf: confOf(2), pod: other, container: 'c2' }))
  deepEqual(await stateOf('node-a'), before)
  deepEqual(await pod.state(), empty)
  for (const conf of [{mtu: 9000},{mode:'connected',mtu:65520},{pkey:0},{pkey:'0x8000'},{master:'ib9'},{master:'lo'}, {guid: '02:00:00:00:00:00:00:05'}])
    console.log(conf, (await a.cni('ADD', { ...call, conf: confOf(1, conf), container: 'c3' })).stdout, await pod.links(), await a.cni('DEL', { ...call, container: 'c3' }))
  console.log(await a.log())
})
