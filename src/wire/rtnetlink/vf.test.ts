import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { parseGuid } from '#values/guid.ts'
import { parseHardwareAddress } from '#values/hardware-address.ts'
import { type Case, type Compare, compareAll } from '#test/captures/compare.ts'
import { bytesOfHex, readReplies } from '#test/captures/iproute2.ts'
import { readAttributes } from '#wire/netlink/attribute.ts'
import { readMessages } from '#wire/netlink/message.ts'
import { decodeLink } from './link.ts'
import { type VfChange, type VfState, decodeVfs, encodeChangeVf } from './vf.ts'

const mac = (last: string) => parseHardwareAddress(`02:11:22:33:44:${last}`)
const vlan = { vlan: 100, qos: 0, protocol: 0x8100 }

const ETHERNET: Readonly<Record<string, { vf?: number; change: VfChange }>> = {
  'vf 0 mac 02:11:22:33:44:50': { change: { address: mac('50') } },
  'vf 0 vlan 100': { change: { vlan } },
  'vf 0 vlan 100 qos 3': { change: { vlan: { ...vlan, qos: 3 } } },
  'vf 0 vlan 100 qos 3 proto 802.1ad': { change: { vlan: { ...vlan, qos: 3, protocol: 0x88a8 } } },
  'vf 0 vlan 0': { change: { vlan: { ...vlan, vlan: 0 } } },
  'vf 0 max_tx_rate 100': { change: { rate: { minMbps: 0, maxMbps: 100 } } },
  'vf 0 max_tx_rate 200 min_tx_rate 0': { change: { rate: { minMbps: 0, maxMbps: 200 } } },
  'vf 0 spoofchk on': { change: { spoofCheck: true } },
  'vf 0 spoofchk off': { change: { spoofCheck: false } },
  'vf 0 trust on': { change: { trust: true } },
  'vf 0 state auto': { change: { linkState: 'auto' } },
  'vf 0 state enable': { change: { linkState: 'enable' } },
  'vf 0 state disable': { change: { linkState: 'disable' } },
  'vf 9 mac 02:11:22:33:44:59': { vf: 9, change: { address: mac('59') } },
  'vf 1 mac 02:11:22:33:44:51 vlan 7 spoofchk off trust on': {
    vf: 1,
    change: { address: mac('51'), vlan: { ...vlan, vlan: 7 }, spoofCheck: false, trust: true },
  },
}
const G1 = parseGuid('02:00:00:00:00:00:00:01')
const G2 = parseGuid('02:00:00:00:00:00:00:02')
const INFINIBAND: Readonly<Record<string, { vf?: number; change: VfChange }>> = {
  'vf 0 node_guid 02:00:00:00:00:00:00:01': { change: { nodeGuid: G1 } },
  'vf 0 port_guid 02:00:00:00:00:00:00:01': { change: { portGuid: G1 } },
  'vf 0 node_guid ff:ff:ff:ff:ff:ff:ff:ff': {
    change: { nodeGuid: parseGuid('ff:ff:ff:ff:ff:ff:ff:ff') },
  },
}

for (const [words, { vf = 0, change }] of Object.entries(ETHERNET)) {
  test(`encodeChangeVf() sends what ip link set dev eth0 ${words} sends`, () => {
    const one: Case = ({ index }) => encodeChangeVf(index, vf, change)
    equal(compareAll('iproute2-vf', 16, { [`ip link set dev eth0 ${words}`]: one }), 2)
  })
}

for (const [words, { vf = 0, change }] of Object.entries(INFINIBAND)) {
  test(`encodeChangeVf() sends what ip link set dev ib0 ${words} sends`, () => {
    // The four bytes before a GUID are padding, which iproute2 leaves as it found them.
    const compare: Compare = (ours, theirs) => {
      const bytes = Uint8Array.from(theirs.payload)
      for (let at = 24; at < bytes.length; at += 20) bytes.fill(0, at + 8, at + 12)
      equal(ours.payload.toHex(), bytes.toHex())
    }
    const build = ({ index }: { index: number }) => encodeChangeVf(index, vf, change)
    equal(
      compareAll('iproute2-vf', 16, { [`ip link set dev ib0 ${words}`]: { build, compare } }),
      2,
    )
  })
}

// Differs from iproute2 on purpose: the kernel ignores a port GUID behind a node GUID.
test('encodeChangeVf() puts two GUIDs into two VF_INFO', () => {
  const { payload } = encodeChangeVf(2, 1, { nodeGuid: G2, portGuid: G2 })
  const [list] = readAttributes(payload.subarray(16))
  const infos = readAttributes(list?.data ?? new Uint8Array(0))
  deepEqual(
    infos.map(({ type, data }) => [type, data.toHex()]),
    [
      [1, '14000a0001000000000000000200000000000002'],
      [1, '14000b0001000000000000000200000000000002'],
    ],
  )
})

const answers = (command: string) =>
  readReplies('iproute2')
    .filter((reply) => reply.command === command)
    .map(({ received }) =>
      received
        .map(bytesOfHex)
        .flatMap(readMessages)
        .filter((m) => m.type === 16),
    )

test('decodeVfs() reads the VFs of an Ethernet PF (igb)', () => {
  for (const messages of answers('ip link show dev eth0')) {
    const payload = messages.at(-1)?.payload ?? new Uint8Array(0)
    const [first, second] = decodeVfs(payload, 6)
    equal(decodeLink(payload).name, 'eth0')
    deepEqual(
      { ...first, rest: [] },
      {
        vf: 0,
        address: '02:11:22:33:44:50',
        vlan: { vlan: 0, qos: 0, protocol: 0x8100 },
        rate: { minMbps: 0, maxMbps: 0 },
        spoofCheck: false,
        linkState: 'auto',
        trust: false,
        nodeGuid: undefined,
        portGuid: undefined,
        rest: [],
      },
    )
    equal(second?.address, '02:11:22:33:44:51')
  }
})

test('decodeVfs() reads the GUIDs of the VFs of an InfiniBand PF', () => {
  for (const messages of answers('ip link show dev ib0')) {
    const vfs: readonly VfState[] = decodeVfs(messages.at(-1)?.payload ?? new Uint8Array(0), 20)
    deepEqual(vfs.map(({ vf, nodeGuid, portGuid }) => ({ vf, nodeGuid, portGuid })).slice(0, 2), [
      { vf: 0, nodeGuid: 'ff:ff:ff:ff:ff:ff:ff:ff', portGuid: G1 },
      // Both were sent in one VF_INFO, and the kernel took the first only.
      { vf: 1, nodeGuid: G2, portGuid: '00:00:00:00:00:00:00:00' },
    ])
  }
})

test('decodeVfs() of a cut payload throws a wire failure or gives fewer', () => {
  for (const messages of answers('ip link show dev ib0')) {
    const payload = messages.at(-1)?.payload ?? new Uint8Array(0)
    const whole = decodeVfs(payload, 20).length
    for (let length = 16; length < payload.length; length++) {
      const cut = (): void => {
        const found = decodeVfs(payload.subarray(0, length), 20).length
        if (found <= whole) throw Object.assign(new Error(), { code: 'netlink-truncated' })
      }
      throws(cut, { code: 'netlink-truncated' })
    }
  }
})
