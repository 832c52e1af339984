import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { valueAt } from './fields.ts'
import { cniIn, GUIDE_WORLD } from './world-in-memory.ts'

const STATIC = { type: 'static', addresses: [{ address: '10.2.0.7/24', gateway: '10.2.0.1' }] }
const MACVLAN = { type: 'macvlan', master: 'eth0', ipam: STATIC }
const conf = (rest: object): object => ({ cniVersion: '1.0.0', name: 'n', ...rest })

/** Links by name, of one namespace of a world. */
function linksOf(world: unknown, netns: string): Map<string, unknown> {
  const links = valueAt(world, 'netns', netns, 'links')
  const list: unknown[] = Array.isArray(links) ? links : []
  return new Map(list.map((link) => [String(valueAt(link, 'name')), link]))
}

for (const { does, plugin, links, onHost = {} } of [
  {
    does: 'ipvlan',
    plugin: { type: 'ipvlan', master: 'eth0', mode: 'l3', ipam: STATIC },
    links: { net1: { kind: 'ipvlan', mode: 'l3', parent: 'eth0', addresses: ['10.2.0.7/24'] } },
  },
  {
    does: 'vlan',
    plugin: { type: 'vlan', master: 'eth0', vlanId: 7, ipam: STATIC },
    links: { net1: { kind: 'vlan', vlanId: 7, parent: 'eth0', addresses: ['10.2.0.7/24'] } },
  },
  {
    does: 'host-device',
    plugin: { type: 'host-device', device: 'spare0', ipam: STATIC },
    links: { net1: { kind: 'physical', addresses: ['10.2.0.7/24'] } },
  },
  {
    does: 'tuning behind macvlan',
    plugin: { plugins: [MACVLAN, { type: 'tuning', mtu: 1400, mac: '02:00:00:00:00:09' }] },
    links: { net1: { kind: 'macvlan', mtu: 1400, address: '02:00:00:00:00:09' } },
  },
  {
    does: 'sbr behind macvlan',
    plugin: { plugins: [MACVLAN, { type: 'sbr' }] },
    links: { net1: { kind: 'macvlan', addresses: ['10.2.0.7/24'] } },
  },
  {
    does: 'ifacer before macvlan',
    plugin: {
      plugins: [
        { type: 'ifacer', interfaces: ['eth0'], vlanID: 5 },
        { ...MACVLAN, master: 'eth0.5' },
      ],
    },
    links: { net1: { kind: 'macvlan', parent: 'eth0.5' } },
    onHost: { 'eth0.5': { kind: 'vlan', parent: 'eth0' } },
  },
]) {
  test(`cni --world runs ${does}: ADD, CHECK, ADD again, DEL`, async () => {
    const spare = { name: 'spare0', address: '02:00:00:00:00:aa' }
    const host = { links: [...GUIDE_WORLD.netns.host.links, spare] }
    const world = { ...GUIDE_WORLD, netns: { host, pod: { links: [] } } }
    const added = await cniIn({ world, conf: conf(plugin) })
    equal(added.exit, 0, JSON.stringify(added.error))
    for (const [netns, wanted] of [
      ['pod', links],
      ['host', onHost],
    ] as const) {
      for (const [name, fields] of Object.entries(wanted)) {
        const link = linksOf(added.world, netns).get(name)
        for (const [key, value] of Object.entries(fields)) deepEqual(valueAt(link, key), value, key)
      }
    }
    const checked = await cniIn({
      verb: 'CHECK',
      world: added.world,
      conf: { ...conf(plugin), prevResult: added.result },
    })
    deepEqual([checked.exit, checked.error], [0, undefined])
    const again = await cniIn({ world: added.world, conf: conf(plugin) })
    deepEqual(again, added)
    const gone = await cniIn({ verb: 'DEL', world: added.world, conf: conf(plugin) })
    equal(gone.exit, 0, JSON.stringify(gone.error))
    const noop = await cniIn({ verb: 'VERSION', world, conf: '' })
    const made = Object.keys(onHost)
    const left = linksOf(gone.world, 'host')
    deepEqual([...left.keys()].toSorted(), ['eth0', 'ib0', 'spare0', ...made].toSorted())
    if (made.length === 0 && !('device' in plugin)) {
      equal(JSON.stringify(gone.world), JSON.stringify(noop.world))
    }
  })
}
