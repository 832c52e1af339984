import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { parseIfName } from '#values/if-name.ts'
import { parseCidr } from '#values/cidr.ts'
import { parseIp } from '#values/ip.ts'
import type { Link } from '#values/link.ts'
import type { Route } from '#values/route.ts'
import { randomMac } from './mac.ts'
import { type MacvlanNeeds, macvlan } from './macvlan.ts'
import { master, random, saw, conf, request } from './macvlan-sample.ts'

const route: Route = {
  dst: parseCidr('0.0.0.0/0'),
  via: parseIp('10.0.0.1'),
  dev: master.name,
  table: 254,
  scope: 'global',
  src: undefined,
  priority: 100,
  onlink: false,
  protocol: 3,
}
const other = parseIfName('ens2')
for (const { does, routes, name } of [
  {
    does: 'takes the default route with the lowest metric',
    routes: [{ ...route, dev: other, priority: 200 }, route],
    name: 'ens1',
  },
  {
    does: 'takes a default route without metric first',
    routes: [route, { ...route, dev: other, priority: undefined }],
    name: 'ens2',
  },
  {
    does: 'looks at no other table or network',
    routes: [
      { ...route, table: 100 },
      { ...route, dst: parseCidr('10.0.0.0/8') },
    ],
    name: undefined,
  },
  {
    does: 'takes that of IPv6 where IPv4 has none',
    routes: [{ ...route, dst: parseCidr('::/0'), via: parseIp('fd00::1') }],
    name: 'ens1',
  },
]) {
  test(`observe() of macvlan ${does}`, async () => {
    const needs: MacvlanNeeds = {
      below: () => 255,
      link: async (where) => (where === 'host' ? master : undefined),
      addresses: async () => [],
      routes: async () => routes,
      sysctl: async () => '0',
    }
    const seen = await macvlan.observe({ ...request, conf: { ...conf, master: undefined } }, needs)
    equal(seen.name, name)
    equal(seen.random, 'fe:ff:ff:ff:ff:ff')
  })
}

test('randomMac() is local and of one station', () => {
  equal(randomMac({ below: () => 1 }), '02:01:01:01:01:01')
  equal(randomMac({ below: () => 255 }), 'fe:ff:ff:ff:ff:ff')
})

test('check() of macvlan tells a master that is gone, and another mode', async () => {
  const prevResult = macvlan.answer(request, saw)
  const link: Link = {
    ...master,
    name: request.ifName,
    kind: { kind: 'macvlan', mode: 'vepa' },
    address: random,
  }
  const failures = await macvlan.check(
    { ...request, prevResult },
    {
      below: () => 0,
      link: async (where) => (where === 'host' ? undefined : link),
      addresses: async () => [],
      routes: async () => [],
      sysctl: async () => undefined,
    },
  )
  deepEqual(
    failures.map(({ message }) => message),
    ['failed to lookup master "ens1": Link not found', 'Interface net1 has mode vepa, not bridge'],
  )
})

for (const { when, prevResult, message } of [
  { when: 'there is none', prevResult: undefined, message: 'required prevResult missing' },
  {
    when: 'it names another namespace',
    prevResult: {
      ...macvlan.answer(request, saw),
      interfaces: [
        { name: request.ifName, mac: undefined, mtu: undefined, sandbox: '/run/netns/b', rest: {} },
      ],
    },
    message: "sandbox in prevResult /run/netns/b doesn't match configured netns: /run/netns/a",
  },
  {
    when: 'it does not name the interface',
    prevResult: { ...macvlan.answer(request, saw), interfaces: [] },
    message: 'Interface net1 is not in prevResult',
  },
]) {
  test(`check() of macvlan looks at prevResult: ${when}`, async () => {
    const failures = await macvlan.check(
      { ...request, prevResult },
      {
        below: () => 0,
        link: async () => master,
        addresses: async () => [],
        routes: async () => [],
        sysctl: async () => undefined,
      },
    )
    deepEqual(
      failures.map((failure) => failure.message),
      [message],
    )
  })
}
