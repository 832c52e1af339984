import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { parseHardwareAddress } from '#values/hardware-address.ts'
import { parseIfName } from '#values/if-name.ts'
import type { Link } from '#values/link.ts'
import { parseCniArgs } from '#wire/cni/args.ts'
import { MAKES_NET1, NET1, NETNS, PREVIOUS, linkNamed, requestFor } from './plugin-sample.ts'
import { stepLines } from './step-lines.ts'
import { type TuningNeeds, type TuningSaw, tuning } from './tuning.ts'
import { parseTuning, sysctlPath } from './tuning-conf.ts'

const parsed = (raw: object, args = '') =>
  parseTuning({ type: 'tuning', ...raw }, parseCniArgs(args)).conf
const NONE = parsed({})
const MACS = [1, 2, 3, 4].map((last) => parseHardwareAddress(`02:00:00:00:00:0${last}`))
const [MAC1, MAC2, MAC3, MAC4] = MACS

for (const { does, raw, args, want } of [
  {
    does: 'every key, whatever its case',
    raw: {
      Sysctl: { 'net.core.somaxconn': '500' },
      mac: MAC1,
      promisc: true,
      MTU: 1454,
      txqlen: 0,
      allmulti: false,
      dataDir: '/x',
    },
    want: {
      sysctl: { 'net.core.somaxconn': '500' },
      mac: MAC1,
      promiscuous: true,
      mtu: 1454,
      txQueueLength: 0,
      allMulticast: false,
      dataDir: '/x',
    },
  },
  { does: 'false and 0 as nothing', raw: { promisc: false, mtu: 0, mac: '' }, want: {} },
  {
    does: 'CNI_ARGS above the configuration',
    raw: { mac: MAC1 },
    args: `MAC=${MAC2}`,
    want: { mac: MAC2 },
  },
  {
    does: 'runtimeConfig above CNI_ARGS',
    raw: { mac: MAC1, runtimeConfig: { mac: MAC3 } },
    args: `MAC=${MAC2}`,
    want: { mac: MAC3 },
  },
  {
    does: 'args.cni above all, settings of it beside the others',
    raw: {
      mac: MAC1,
      mtu: 1400,
      promisc: true,
      allmulti: true,
      txQLen: 5,
      sysctl: { 'net.a.b': '1', 'net.a.c': '1' },
      runtimeConfig: { mac: MAC3 },
      args: {
        cni: {
          mac: MAC4,
          mtu: 1500,
          promisc: false,
          allmulti: false,
          txQLen: 7,
          sysctl: { 'net.a.c': '2' },
          labels: [],
        },
      },
    },
    want: {
      sysctl: { 'net.a.b': '1', 'net.a.c': '2' },
      mac: MAC4,
      mtu: 1500,
      allMulticast: false,
      txQueueLength: 7,
    },
  },
] as const) {
  test(`parse() of tuning takes ${does}`, () => {
    deepEqual(parsed(raw, args), { ...NONE, ...want })
  })
}

for (const { key, path } of [
  { key: 'net.core.somaxconn', path: 'net/core/somaxconn' },
  { key: 'net/core/somaxconn', path: 'net/core/somaxconn' },
  { key: 'net.ipv4.conf.IFNAME.arp_filter', path: 'net/ipv4/conf/eth0.5/arp_filter' },
  { key: 'net/ipv4/conf/IFNAME/arp_filter', path: 'net/ipv4/conf/eth0.5/arp_filter' },
  { key: 'net/ipv4/conf/eth0.5/arp_filter', path: 'net/ipv4/conf/eth0.5/arp_filter' },
  { key: 'net.ipv4.conf.eth0/5.arp_filter', path: 'net/ipv4/conf/eth0.5/arp_filter' },
  { key: 'net/ipv4/../core/somaxconn', path: 'net/core/somaxconn' },
  { key: 'kernel.hostname', path: undefined },
  { key: 'net/../kernel/hostname', path: undefined },
  { key: '../../etc/passwd', path: undefined },
  { key: 'net', path: undefined },
  { key: 'IFNAME', path: undefined },
  { key: '', path: undefined },
]) {
  test(`sysctlPath() of ${key || 'nothing'} is ${path ?? 'refused'}`, () => {
    const ifName = parseIfName('eth0.5')
    if (path !== undefined) equal(sysctlPath(key, ifName), path)
    else {
      throws(() => sysctlPath(key, ifName), { message: `invalid net sysctl key: "${key}"` })
    }
  })
}

const FOREIGN: TuningSaw = { link: linkNamed('net1'), ours: false, allowed: undefined, sysctls: [] }
const ALL = { mac: MAC1, promisc: true, mtu: 1454, txQLen: 7, allmulti: true }
const SET =
  'link set net1 address 02:00:00:00:00:01 promiscuous true mtu 1454 ' +
  'allMulticast true txQueueLength 7'

test('plan() of tuning sets all at once, sysctls first', () => {
  const setting = { path: 'net/core/somaxconn', value: '500', was: '4096', goes: false }
  const saw = { ...FOREIGN, sysctls: [setting] }
  const steps = tuning.plan(requestFor(parsed(ALL), { prevResult: PREVIOUS }), saw)
  deepEqual(stepLines(steps), ['sysctl net/core/somaxconn=500 was 4096', SET])
  const [, last] = steps
  deepEqual(last?.do === 'set-link' && last.was, {
    address: '02:00:00:00:00:aa',
    promiscuous: false,
    mtu: 1500,
    allMulticast: false,
    txQueueLength: 1000,
  })
})

test('plan() of tuning remembers nothing of a link that goes', () => {
  const saw = { ...FOREIGN, ours: true }
  const steps = tuning.plan(requestFor(parsed(ALL), { prevResult: PREVIOUS }), saw)
  deepEqual(
    steps.map((step) => step.do === 'set-link' && step.was),
    [undefined],
  )
})

for (const { when, conf = {}, more = {}, saw = {}, error } of [
  {
    when: 'it is the first',
    more: { prevResult: undefined },
    error: 'Required prevResult missing',
  },
  {
    when: 'there is no such link',
    saw: { link: undefined },
    error: 'failed to get "net1": Link not found',
  },
  {
    when: 'a setting does not exist',
    saw: { sysctls: [{ path: 'net/a/b', value: '1', was: undefined, goes: false }] },
    error: 'Cannot set sysctl net/a/b: it does not exist',
  },
  {
    when: 'an IPoIB link shall have an address',
    conf: { mac: MAC1 },
    saw: { link: linkNamed('net1', { arpType: 32 }) },
    error:
      'Cannot use mac 02:00:00:00:00:01 with plugin tuning: an IPoIB address is made by the kernel',
  },
  {
    when: 'a setting is on no line of the list',
    conf: { sysctl: { 'net.core.somaxconn': '1' } },
    saw: { allowed: '^net.ipv4\\..*\n\n^net.ipv6\\.\n' },
    error:
      'Sysctl net.core.somaxconn is not allowed. ' +
      'Only the following sysctls are allowed: [^net.ipv4\\..* ^net.ipv6\\.]',
  },
  {
    when: 'the list has a line that is no pattern',
    conf: { sysctl: { 'net.core.somaxconn': '1' } },
    saw: { allowed: '(' },
    error: 'failed to load netconf: /etc/cni/tuning/allowlist.conf: ( is no pattern',
  },
]) {
  test(`plan() of tuning refuses when ${when}`, () => {
    const request = requestFor(parsed(conf), { prevResult: PREVIOUS, ...more })
    throws(() => tuning.plan(request, { ...FOREIGN, ...saw }), { message: error })
  })
}

test('plan() of tuning takes a setting that a line of the list matches', () => {
  const conf = parsed({ sysctl: { 'net.core.somaxconn': '1' } })
  const sysctls = [{ path: 'net/core/somaxconn', value: '1', was: '4096', goes: false }]
  const saw = { ...FOREIGN, sysctls, allowed: 'net.core' }
  equal(tuning.plan(requestFor(conf, { prevResult: PREVIOUS }), saw).length, 1)
})

function needsOf(over: Partial<TuningNeeds>): TuningNeeds {
  return {
    link: async (_, name) => (name === NET1 ? undefined : linkNamed(name)),
    sysctl: async () => '4096',
    fileText: async () => undefined,
    ...over,
  }
}

test('observe() of tuning knows a link that is only planned, and what goes with it', async () => {
  const sysctl = { 'net.core.somaxconn': '1', 'net.ipv4.conf.IFNAME.arp_filter': '1' }
  const request = requestFor(parsed({ sysctl }), { planned: MAKES_NET1 })
  const saw = await tuning.observe(request, needsOf({}))
  deepEqual([saw.ours, saw.link?.name, saw.link?.mtu], [true, 'net1', 1500])
  deepEqual(
    saw.sysctls.map(({ path, was, goes }) => [path, was, goes]),
    [
      ['net/core/somaxconn', '4096', false],
      ['net/ipv4/conf/net1/arp_filter', undefined, true],
    ],
  )
  const path = 'net/core/somaxconn'
  const planned = [...MAKES_NET1, { do: 'set-sysctl', where: NETNS, path, value: '9', was: '4096' }]
  const later = await tuning.observe({ ...request, planned: planned as never }, needsOf({}))
  equal(later.sysctls[0]?.was, '9', 'a setting that the plan changes before')
})

test('answer() of tuning tells the address and the MTU that it set', () => {
  const request = requestFor(parsed({ mac: MAC1, mtu: 1400 }), { prevResult: PREVIOUS })
  const { interfaces, ...rest } = tuning.answer(request, FOREIGN)
  deepEqual(interfaces, [{ ...PREVIOUS.interfaces[0], mac: MAC1, mtu: 1400 }])
  deepEqual({ ...rest, interfaces: PREVIOUS.interfaces }, PREVIOUS)
  const untold = {
    ...PREVIOUS,
    interfaces: [{ name: NET1, mac: MAC2, mtu: undefined, sandbox: NETNS, rest: {} }],
  }
  deepEqual(
    tuning.answer({ ...request, prevResult: untold }, FOREIGN).interfaces[0]?.mtu,
    undefined,
  )
})

test('check() of tuning names every setting that is not as it was made', async () => {
  const conf = parsed({ ...ALL, sysctl: { 'net.core.somaxconn': '1  2' } })
  const link = async (): Promise<Link> => linkNamed('net1', { mtu: 1454 })
  const faults = await tuning.check(
    requestFor(conf, { prevResult: PREVIOUS }),
    needsOf({ link, sysctl: async () => '1\t2' }),
  )
  deepEqual(
    faults.map(({ message }) => message),
    [
      'Interface net1 has address 02:00:00:00:00:aa, not 02:00:00:00:00:01',
      'Interface net1 has promiscuous false, not true',
      'Interface net1 has allMulticast false, not true',
      'Interface net1 has txQueueLength 1000, not 7',
    ],
  )
  const [gone] = await tuning.check(requestFor(conf, { prevResult: PREVIOUS }), needsOf({}))
  equal(gone?.message, 'Interface net1 is not in /run/netns/a')
})

test('observeDetach() of tuning puts back what the replaced plugin wrote down', async () => {
  const request = {
    conf: NONE,
    netns: NETNS,
    ifName: NET1,
    containerId: 'c1',
    prevResult: undefined,
  }
  const asked: string[] = []
  const file = { mac: MAC2, promisc: false, mtu: 1500, allmulti: false, txQLen: 1000 }
  const detach = (text: string | undefined) =>
    tuning.observeDetach?.(request, {
      link: async () => linkNamed('net1', { mtu: 1454, promiscuous: true }),
      sysctl: async () => undefined,
      fileText: async (path) => {
        asked.push(path)
        return text
      },
    })
  deepEqual(stepLines((await detach(JSON.stringify(file))) ?? []), [
    'link set net1 address 02:00:00:00:00:02 promiscuous false mtu 1500 ' +
      'allMulticast false txQueueLength 1000',
  ])
  for (const text of [undefined, '', '[]', '{}', '{"mac":"x","mtu":"y"}']) {
    deepEqual(await detach(text), [])
  }
  deepEqual(new Set(asked), new Set(['/run/cni/tuning/c1_net1.json']))
})
