import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { itemsAt, valueAt } from './fields.ts'
import { cniIn, GUIDE_WORLD as WORLD, type WorldRan } from './world-in-memory.ts'

const HOST_LOCAL = { type: 'host-local', subnet: '10.1.0.0/24' }
const STATIC = {
  type: 'static',
  addresses: [{ address: '10.2.0.7/24', gateway: '10.2.0.1' }],
  routes: [{ dst: '0.0.0.0/0' }],
}
const FOLDER = '/var/lib/cni/networks/n'
const conf = (rest: object): object => ({ cniVersion: '1.1.0', name: 'n', ...rest })
const MACVLAN = conf({ type: 'macvlan', master: 'eth0', ipam: HOST_LOCAL })

/** The printed world without what only a later call needs. */
function withoutMemory({ world }: WorldRan): unknown {
  const { journal: _, leftOut: __, before: ___, ...rest } = Object(world)
  return rest
}

function said({ exit, error }: WorldRan): unknown {
  return [exit, error?.code, error?.msg]
}

test('CHECK finds what an ADD without a journal row made, by its result', async () => {
  const added = await cniIn({ world: WORLD, conf: MACVLAN })
  const world = withoutMemory(added)
  const asked = { ...MACVLAN, prevResult: added.result }
  deepEqual(said(await cniIn({ verb: 'CHECK', world, conf: asked })), [0, undefined, undefined])
  const lost = { ...Object(world), files: {} }
  deepEqual(said(await cniIn({ verb: 'CHECK', world: lost, conf: asked })), [
    1,
    3,
    'host-local: Failed to find address added by container c1',
  ])
  const msg = 'required prevResult missing'
  deepEqual(said(await cniIn({ verb: 'CHECK', world, conf: MACVLAN })), [1, 7, msg])
})

test('CHECK of a plugin knows what a later one, called in the same moment, moved', async () => {
  const pod = {
    links: [
      { name: 'eth0', kind: 'veth', parent: 'host/cali1', addresses: ['10.244.1.5/32'] },
      { name: 'net0', kind: 'dummy' },
    ],
  }
  const links = [...WORLD.netns.host.links, { name: 'cali1', kind: 'veth', parent: 'pod/eth0' }]
  const world = { ...WORLD, netns: { host: { links }, pod } }
  const first = conf({ type: 'macvlan', master: 'eth0', ipam: STATIC })
  const made = await cniIn({ world, conf: first })
  const second = conf({ type: 'coordinator', mode: 'overlay', prevResult: made.result })
  const moved = await cniIn({ world: made.world, conf: second })
  equal(moved.exit, 0, JSON.stringify(moved.error))
  for (const asked of [{ ...first, prevResult: moved.result }, second]) {
    const checked = await cniIn({ verb: 'CHECK', world: moved.world, conf: asked })
    deepEqual(said(checked), [0, undefined, undefined])
  }
  const undone = await cniIn({ verb: 'DEL', world: moved.world, conf: second })
  deepEqual(withoutMemory(undone), withoutMemory(made))
})

test('GC frees files of host-local that no row tells of, but of a living container', async () => {
  const files = { [`${FOLDER}/10.1.0.8`]: 'gone\r\neth0', [`${FOLDER}/10.1.0.9`]: 'here\r\neth0' }
  const asked = {
    ...MACVLAN,
    'cni.dev/valid-attachments': [{ containerID: 'here', ifname: 'net1' }],
  }
  const swept = await cniIn({ verb: 'GC', world: { ...WORLD, files }, conf: asked })
  deepEqual([swept.exit, swept.error], [0, undefined])
  deepEqual(valueAt(swept.world, 'files'), { [`${FOLDER}/10.1.0.9`]: 'here\r\neth0' })
})

for (const [does, plugin, env] of [
  ['a master that is nowhere', { master: 'eth9' }, {}],
  ['an MTU that is too large', { mtu: 9000 }, {}],
  ['an address that is in no range', {}, { CNI_ARGS: 'IP=10.9.9.9' }],
] as const) {
  test(`an ADD that fails for ${does} leaves no trace of host-local`, async () => {
    const failed = await cniIn({ world: WORLD, conf: { ...MACVLAN, ...plugin }, env })
    equal(failed.exit, 1)
    deepEqual(failed.world, WORLD)
  })
}

test('keys of ipam are read in any case', async () => {
  const asked = conf({ type: 'macvlan', Master: 'eth0', IPAM: { Type: 'static', ...STATIC } })
  const added = await cniIn({ world: WORLD, conf: asked })
  equal(valueAt(itemsAt(added.result, 'ips')[0], 'address'), '10.2.0.7/24')
  deepEqual((await cniIn({ verb: 'DEL', world: added.world, conf: asked })).world, WORLD)
})

test("the caller's own namespace is refused, unless CNI_NETNS_OVERRIDE allows it", async () => {
  const env = { CNI_NETNS: '/run/netns/host' }
  const refused = await cniIn({ world: WORLD, conf: MACVLAN, env })
  deepEqual([refused.error?.code, refused.world], [8, WORLD])
  const allowed = { ...env, CNI_NETNS_OVERRIDE: 'TRUE' }
  const added = await cniIn({ world: WORLD, conf: MACVLAN, env: allowed })
  deepEqual(said(added), [0, undefined, undefined])
})

test('a device that was lent is written as it was when it is back', async () => {
  const nic = { name: 'enp3s0', pci: '0000:3b:00.2', mtu: 1400 }
  const links = [{ name: 'eth0', routes: [{ dst: 'default', via: '192.0.2.1' }] }, nic]
  const world = { netns: { host: { links: [nic, ...links.slice(0, 1)] }, pod: {} } }
  const asked = conf({ type: 'host-device', device: 'enp3s0', ipam: STATIC })
  const added = await cniIn({ world, conf: asked })
  equal(added.exit, 0, JSON.stringify(added.error))
  const gone = await cniIn({ verb: 'DEL', world: added.world, conf: asked })
  equal(JSON.stringify(gone.world), JSON.stringify(world))
})

test('tuning sets sysctls that every namespace has, and puts them back', async () => {
  const sysctl = { 'net.core.somaxconn': '500', 'net.ipv4.conf.IFNAME.log_martians': '1' }
  const asked = conf({
    plugins: [
      { type: 'macvlan', master: 'eth0' },
      { type: 'tuning', sysctl },
    ],
  })
  const added = await cniIn({ world: WORLD, conf: asked })
  deepEqual(valueAt(added.world, 'netns', 'pod', 'sysctl', 'net/core/somaxconn'), '500')
  deepEqual((await cniIn({ verb: 'DEL', world: added.world, conf: asked })).world, WORLD)
})

test('DEL of another container leaves the interface, with a journal and without', async () => {
  const asked = conf({ type: 'macvlan', master: 'eth0', ipam: STATIC })
  const added = await cniIn({ world: WORLD, conf: asked })
  for (const world of [added.world, withoutMemory(added)]) {
    const env = { CNI_CONTAINERID: 'other' }
    const left = await cniIn({ verb: 'DEL', world, conf: asked, env })
    deepEqual([left.exit, left.world], [0, world])
    deepEqual(itemsAt((await cniIn({ verb: 'DEL', world, conf: asked })).world, 'journal'), [])
  }
})

test('STATUS refuses what an ADD would refuse, of the IPAM too', async () => {
  const status = (ipam: object, rest: object = {}): Promise<WorldRan> =>
    cniIn({ verb: 'STATUS', world: WORLD, conf: { ...MACVLAN, ...rest, ipam } })
  deepEqual(said(await status(HOST_LOCAL)), [0, undefined, undefined])
  deepEqual(said(await status({ type: 'host-local' })), [1, 7, 'no IP ranges specified'])
  const mode = await status(HOST_LOCAL, { mode: 'x' })
  deepEqual(said(mode), [1, 7, 'unknown macvlan mode: "x"'])
})

test('a list that is none is told without a network object', async () => {
  const failed = await cniIn({ world: WORLD, conf: conf({ plugins: [] }) })
  deepEqual(said(failed), [1, 7, 'Cannot use the plugins of network n: no plugins in list'])
})
