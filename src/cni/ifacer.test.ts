import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { EMPTY_RESULT } from '#wire/cni/empty-result.ts'
import { parseBondOptions } from './bond-options.ts'
import { ifacer } from './ifacer.ts'
import { PREVIOUS, linkNamed, requestFor } from './plugin-sample.ts'
import { stepLines } from './step-lines.ts'

const conf = (raw: object) => ifacer.parse({ type: 'ifacer', ...raw }).conf
const LINKS = [linkNamed('ens1'), linkNamed('ens2')]
const TWO = { interfaces: ['ens1', 'ens2'] }

for (const { does, raw, lines } of [
  {
    does: 'makes a VLAN of one interface',
    raw: { interfaces: ['ens1'], vlanID: 200 },
    lines: ['host: link share ens1.200 kind vlan on ens1 id 200'],
  },
  { does: 'makes nothing of one interface alone', raw: { interfaces: ['ens1'] }, lines: [] },
  {
    does: 'joins two to a bond that it names itself',
    raw: { ...TWO, bond: {} },
    lines: ['host: link share sp_bond0 kind bond mode balance-rr ports ens1,ens2'],
  },
  {
    does: 'makes a VLAN of a bond with its options',
    raw: {
      vlanID: 300,
      ...TWO,
      bond: {
        name: 'bond7',
        mode: 4,
        options: 'miimon=100;lacp_rate=fast;xmit_hash_policy=layer3+4',
      },
    },
    lines: [
      'host: link share bond7 kind bond mode 802.3ad ports ens1,ens2 miimon 100 lacp_rate 1 ' +
        'xmit_hash_policy 1',
      'host: link share bond7.300 kind vlan on bond7 id 300',
    ],
  },
]) {
  test(`plan() of ifacer ${does}`, () => {
    deepEqual(stepLines(ifacer.plan(requestFor(conf(raw)), { links: LINKS })), lines)
  })
}

for (const { text, want } of [
  { text: undefined, want: {} },
  { text: '', want: {} },
  { text: 'miimon=100', want: { options: { miimon: 100 } } },
  {
    text: 'downdelay=400; up_delay=200 ;lacp_rate=1;',
    want: { options: { downdelay: 400, updelay: 200, lacp_rate: 1 } },
  },
  {
    text: 'arp_interval=100;arp_ip_target=[10.0.0.1,10.0.0.2];primary=ens1',
    want: {
      options: { arp_interval: 100 },
      arpTargets: ['10.0.0.1', '10.0.0.2'],
      primary: 'ens1',
    },
  },
]) {
  test(`parseBondOptions() reads ${JSON.stringify(text)}`, () => {
    deepEqual(parseBondOptions(text), { options: {}, arpTargets: [], primary: undefined, ...want })
  })
}

for (const { raw, error } of [
  { raw: {}, error: 'Cannot read interfaces: there is none' },
  { raw: { interfaces: [] }, error: 'Cannot read interfaces: there is none' },
  {
    raw: { interfaces: ['ens1'], vlanID: 4095 },
    error: 'Cannot use vlanID 4095: it must be in the range 0 to 4094',
  },
  { raw: TWO, error: 'Cannot join several interfaces: bond is not there' },
  {
    raw: { ...TWO, bond: { mode: 7 } },
    error: 'Cannot use bond mode 7: it must be in the range 0 to 6',
  },
  {
    raw: { ...TWO, bond: { options: 'colour=red' } },
    error: 'Cannot use bond option colour red: no such option is known',
  },
  {
    raw: { ...TWO, bond: { options: 'miimon=often' } },
    error: 'Cannot use bond option miimon often: it must be a number',
  },
  {
    raw: { ...TWO, bond: { options: 'lacp_rate=never' } },
    error: 'Cannot use bond option lacp_rate never: it must be a number, or one of slow, fast',
  },
]) {
  test(`parse() of ifacer refuses ${JSON.stringify(raw)}`, () => {
    throws(() => conf(raw), { message: error })
  })
}

const VLAN = { interfaces: ['ens1'], vlanID: 200 }
for (const { when, raw, links, error } of [
  {
    when: 'an interface is missing',
    raw: { interfaces: ['ens9'], vlanID: 5 },
    links: LINKS,
    error: 'failed to lookup master "ens9": Link not found',
  },
  {
    when: 'an interface is IPoIB',
    raw: VLAN,
    links: [linkNamed('ens1', { arpType: 32 })],
    error: 'Cannot make a VLAN or bond on ens1: it is not an Ethernet interface',
  },
  {
    when: 'a link of the name is another kind',
    raw: { ...TWO, bond: { name: 'br0' } },
    links: [...LINKS, linkNamed('br0', { kind: { kind: 'bridge' } })],
    error: 'Cannot make bond br0: there is a bridge of that name',
  },
  {
    when: 'the number is on another link',
    raw: VLAN,
    links: [...LINKS, linkNamed('vlan200', { kind: { kind: 'vlan', id: 200 } })],
    error: 'Cannot make ens1.200: VLAN 200 is vlan200 on this node',
  },
  {
    when: 'the name gets too long',
    raw: { interfaces: ['enp0s31f6np0x'], vlanID: 200 },
    links: [linkNamed('enp0s31f6np0x')],
    error: 'Cannot make enp0s31f6np0x.200: interface name should be less than 16 characters',
  },
]) {
  test(`plan() of ifacer refuses when ${when}`, () => {
    throws(() => ifacer.plan(requestFor(conf(raw)), { links }), { message: error })
  })
}

test('answer() of ifacer is empty, or what came before it', () => {
  const saw = { links: LINKS }
  equal(ifacer.answer(requestFor(conf(VLAN)), saw), EMPTY_RESULT)
  equal(ifacer.answer(requestFor(conf(VLAN), { prevResult: PREVIOUS }), saw), PREVIOUS)
})

test('check() of ifacer wants the link, up; DEL leaves it', async () => {
  const check = async (links: typeof LINKS) =>
    (await ifacer.check(requestFor(conf(VLAN)), { links: async () => links })).map((f) => f.message)
  deepEqual(await check(LINKS), ['Interface ens1.200 is not in host'])
  deepEqual(await check([linkNamed('ens1.200')]), [])
  deepEqual(await check([linkNamed('ens1.200', { up: false })]), [
    'Interface ens1.200 has state down, not up',
  ])
  deepEqual(ifacer.planDetach({ conf: conf(VLAN) } as never), [])
})
