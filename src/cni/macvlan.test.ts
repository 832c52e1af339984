import { deepEqual, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { parseHardwareAddress } from '#values/hardware-address.ts'
import { VERBENA_GROUP } from '#values/mark.ts'
import type { Addressing } from '#wire/cni/result.ts'
import { type MacvlanConf, type MacvlanSaw, macvlan } from './macvlan.ts'
import { stepLines } from './step-lines.ts'
import { master, saw, conf, addressing, request } from './macvlan-sample.ts'

const tail = ['link set net1 up']

type Case = {
  does: string
  conf?: Partial<MacvlanConf>
  saw?: Partial<MacvlanSaw>
  addressing?: Addressing
  lines: readonly string[]
}
const plans: readonly Case[] = [
  {
    does: 'makes one of layer 2 with the MTU of its master',
    lines: [
      'link add net1 kind macvlan in-place on ens1 mode ' +
        'bridge mtu 1500 address 02:00:00:00:00:01',
      ...tail,
    ],
  },
  {
    does: 'takes mode, MTU and address that are asked for',
    conf: { mode: 'vepa', mtu: 1400, mac: parseHardwareAddress('02:00:00:00:00:02') },
    lines: [
      'link add net1 kind macvlan in-place on ens1 mode vepa mtu 1400 address 02:00:00:00:00:02',
      ...tail,
    ],
  },
  {
    does: 'leaves the address of passthru to the kernel',
    conf: { mode: 'passthru', mac: parseHardwareAddress('02:00:00:00:00:02') },
    lines: ['link add net1 kind macvlan in-place on ens1 mode passthru mtu 1500', ...tail],
  },
  {
    does: 'addresses both families, a route asked twice once',
    addressing,
    lines: [
      'link add net1 kind macvlan in-place on ens1 mode ' +
        'bridge mtu 1500 address 02:00:00:00:00:01',
      'sysctl net/ipv4/conf/net1/arp_notify=1 was -',
      'sysctl net/ipv6/conf/net1/ndisc_notify=1 was -',
      'sysctl net/ipv6/conf/net1/disable_ipv6=0 was -',
      'sysctl net/ipv6/conf/net1/keep_addr_on_down=1 was -',
      'addr add 10.0.0.5/24 dev net1',
      'addr add fd00::5/64 dev net1',
      'link set net1 up',
      'route add 0.0.0.0/0 via 10.0.0.1 dev net1 table 254 scope global proto 118',
      'route add ::/0 via fd00::1 dev net1 table 254 scope global proto 118',
    ],
  },
  {
    does: 'first deletes what this attachment left under the name',
    saw: { existing: { ...master, name: request.ifName, group: VERBENA_GROUP, alias: 'mark-1' } },
    lines: [
      'link del vbtemp|net1 kind macvlan mark mark-1',
      'link add net1 kind macvlan in-place on ens1 mode ' +
        'bridge mtu 1500 address 02:00:00:00:00:01',
      ...tail,
    ],
  },
]
for (const { does, conf: over = {}, saw: seen = {}, addressing: given, lines } of plans) {
  test(`plan() of macvlan ${does}`, () => {
    const asked = { ...request, conf: { ...conf, ...over }, addressing: given }
    deepEqual(stepLines(macvlan.plan(asked, { ...saw, ...seen })), lines)
  })
}

const refusals: {
  when: string
  conf?: Partial<MacvlanConf>
  saw?: Partial<MacvlanSaw>
  error: string
}[] = [
  {
    when: 'there is no default route',
    saw: { name: undefined, master: undefined },
    error: 'no default route interface found',
  },
  {
    when: 'the master is missing',
    saw: { master: undefined },
    error: 'failed to lookup master "ens1": Link not found',
  },
  {
    when: 'the master is IPoIB',
    saw: { master: { ...master, arpType: 32 } },
    error: 'Cannot make a macvlan on ens1: it is not an Ethernet interface',
  },
  {
    when: 'the MTU is over the master',
    conf: { mtu: 1501 },
    error: 'invalid MTU 1501, must be [0, master MTU(1500)]',
  },
  {
    when: 'the MTU is negative',
    conf: { mtu: -1 },
    error: 'invalid MTU -1, must be [0, master MTU(1500)]',
  },
  {
    when: 'the name is taken',
    saw: { existing: master },
    error: 'failed to rename macvlan to "net1": file exists',
  },
]
for (const { when, conf: over = {}, saw: seen = {}, error } of refusals) {
  test(`plan() of macvlan refuses when ${when}`, () => {
    const asked = { ...request, conf: { ...conf, ...over } }
    throws(() => macvlan.plan(asked, { ...saw, ...seen }), { message: error })
  })
}

for (const { mode, mac, want } of [
  { mode: 'bridge', mac: undefined, want: '02:00:00:00:00:01' },
  { mode: 'bridge', mac: parseHardwareAddress('02:00:00:00:00:02'), want: '02:00:00:00:00:02' },
  { mode: 'passthru', mac: undefined, want: '02:00:00:00:00:aa' },
] as const) {
  test(`answer() of macvlan in ${mode} has the address ${want}`, () => {
    const { interfaces } = macvlan.answer({ ...request, conf: { ...conf, mode, mac } }, saw)
    deepEqual(interfaces, [
      { name: 'net1', mac: want, mtu: 1500, sandbox: '/run/netns/a', rest: {} },
    ])
  })
}
