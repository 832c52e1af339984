/**
 * Probes and announcements on the kernel's own ib_ipoib, whose hardware addresses
 * have 20 bytes and change with every child.
 * @module
 */
import { equal, ok, rejects } from 'node:assert/strict'
import { after, before } from 'node:test'
import { hostKernel } from '#host/kernel.ts'
import { failureIn } from '#values/failure.ts'
import { parseIfName } from '#values/if-name.ts'
import { type Ip, parseIp } from '#values/ip.ts'
import { parseNetnsPath } from '#values/netns.ts'
import type { Step } from '#values/step.ts'
import { type FabricPort, loadFabric, unloadFabric } from './fabric.ts'
import { OUTSIDE, vmTest, waitFor } from './guest.ts'
import { Node } from './node.ts'
import { Pod } from './pod.ts'
import { demand, ip, ipBatch, within } from './program.ts'

const world = new AsyncDisposableStack()
const pods: Pod[] = []
let a: Node
let b: Node
const ETH0 = parseIfName('eth0')

/** `10.77.0.HOST` and `fd77::HOST`, without a gateway. */
function confOf(host: number): Record<string, unknown> {
  const addresses = [{ address: `10.77.0.${host}/24` }, { address: `fd77::${host}/64` }]
  const ipam = { type: 'static', addresses }
  return { cniVersion: '1.1.0', name: 'fabric', type: 'ipoib', master: 'ibs5f0', ipam }
}

async function attach(node: Node, pod: Pod, host: number): Promise<string> {
  const added = await node.demand('ADD', { conf: confOf(host), pod, container: `c${host}` })
  await pod.awaitCarrier('eth0')
  const { interfaces }: { interfaces: { mac: string }[] } = JSON.parse(added)
  return interfaces[0]?.mac ?? ''
}

const detach = (node: Node, pod: Pod, host: number): Promise<string> =>
  node.demand('DEL', { conf: confOf(host), pod, container: `c${host}` })

before(async () => {
  if (OUTSIDE !== false) return
  const ports: readonly FabricPort[] = await loadFabric('built-in')
  const [first, second] = ports
  ok(first !== undefined && second !== undefined)
  a = world.use(await Node.start({ name: 'node-a', port: first }))
  b = world.use(await Node.start({ name: 'node-b', port: second }))
  for (const pod of await Pod.makeAll(['pod-1', 'pod-2'])) pods.push(world.use(pod))
})

after(async () => {
  if (OUTSIDE !== false) return
  await world.disposeAsync()
  await unloadFabric()
})

function podsNow(): readonly [Pod, Pod] {
  const [one, two] = pods
  ok(one !== undefined && two !== undefined)
  return [one, two]
}

const TAKEN: readonly Ip[] = [parseIp('10.77.0.1'), parseIp('fd77::1')]
const FREE: readonly Ip[] = [parseIp('10.77.0.9'), parseIp('fd77::9')]

function probeIn(pod: Pod, of: { ip: Ip; conflict: boolean; gateway: Ip | undefined }): Step {
  const where = parseNetnsPath(pod.path)
  return { do: 'probe', where, link: ETH0, probes: [{ ...of, pool: undefined }] }
}

vmTest(
  'a probe tells the 20 bytes of who has an address, and the gateway that is away',
  async (t) => {
    const [one, two] = podsNow()
    const holder = await attach(a, one, 1)
    await attach(b, two, 2)
    const kernel = hostKernel()
    for (const [i, taken] of TAKEN.entries()) {
      const free = FREE[i] ?? taken
      const startedMs = performance.now()
      await kernel.take([probeIn(two, { ip: free, conflict: true, gateway: taken })])
      t.diagnostic(`${free} is free, in ${Math.round(performance.now() - startedMs)} ms`)
      await rejects(
        kernel.take([probeIn(two, { ip: taken, conflict: true, gateway: undefined })]),
        (thrown) => {
          const { code, details } = failureIn(thrown) ?? {}
          equal(code, 'ip-conflict')
          equal(details?.['holder'], holder)
          return true
        },
      )
      await rejects(kernel.take([probeIn(two, { ip: taken, conflict: false, gateway: free })]), {
        code: 'gateway-unreachable',
      })
    }
    await detach(b, two, 2)
    await detach(a, one, 1)
  },
)

vmTest('a new child under an old address is told to those who knew the old one', async () => {
  const [one, two] = podsNow()
  await attach(b, two, 2)
  // a child with user multicast, as ours, does not hear what is said to all IPv6 nodes once its
  // parent does; the parent itself does
  const lines = ['fd77::3/64', 'fe80::3/64'].map((cidr) => `addr add ${cidr} dev ibs5f0 nodad`)
  await ipBatch(lines, b.name)
  const listeners = [
    { address: '10.77.0.1', netns: two.name },
    { address: 'fd77::1', netns: b.name },
  ]
  const known = ({ address, netns }: (typeof listeners)[number]): Promise<string> =>
    ip('-n', netns, 'neigh', 'show', address)
  let last = await attach(a, one, 1)
  for (const { address, netns } of listeners) {
    await demand([...within(netns), 'ping', '-q', '-c', '1', '-W', '10', address])
  }
  for (let round = 0; round < 2; round++) {
    await detach(a, one, 1)
    const mac = await attach(a, one, 1)
    ok(mac !== last, 'a child has its own queue pair')
    last = mac
    for (const listener of listeners) {
      await waitFor(`${listener.address} to be known anew`, async () => {
        return (await known(listener)).includes(mac)
      })
    }
  }
  await detach(b, two, 2)
  await detach(a, one, 1)
})
