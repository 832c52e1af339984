import { deepEqual, equal, rejects, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { parseIfName } from '#values/if-name.ts'
import type { Link } from '#values/link.ts'
import type { Step } from '#values/step.ts'
import { cniErrorOf } from '#wire/cni/error-json.ts'
import { type IpvlanConf, ipvlan } from './ipvlan.ts'
import { macvlan } from './macvlan.ts'
import {
  ADDRESSING,
  MAKES_NET1,
  NET1,
  NETNS,
  NOTHING_THERE,
  PREVIOUS,
  linkNamed,
  requestFor,
} from './plugin-sample.ts'
import { stepLines } from './step-lines.ts'
import { type VlanConf, vlan } from './vlan.ts'

const master = linkNamed('ens1')
const SAW = { ...NOTHING_THERE, name: master.name, master }
const ipvlanConf = (raw: object): IpvlanConf => ipvlan.parse({ type: 'ipvlan', ...raw }).conf
const vlanConf = (raw: object): VlanConf =>
  vlan.parse({ type: 'vlan', master: 'ens1', vlanId: 7, ...raw }).conf
const ADDRESSED = [
  'sysctl net/ipv4/conf/net1/arp_notify=1 was -',
  'sysctl net/ipv6/conf/net1/ndisc_notify=1 was -',
  'sysctl net/ipv6/conf/net1/disable_ipv6=0 was -',
  'sysctl net/ipv6/conf/net1/keep_addr_on_down=1 was -',
  'addr add 10.1.0.5/24 dev net1',
  'addr add fd01::5/64 dev net1',
  'link set net1 up',
]

for (const { does, conf, made } of [
  {
    does: 'ipvlan of mode l2',
    conf: { master: 'ens1' },
    made: 'link add net1 kind ipvlan in-place on ens1 mode l2',
  },
  {
    does: 'ipvlan of mode l3s with its MTU, over a link of the pod',
    conf: { master: 'ens1', Mode: 'l3s', mtu: 9000, linkInContainer: true },
    made: 'link add net1 kind ipvlan in-place on ens1 in pod mode l3s mtu 9000',
  },
]) {
  test(`plan() makes an ${does}`, () => {
    const steps = ipvlan.plan(requestFor(ipvlanConf(conf), { addressing: ADDRESSING }), SAW)
    deepEqual(stepLines(steps), [made, ...ADDRESSED])
  })
}

for (const { does, conf, made } of [
  { does: 'a vlan', conf: {}, made: 'link add net1 kind vlan in-place on ens1 id 7 mtu 1500' },
  {
    does: 'a vlan of an MTU over a link of the pod',
    conf: { VLANID: 4094, mtu: 1400, linkInContainer: true, vlanMode: 'manual' },
    made: 'link add net1 kind vlan in-place on ens1 in pod id 4094 mtu 1400',
  },
  {
    does: 'a vlan without a number, which is 0',
    conf: { vlanId: null },
    made: 'link add net1 kind vlan in-place on ens1 id 0 mtu 1500',
  },
]) {
  test(`plan() makes ${does}, on layer 2 alone without ipam`, () => {
    const steps = vlan.plan(requestFor(vlanConf(conf)), SAW)
    deepEqual(stepLines(steps), [made, 'link set net1 up'])
  })
}

test('answer() of ipvlan and vlan has the hardware address of the master', () => {
  const sandbox = NETNS
  const interfaces = [{ name: NET1, mac: master.address, mtu: 1500, sandbox, rest: {} }]
  const given = { addressing: ADDRESSING }
  const one = ipvlan.answer(requestFor(ipvlanConf({ master: 'ens1' }), given), SAW)
  deepEqual(one, { ...ADDRESSING, interfaces, ips: PREVIOUS.ips })
  deepEqual(vlan.answer(requestFor(vlanConf({}), given), SAW), one)
})

test('ipvlan without an ipam takes the addresses of the result before it', () => {
  const request = requestFor(ipvlanConf({ master: 'ens1' }), { prevResult: PREVIOUS })
  deepEqual(stepLines(ipvlan.plan(request, SAW)).slice(1), ADDRESSED)
  deepEqual(ipvlan.answer(request, SAW).ips, PREVIOUS.ips)
})

const none = { link: async () => undefined, routes: async () => [], sysctl: async () => undefined }
const checks = { ...none, addresses: async () => [] }

test('ipvlan without a master takes the only interface of the result before it', async () => {
  const link = async (): Promise<Link> => master
  const asked: string[] = []
  const needs = {
    ...checks,
    link: async (_where: unknown, name: string) => {
      asked.push(name)
      return name === NET1 ? undefined : link()
    },
  }
  const request = requestFor(ipvlanConf({}), {
    prevResult: {
      ...PREVIOUS,
      interfaces: [{ ...PREVIOUS.interfaces[0], name: master.name }] as never,
    },
  })
  const saw = await ipvlan.observe(request, needs)
  deepEqual([saw.name, asked], ['ens1', ['net1', 'ens1']])
  const two = { ...PREVIOUS, interfaces: [...PREVIOUS.interfaces, ...PREVIOUS.interfaces] }
  await rejects(ipvlan.observe(requestFor(ipvlanConf({}), { prevResult: two }), needs), {
    message: 'chained master failure. PrevResult lacks a single named interface',
  })
})

for (const { type, raw, code, msg } of [
  { type: ipvlan, raw: { mode: 'l4' }, code: 7, msg: 'unknown ipvlan mode: "l4"' },
  {
    type: ipvlan,
    raw: { mtu: -1 },
    code: 7,
    msg: 'failed to load netconf: mtu: -1 is negative',
  },
  {
    type: vlan,
    raw: { vlanId: 7 },
    code: 7,
    msg: '"master" field is required. It specifies the host interface name to create the VLAN for.',
  },
  {
    type: vlan,
    raw: { master: 'ens1', vlanId: 4095 },
    code: 7,
    msg: 'invalid VLAN ID 4095 (must be between 0 and 4095 inclusive)',
  },
  {
    type: vlan,
    raw: { master: 'ens1', vlanId: -1 },
    code: 7,
    msg: 'invalid VLAN ID -1 (must be between 0 and 4095 inclusive)',
  },
  {
    type: vlan,
    raw: { master: 'ens1', vlanMode: 'auto' },
    code: 2,
    msg:
      'Cannot use vlanMode auto with plugin vlan: ' +
      'nothing here gives a VLAN its number: set vlanId',
  },
  {
    type: vlan,
    raw: { master: 'ens1', vlanMode: 'some' },
    code: 7,
    msg: 'failed to load netconf: vlanMode: unknown mode: some',
  },
  {
    type: vlan,
    raw: { master: 'ens1', vlanId: '7' },
    code: 7,
    msg:
      'failed to load netconf: vlanId: Invalid value: "7": ' +
      'must be of type number, it is of type string',
  },
]) {
  test(`parse() of ${type.type} refuses ${JSON.stringify(raw)}`, () => {
    throws(
      () => type.parse({ type: type.type, ...raw }),
      (thrown) => {
        const error = cniErrorOf(thrown)
        deepEqual([error.code, error.msg], [code, msg])
        return true
      },
    )
  })
}

test('parse() names a key that means nothing', () => {
  deepEqual(ipvlan.parse({ master: 'ens1', vlan: 5 }).warnings, ['Unknown key vlan is ignored'])
  deepEqual(vlan.parse({ master: 'ens1', vlanID: 5, mac: 'x' }).warnings, [
    'Unknown key mac is ignored',
  ])
})

for (const { when, saw, conf = {}, more = {}, error } of [
  {
    when: 'the master is missing',
    saw: { master: undefined },
    error: 'failed to lookup master "ens1": Link not found',
  },
  {
    when: 'there is no default route',
    saw: { name: undefined, master: undefined },
    error: 'no default route interface found',
  },
  {
    when: 'the master is IPoIB',
    saw: { master: { ...master, arpType: 32 } },
    error: 'Cannot make a vlan on ens1: it is not an Ethernet interface',
  },
  {
    when: 'the MTU is over the master',
    saw: {},
    conf: { mtu: 1501 },
    error: 'invalid MTU 1501, must be [0, master MTU(1500)]',
  },
  {
    when: 'the name is taken',
    saw: { existing: linkNamed('net1') },
    error: 'failed to rename vlan to "net1": file exists',
  },
  {
    when: 'the ipam gave no address',
    saw: {},
    more: { addressing: { ...ADDRESSING, ips: [] } },
    error: 'IPAM plugin returned missing IP config',
  },
]) {
  test(`plan() of vlan refuses when ${when}`, () => {
    const request = requestFor(vlanConf(conf), more)
    throws(() => vlan.plan(request, { ...SAW, ...saw }), { message: error })
  })
}

test('plan() of ipvlan refuses without addresses, and over IPoIB', () => {
  const request = requestFor(ipvlanConf({ master: 'ens1' }))
  throws(() => ipvlan.plan(request, SAW), {
    message: 'Cannot make net1: ipvlan needs ipam, or a prevResult with addresses',
  })
  const over = { ...SAW, master: { ...master, arpType: 32 } }
  throws(() => ipvlan.plan({ ...request, addressing: ADDRESSING }, over), {
    message: 'Cannot make a ipvlan on ens1: it is not an Ethernet interface',
  })
})

const SHARED: Step = {
  do: 'share-link',
  where: 'host',
  name: parseIfName('ens1.100'),
  spec: { kind: 'vlan', parent: parseIfName('ens1'), id: 100 },
}

test('a master that the plan makes is known by what it takes after', async () => {
  const needs = {
    ...checks,
    below: () => 1,
    link: async (where: unknown, name: string) =>
      where === 'host' && name === 'ens1' ? linkNamed('ens1', { mtu: 9000 }) : undefined,
  }
  const onShared = requestFor(macvlan.parse({ master: 'ens1.100' }).conf, { planned: [SHARED] })
  const seen = await macvlan.observe(onShared, needs)
  deepEqual([seen.master?.name, seen.master?.mtu], ['ens1.100', 9000])
  const inPod = { master: 'net1', linkInContainer: true }
  const request = { ...requestFor(ipvlanConf(inPod)), ifName: parseIfName('net2') }
  const own = await ipvlan.observe({ ...request, planned: MAKES_NET1 }, needs)
  deepEqual([own.master?.name, own.master?.mtu], ['net1', 1500])
  // what another attachment has decided meanwhile is known from its steps alone
  const later = { ...request, planned: MAKES_NET1, addressing: ADDRESSING }
  const steps = ipvlan.plan(later, { ...NOTHING_THERE, name: NET1, master: undefined })
  equal(stepLines(steps)[0], 'link add net2 kind ipvlan in-place on net1 in pod mode l2')
})

test('planDetach() takes what is named so and of the kind', () => {
  const request = {
    conf: undefined,
    netns: NETNS,
    ifName: NET1,
    containerId: 'c1',
    prevResult: undefined,
  }
  deepEqual(stepLines(ipvlan.planDetach(request)), ['link del net1 kind ipvlan mark -'])
  deepEqual(stepLines(vlan.planDetach(request)), ['link del net1 kind vlan mark -'])
})
