/**
 * Children under a real subnet manager: what becomes of their GUIDs, and of a
 * P_Key that comes later.
 *
 * Spec: Linux drivers/infiniband/ulp/ipoib/ipoib_ib.c, ipoib_dev_addr_changed_valid():
 * a GUID that is not in the port's GID table keeps a child from every group.
 * @module
 */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { after, before } from 'node:test'
import { type FabricPort, guidText, loadFabric, pkeysOn, unloadFabric } from './fabric.ts'
import { OUTSIDE, vmTest, waitFor } from './guest.ts'
import { demand, ip, ipBatch, within } from './program.ts'
import { type Call, Node } from './node.ts'
import { OpenSm } from './opensm.ts'
import { Pod } from './pod.ts'

const FOREIGN = '02:00:00:00:00:00:00:0a'
let ports: readonly [FabricPort, FabricPort]
/** What was made, also by a set-up that failed half-way. */
const world = new AsyncDisposableStack()
let sm: OpenSm
let a: Node
let b: Node
let one: Pod
let two: Pod

before(async () => {
  if (OUTSIDE !== false) return
  const [first, second] = await loadFabric('real')
  ok(first !== undefined && second !== undefined)
  ports = [first, second]
  sm = world.use(await OpenSm.start(first))
  a = world.use(await Node.start({ name: 'node-a', port: first }))
  b = world.use(await Node.start({ name: 'node-b', port: second }))
  one = world.use(await Pod.make('pod-1'))
  two = world.use(await Pod.make('pod-2'))
})

after(async () => {
  if (OUTSIDE !== false) return
  await world.disposeAsync()
  await unloadFabric()
})

const confOf = (address: string, more: Record<string, unknown>): Record<string, unknown> => ({
  cniVersion: '1.1.0',
  name: 'fabric',
  type: 'ipoib',
  master: 'ibs5f0',
  ipam: { type: 'static', addresses: [{ address }] },
  ...more,
})

/** One pod on each node, attached with what `more` says for its port. */
function callsWith(
  network: string,
  more: (port: FabricPort) => Record<string, unknown>,
): readonly [readonly [Node, Call], readonly [Node, Call]] {
  const conf = (host: number, port: FabricPort) => confOf(`${network}.${host}/24`, more(port))
  return [
    [a, { conf: conf(1, ports[0]), pod: one, container: 'c1' }],
    [b, { conf: conf(2, ports[1]), pod: two, container: 'c2' }],
  ]
}

vmTest('a child under a GUID that its port does not have never gets a carrier', async () => {
  const address = `00:00:00:00:fe:80:00:00:00:00:00:00:${FOREIGN}`
  await ipBatch(
    [
      `link add link ibs5f0 name foreign0 address ${address} type ipoib`,
      'link add link ibs5f0 name own0 type ipoib',
      ...['foreign0', 'own0'].map((name) => `link set ${name} addrgenmode none up`),
    ],
    a.name,
  )
  const carrierOf = async (name: string): Promise<string> => {
    const file = `/sys/class/net/${name}/carrier`
    const words = ['unshare', '--mount', 'sh', '-c', `mount -t sysfs s /sys && cat ${file}`]
    return (await demand([...within(a.name), ...words])).trim()
  }
  await waitFor('the carrier of the other child', async () => (await carrierOf('own0')) === '1')
  equal(await carrierOf('foreign0'), '0')
  await ipBatch(['link del foreign0', 'link del own0'], a.name)
})

vmTest('ADD refuses such a GUID with the reason, and changes nothing', async () => {
  const empty = await one.state()
  const conf = confOf('10.6.0.1/24', { guid: FOREIGN })
  equal(
    await a.refusal('ADD', { conf, pod: one, container: 'c1' }),
    `Cannot use GUID ${FOREIGN} for a child of ibs5f0: ` +
      `the port has only ${guidText(ports[0].guid)}`,
  )
  equal(await one.state(), empty)
  deepEqual(await a.status(), [])
})

vmTest('children under a GUID that their port has reach each other', async () => {
  const calls = callsWith('10.6.0', ({ guid }) => ({ guid: guidText(guid) }))
  await Promise.all(calls.map(([node, call]) => node.demand('ADD', call)))
  await Promise.all([one.awaitCarrier('eth0'), two.awaitCarrier('eth0')])
  const shown = await ip('-n', two.name, 'link', 'show', 'eth0')
  ok(shown.includes(guidText(ports[1].guid)), shown)
  equal(await one.ping('10.6.0.2', 'eth0'), '0% packet loss')
  await Promise.all(calls.map(([node, call]) => node.demand('DEL', call)))
  deepEqual([await one.links(), await two.links()], [[], []])
})

vmTest('a partition assigned after the ADD brings its children up', async (t) => {
  const calls = callsWith('10.5.0', () => ({ pkey: '0x0005' }))
  await Promise.all(calls.map(([node, call]) => node.demand('ADD', call)))
  const [told] = await a.status()
  match(told?.waiting.join() ?? '', /P_Key 0x8005/)
  deepEqual([await one.carrier('eth0'), await pkeysOn(ports[0])], [false, ['0xffff']])

  const startedMs = performance.now()
  await sm.assign('0x0005', ports)
  await Promise.all([one.awaitCarrier('eth0'), two.awaitCarrier('eth0')])
  t.diagnostic(`signal to carrier: ${Math.round(performance.now() - startedMs)} ms`)
  deepEqual((await pkeysOn(ports[0])).toSorted(), ['0x8005', '0xffff'])
  deepEqual((await a.status())[0]?.waiting, [])
  equal(await one.ping('10.5.0.2', 'eth0'), '0% packet loss')
  await Promise.all(calls.map(([node, call]) => node.demand('DEL', call)))
})
