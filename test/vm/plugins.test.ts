/**
 * The plugins whose links the machine's own kernel may lack: VLANs, ipvlans, bonds,
 * each in a pod by the real shim and agent, shown by packets and by the whole state.
 * @module
 */
import { deepEqual, equal, match } from 'node:assert/strict'
import { after, before, describe } from 'node:test'
import { add, difference } from '#test/scenarios/rail-pods.ts'
import { batch, must, openRails } from '#test/scenarios/rails.ts'
import type { RealNode } from '#test/scenarios/real-node.ts'
import { OUTSIDE, vmTest } from './guest.ts'
import { demand } from './program.ts'

type Conf = Readonly<Record<string, unknown>> & { readonly type: string }
type Call = { readonly pod: string; readonly ifName: string; readonly conf: Conf }

const addressed = (...addresses: readonly string[]): object => ({
  type: 'static',
  addresses: addresses.map((address) => ({ address })),
})
const list = (...plugins: readonly Conf[]): Conf => ({ type: 'conflist', plugins })
const at = (pod: string, conf: Conf): Call => ({ pod, ifName: 'eth0', conf })

async function attach(node: RealNode, { pod, ifName, conf }: Call): Promise<object> {
  return add(node, { pod, ifName, type: conf.type, conf })
}

async function detach(node: RealNode, { pod, ifName, conf }: Call): Promise<void> {
  const { status, stdout } = await node.plugin('DEL', { pod, ifName, type: conf.type, conf })
  deepEqual([status, stdout], [0, ''])
}

async function refusal(node: RealNode, { pod, ifName, conf }: Call): Promise<string> {
  const { status, stdout } = await node.plugin('ADD', { pod, ifName, type: conf.type, conf })
  equal(status, 1, stdout)
  const { msg }: { msg: string } = JSON.parse(stdout)
  return msg
}

/** Within three tries: a guest without KVM on a busy machine can lose seconds. */
async function reaches(node: RealNode, from: string, to: string): Promise<void> {
  const words = ['ping', '-c', '2', '-i', '0.2', '-W', '5', to]
  for (let tries = 1; tries < 3; tries++) {
    if ((await node.in(from, ...words)).status === 0) return
  }
  match(await must(node, from, ...words), / 0% packet loss/)
}

/** A link as `ip` shows it, without its operational state, which the kernel sets a while later. */
async function shown(node: RealNode, ...words: readonly string[]): Promise<string> {
  const text = await must(node, 'node', 'ip', '-d', 'link', 'show', ...words)
  return text.replaceAll(/ state [A-Z]+ /g, ' ')
}

/** Links that come get no link-local address by themselves: nothing changes while a test looks. */
async function open(): Promise<RealNode> {
  const node = await openRails(['a', 'b'])
  const quiet = 'echo 1 >/proc/sys/net/ipv6/conf/default/addr_gen_mode'
  for (const where of ['node', 'a', 'b', 'lan1']) await must(node, where, 'sh', '-c', quiet)
  return node
}

/** A node with five namespaces takes its time on an emulated machine. */
const LONG_MS = 180_000

describe('links over links', () => {
  before(async () => {
    if (OUTSIDE === false) await demand(['modprobe', '-a', '8021q', 'ipvlan', 'bonding', 'macvlan'])
  })

  vmTest(
    'vlan: frames of its number, once on its master, and gone',
    async () => {
      await using node = await open()
      const lines = 'link add link lan name lan.7 type vlan id 7\nlink set lan.7 up\n'
      await batch(node, 'lan1', `${lines}addr add 10.7.0.1/24 dev lan.7\n`)
      const empty = await node.state()
      const conf = {
        type: 'vlan',
        master: 'p1',
        vlanId: 7,
        mtu: 1400,
        ipam: addressed('10.7.0.5/24'),
      }
      const result = await attach(node, at('a', conf))
      await reaches(node, 'a', '10.7.0.1')
      match(
        await must(node, 'a', 'ip', '-d', 'link', 'show', 'eth0'),
        /mtu 1400.*vlan protocol 802\.1Q id 7 /s,
      )
      deepEqual(await attach(node, at('a', conf)), result)
      const checked = { ...conf, prevResult: result }
      const check = await node.plugin('CHECK', { pod: 'a', type: 'vlan', conf: checked })
      deepEqual([check.status, check.stdout], [0, ''])
      const attached = await node.state()
      match(await refusal(node, at('b', conf)), /file exists|VLAN device already exists/i)
      deepEqual(difference(attached, await node.state()), [])
      const inner = { type: 'vlan', master: 'eth0', vlanId: 9, linkInContainer: true }
      const call = { pod: 'a', ifName: 'net1', conf: { ...inner, ipam: addressed('10.9.0.5/24') } }
      await attach(node, call)
      match(await must(node, 'a', 'ip', '-d', 'link', 'show', 'net1'), /net1@eth0.*id 9 /s)
      await detach(node, call)
      await detach(node, at('a', conf))
      await detach(node, at('a', conf))
      deepEqual(difference(empty, await node.state()), [])
    },
    LONG_MS,
  )

  for (const mode of ['l2', 'l3', 'l3s'] as const) {
    vmTest(
      `ipvlan: pods of one master reach each other (${mode})`,
      async () => {
        await using node = await open()
        const empty = await node.state()
        const calls = ['a', 'b'].map((pod, i) => {
          const ipam = addressed(`10.7.0.${5 + i}/24`, `fd07::${5 + i}/64`)
          return at(pod, { type: 'ipvlan', master: 'p1', mode, ipam })
        })
        await Promise.all(calls.map((call) => attach(node, call)))
        await reaches(node, 'a', '10.7.0.6')
        await reaches(node, 'b', 'fd07::5')
        match(
          await must(node, 'a', 'ip', '-d', 'link', 'show', 'eth0'),
          new RegExp(`mode ${mode} `),
        )
        await Promise.all(calls.map((call) => detach(node, call)))
        deepEqual(difference(empty, await node.state()), [])
      },
      LONG_MS,
    )
  }

  vmTest(
    'ifacer: two pods at once share a VLAN, which stays',
    async () => {
      await using node = await open()
      await must(node, 'node', 'ip', 'link', 'set', 'p1', 'down')
      const calls = ['a', 'b'].map((pod, i) => {
        const ipam = addressed(`10.7.0.${5 + i}/24`)
        const ifacer = { type: 'ifacer', interfaces: ['p1'], vlanID: 100 }
        return at(pod, list(ifacer, { type: 'macvlan', master: 'p1.100', ipam }))
      })
      await Promise.all(calls.map((call) => attach(node, call)))
      await reaches(node, 'a', '10.7.0.6')
      const attached = await shown(node, 'p1.100')
      match(attached, /UP,LOWER_UP.*vlan protocol 802\.1Q id 100 /s)
      await Promise.all(calls.map((call) => detach(node, call)))
      equal(await shown(node, 'p1.100'), attached)
      await must(node, 'node', 'ip', 'link', 'set', 'p1.100', 'down')
      await attach(node, calls[0] ?? at('a', list()))
      match(await must(node, 'node', 'ip', 'link', 'show', 'p1.100'), /UP,LOWER_UP/)
      await must(
        node,
        'node',
        'ip',
        'link',
        'add',
        'link',
        'p2',
        'name',
        'other',
        'type',
        'vlan',
        'id',
        '101',
      )
      const conf = { type: 'ifacer', interfaces: ['p1'], vlanID: 101 }
      equal(
        await refusal(node, at('b', conf)),
        'Cannot make p1.101: VLAN 101 is other on this node',
      )
    },
    LONG_MS,
  )

  vmTest(
    'ifacer: a bond with its options, a VLAN of it, an ipvlan of that',
    async () => {
      await using node = await open()
      const bond = { name: 'bond7', mode: 1, options: 'miimon=100;primary=p3;up_delay=200' }
      const ifacer = { type: 'ifacer', interfaces: ['p2', 'p3'], vlanID: 300, bond }
      const ipam = addressed('10.7.0.5/24')
      const call = at('a', list(ifacer, { type: 'ipvlan', master: 'bond7.300', mtu: 0, ipam }))
      await attach(node, call)
      const told = await must(node, 'node', 'cat', '/proc/self/net/bonding/bond7')
      match(told, /Bonding Mode: fault-tolerance \(active-backup\)/)
      match(told, /Primary Slave: p3 /)
      match(told, /Up Delay \(ms\): 200/)
      match(told, /Slave Interface: p2[^]*Slave Interface: p3/)
      match(await must(node, 'a', 'ip', 'link', 'show', 'eth0'), /UP,LOWER_UP/)
      const shared = await shown(node, 'type', 'bond')
      await detach(node, call)
      equal(await shown(node, 'type', 'bond'), shared)
      await attach(node, { ...call, pod: 'b' })
      equal(await shown(node, 'type', 'bond'), shared)
      const taken = { ...ifacer, bond: { ...bond, name: 'p1' } }
      equal(
        await refusal(node, at('a', taken)),
        'Cannot make bond p1: there is a veth of that name',
      )
    },
    LONG_MS,
  )
})

/** An emulated Ethernet adapter, whose driver is the kernel's own. */
const CARD = '0000:01:00.0'

describe('a network card', () => {
  before(async () => {
    if (OUTSIDE === false) await demand(['modprobe', 'igb'])
  })
  after(async () => {
    if (OUTSIDE === false) await demand(['modprobe', '-r', 'igb'])
  })

  vmTest(
    'host-device: it comes back to its node from a namespace that ended',
    async () => {
      await using node = await open()
      const name = (await demand(['ls', `/sys/bus/pci/devices/${CARD}/net`])).trim()
      await demand(['ip', 'link', 'set', name, 'netns', node.netnsOf('node'), 'name', 'nic0'])
      await batch(node, 'node', 'link set nic0 mtu 1400 txqueuelen 77 alias spare\n')
      const before = await node.state()
      const ipam = addressed('10.7.0.5/24')
      const call = { pod: 'a', ifName: 'net1', conf: { type: 'host-device', pciBusID: CARD, ipam } }
      await attach(node, call)
      match(await must(node, 'a', 'ip', 'link', 'show', 'net1'), /mtu 1400.*alias nic0/s)
      await node.removePod('a')
      await detach(node, call)
      await detach(node, call)
      const after = await node.state()
      const ofNode = (state: string): string => state.split(/^== /m)[1] ?? ''
      deepEqual(difference(ofNode(before), ofNode(after)), [])
      equal((await demand(['ip', '-br', 'link'])).includes('net1'), false)
    },
    LONG_MS,
  )
})
