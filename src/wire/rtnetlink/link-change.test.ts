import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { parseHardwareAddress } from '#values/hardware-address.ts'
import { parseIfName } from '#values/if-name.ts'
import type { IpoibMode, MacvlanMode } from '#values/link.ts'
import { pkeyFromBits } from '#values/pkey.ts'
import { type Build, type Case, compareAll, sameAttributes } from '#test/captures/compare.ts'
import type { KindSpec } from './kind.ts'
import {
  type LinkChange,
  type NewLink,
  encodeAltNames,
  encodeChangeLink,
  encodeDeleteLink,
  encodeNewLink,
  encodeVethPeer,
} from './link-change.ts'
import { IFLA, encodeDumpLinks } from './link.ts'

const c1 = parseIfName('c1')
const PKEY = pkeyFromBits(0x8001)
const plain: NewLink = {
  index: 0,
  name: c1,
  address: undefined,
  mtu: undefined,
  netnsFd: undefined,
  parent: undefined,
  group: undefined,
}
const GUID_ADDRESS = '80:00:00:02:fe:80:00:00:00:00:00:00:00:02:c9:03:00:f0:00'
const [MAC1, MAC2, MAC3] = [1, 2, 3].map((last) => `address 02:00:00:00:00:0${last}`)
/** iproute2 6.1 sends IFLA_INFO_KIND without the zero byte: the kernel takes both. */
const tree = sameAttributes(16)

function ipoib(more: Partial<NewLink>, pkey: number | undefined, mode?: IpoibMode): Case {
  const kind: KindSpec = {
    kind: 'ipoib',
    pkey: pkey === undefined ? undefined : pkeyFromBits(pkey),
    mode,
  }
  const build: Build = (at) => encodeNewLink({ ...plain, parent: at.u32(IFLA.link), ...more }, kind)
  return { build, compare: tree }
}

function macvlan(mode: MacvlanMode): Case {
  const name = parseIfName('m0')
  return {
    build: (at) =>
      encodeNewLink({ ...plain, name, parent: at.u32(IFLA.link) }, { kind: 'macvlan', mode }),
    compare: tree,
  }
}

const change =
  (what: LinkChange): Build =>
  (at) =>
    encodeChangeLink(at.index, what)
const v0 = parseIfName('v0')
const peer: NewLink = { ...plain, name: parseIfName('v1') }
const address = (last: string) => parseHardwareAddress(`02:00:00:00:00:${last}`)

const CASES: Readonly<Record<string, Case>> = {
  'ip link add link ib0 name c1 type ipoib': ipoib({}, undefined),
  'ip link add link ib0 name c1 type ipoib pkey 0x8001': ipoib({}, 0x8001),
  'ip link add link ib0 name c1 type ipoib pkey 0x8001 mode connected': ipoib(
    {},
    0x8001,
    'connected',
  ),
  'ip link add link ib0 name ib0 type ipoib pkey 0x8001': ipoib(
    { name: parseIfName('ib0') },
    0x8001,
  ),
  'ip link add link c1 name cc type ipoib pkey 0x8002': ipoib({ name: parseIfName('cc') }, 0x8002),
  'ip link add link lo name t type ipoib pkey 0x8001 mode datagram': ipoib(
    { name: parseIfName('t') },
    0x8001,
    'datagram',
  ),
  'ip link add link eth0 name t type ipoib pkey 0x8001': ipoib({ name: parseIfName('t') }, 0x8001),
  'ip link add name t type ipoib pkey 0x8001': {
    build: () =>
      encodeNewLink(
        { ...plain, name: parseIfName('t') },
        { kind: 'ipoib', pkey: PKEY, mode: undefined },
      ),
    compare: tree,
  },
  'ip link add link ib0 name c1 mtu 1500 type ipoib pkey 0x8001': ipoib({ mtu: 1500 }, 0x8001),
  [`ip link add link ib0 name c1 address ${GUID_ADDRESS}:99 type ipoib pkey 0x8001`]: ipoib(
    { address: parseHardwareAddress(`${GUID_ADDRESS}:99`) },
    0x8001,
  ),
  'ip link add link ib0 name c1 netns A type ipoib pkey 0x8001': {
    build: (at) =>
      encodeNewLink(
        { ...plain, parent: at.u32(IFLA.link), netnsFd: at.u32(IFLA.netnsFd) },
        { kind: 'ipoib', pkey: PKEY, mode: undefined },
      ),
    compare: tree,
  },
  'ip link set c1 type ipoib mode connected': {
    build: change({ ipoibMode: 'connected' }),
    compare: tree,
  },
  'ip link add link eth0 name m0 type macvlan mode bridge': macvlan('bridge'),
  'ip link add link eth0 name m0 type macvlan mode private': macvlan('private'),
  'ip link add link eth0 name m0 type macvlan mode vepa': macvlan('vepa'),
  'ip link add link eth0 name m0 type macvlan mode passthru': macvlan('passthru'),
  [`ip link add link eth0 name m0 ${MAC1} mtu 1400 netns A type macvlan mode bridge`]: {
    build: (at) =>
      encodeNewLink(
        {
          ...plain,
          name: parseIfName('m0'),
          address: address('01'),
          mtu: 1400,
          netnsFd: at.u32(IFLA.netnsFd),
          parent: at.u32(IFLA.link),
        },
        { kind: 'macvlan', mode: 'bridge' },
      ),
    compare: tree,
  },
  'ip link add v0 type veth peer name v1': {
    build: () =>
      encodeNewLink({ ...plain, name: v0 }, { kind: 'veth', peer: encodeVethPeer(peer) }),
    compare: tree,
  },
  // iproute2 keeps the order of the words; ours is always the same.
  [`ip link add v0 mtu 1400 ${MAC2} type veth peer name v1 netns A mtu 1400 ${MAC3}`]: {
    build: () =>
      encodeNewLink(
        { ...plain, name: v0, mtu: 1400, address: address('02') },
        {
          kind: 'veth',
          peer: encodeVethPeer({ ...peer, mtu: 1400, address: address('03'), netnsFd: 4 }),
        },
      ),
    compare: tree,
  },
  'ip link add b9 type bridge': {
    build: () => encodeNewLink({ ...plain, name: parseIfName('b9') }, { kind: 'bridge' }),
    compare: tree,
  },
  'ip link set dev c1 up': change({ up: true }),
  'ip link set dev c1 down': change({ up: false }),
  'ip link set dev c1 mtu 2000': change({ mtu: 2000 }),
  'ip link set dev c1 txqueuelen 500': change({ txQueueLength: 500 }),
  'ip link set dev c1 alias "pod default/web net1"': change({ alias: 'pod default/web net1' }),
  'ip link set dev c1 alias ""': change({ alias: '' }),
  'ip link set dev c1 group 7': change({ group: 7 }),
  'ip link set dev c1 name net1': change({ name: parseIfName('net1') }),
  'ip link set dev c1 addrgenmode none': change({ addrGenMode: 'none' }),
  'ip link set dev c1 addrgenmode eui64': change({ addrGenMode: 'eui64' }),
  [`ip link set dev c1 address ${GUID_ADDRESS}:77`]: change({
    address: parseHardwareAddress(`${GUID_ADDRESS}:77`),
  }),
  'ip link set dev c1 netns A': (at) =>
    encodeChangeLink(at.index, { netnsFd: at.u32(IFLA.netnsFd) }),
  'ip link set dev c1 name eth7 netns A': (at) =>
    encodeChangeLink(at.index, { netnsFd: at.u32(IFLA.netnsFd), name: parseIfName('eth7') }),
  'ip link set dev c1 netns A up': (at) =>
    encodeChangeLink(at.index, { netnsFd: at.u32(IFLA.netnsFd), up: true }),
  'ip link property add dev c1 altname ibpod0 altname ibpod1': (at) =>
    encodeAltNames('add', at.index, ['ibpod0', 'ibpod1']),
  'ip link property del dev c1 altname ibpod0 altname ibpod1': (at) =>
    encodeAltNames('remove', at.index, ['ibpod0', 'ibpod1']),
  'ip link del br0': (at) => encodeDeleteLink(at.index),
  'ip link del eth0': (at) => encodeDeleteLink(at.index),
}

for (const [command, one] of Object.entries(CASES)) {
  test(`a link request is that of ${command}`, () => {
    equal(compareAll('iproute2-link', 16, { [command]: one }) >= 2, true)
  })
}

// iproute2 asks for the VFs too (mask 9, ours 8) and names the family PF_BRIDGE, which the kernel
// ignores here.
test('encodeDumpLinks() differs from `ip -d link show type ipoib` in family and mask only', () => {
  const compared = compareAll('iproute2-link', 16, {
    'ip -d link show type ipoib': {
      build: () => encodeDumpLinks('ipoib'),
      compare: (ours, theirs) => {
        const bytes = Uint8Array.from(theirs.payload)
        bytes[0] = 0
        bytes[20] = 8
        equal(ours.payload.toHex(), bytes.toHex())
      },
    },
  })
  equal(compared, 2)
})
