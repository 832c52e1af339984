import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { parseCidr } from '#values/cidr.ts'
import { parseIp } from '#values/ip.ts'
import { VERBENA_PROTOCOL } from '#values/mark.ts'
import type { LinkAddress, Route, Rule } from '#values/route.ts'
import type { Step } from '#values/step.ts'
import { MAKES_NET1, NET1, NETNS, PREVIOUS, requestFor } from './plugin-sample.ts'
import { type SbrConf, type SbrSaw, sbr } from './sbr.ts'
import { stepLines } from './step-lines.ts'

const conf = (raw: object = {}): SbrConf => sbr.parse({ type: 'sbr', ...raw }).conf
const KERNEL: Pick<Route, 'via' | 'table' | 'priority' | 'onlink' | 'protocol'> = {
  via: undefined,
  table: 254,
  priority: undefined,
  onlink: false,
  protocol: 2,
}
const V4: Route = {
  ...KERNEL,
  dst: parseCidr('10.1.0.0/24'),
  dev: NET1,
  scope: 'link',
  src: parseIp('10.1.0.5'),
}
const V6: Route = {
  ...KERNEL,
  dst: parseCidr('fd01::/64'),
  dev: NET1,
  scope: 'global',
  src: undefined,
  priority: 256,
}
const OUT: Route = {
  ...V4,
  dst: parseCidr('0.0.0.0/0'),
  via: parseIp('10.1.0.1'),
  scope: 'global',
  src: undefined,
  protocol: VERBENA_PROTOCOL,
}
const LOCAL: Route = { ...V6, dst: parseCidr('fe80::/64') }
const RULE: Rule = {
  family: 4,
  priority: 32766,
  from: undefined,
  to: undefined,
  fwmark: undefined,
  table: 254,
  protocol: 2,
}
const THERE: SbrSaw = { routes: [V4, V6, OUT, LOCAL], rules: [RULE] }
const RULES = [
  'rule add pref undefined from 10.1.0.5/32 lookup 100 proto 118',
  'rule add pref undefined from fd01::5/128 lookup 101 proto 118',
]
const V4_COPY = 'route add 10.1.0.0/24 dev net1 src 10.1.0.5 table 100 scope link proto 118'
const V6_COPY = 'route add fd01::/64 dev net1 table 101 scope global metric 256 proto 118'
const OUT_COPY = 'route add 0.0.0.0/0 via 10.1.0.1 dev net1 table 100 scope global proto 118'
const GONE = [
  'route del 10.1.0.0/24 dev net1 src 10.1.0.5 table 254 scope link proto 2',
  'route del fd01::/64 dev net1 table 254 scope global metric 256 proto 2',
]
const OUT_GONE = 'route del 0.0.0.0/0 via 10.1.0.1 dev net1 table 254 scope global proto 118'
const request = (raw: object = {}, more: object = {}) =>
  requestFor(conf(raw), { prevResult: PREVIOUS, ...more })

test('plan() of sbr leads each address to a table of its own, which has its routes', () => {
  deepEqual(stepLines(sbr.plan(request(), THERE)), [
    ...RULES,
    V4_COPY,
    OUT_COPY,
    V6_COPY,
    OUT_GONE,
    ...GONE,
  ])
})

test('plan() of sbr is the same for an interface that is only planned', () => {
  const planned: Step[] = [...MAKES_NET1, { do: 'add-route', where: NETNS, route: OUT }]
  const saw = { routes: [], rules: [RULE] }
  const steps = sbr.plan(request({}, { planned }), saw)
  deepEqual(stepLines(steps), stepLines(sbr.plan(request(), THERE)))
})

for (const { does, raw, routes = THERE.routes, lines } of [
  {
    does: 'takes a gateway of its own for the family that has it',
    raw: { gateways: ['10.1.0.99', 'fd01::99'] },
    routes: [V4, V6],
    lines: [
      ...RULES,
      V4_COPY,
      'route add 0.0.0.0/0 via 10.1.0.99 dev net1 table 100 scope global proto 118',
      V6_COPY,
      'route add ::/0 via fd01::99 dev net1 table 101 scope global proto 118',
      ...GONE,
    ],
  },
  {
    does: 'with hints leaves the networks in the main table, with their source',
    raw: { addSourceHints: true },
    lines: [
      ...RULES,
      V4_COPY,
      OUT_COPY,
      V6_COPY,
      OUT_GONE,
      GONE[1],
      'route add fd01::/64 dev net1 src fd01::5 table 254 scope global metric 256 proto 118',
    ],
  },
  {
    does: 'into a given table only leads there',
    raw: { table: 77 },
    lines: RULES.map((line) => line.replace(/lookup \d+/, 'lookup 77')),
  },
]) {
  test(`plan() of sbr ${does}`, () => {
    deepEqual(stepLines(sbr.plan(request(raw), { ...THERE, routes })), lines)
  })
}

test('plan() of sbr takes the first tables that nobody has, planned ones too', () => {
  const route = { ...V4, table: 102 }
  const planned: Step[] = [{ do: 'add-rule', where: NETNS, rule: { ...RULE, table: 101 } }]
  const saw = { routes: [route], rules: [RULE, { ...RULE, table: 100 }] }
  const lines = stepLines(sbr.plan(request({}, { planned }), saw))
  deepEqual(
    lines.slice(0, 2).map((line) => /lookup (\d+)/.exec(line)?.[1]),
    ['103', '104'],
  )
})

test('plan() of sbr copies what leads by the network of the address alone', () => {
  const dst = parseCidr('10.9.0.0/16')
  const other: Route = { ...OUT, dst, via: parseIp('10.2.0.1') }
  const own: Route = { ...OUT, dst, via: parseIp('10.1.0.9') }
  const lines = stepLines(sbr.plan(request(), { ...THERE, routes: [V4, other, own] }))
  equal(lines.filter((line) => line.startsWith('route add 10.9.0.0/16')).length, 1)
  equal(lines.filter((line) => line.startsWith('route del 10.9.0.0/16')).length, 2)
})

test('answer() of sbr is the result before it', () => {
  equal(sbr.answer(request(), THERE), PREVIOUS)
})

for (const { more, error } of [
  { more: { prevResult: undefined }, error: 'This plugin must be called as chained plugin' },
  {
    more: { prevResult: { ...PREVIOUS, ips: [] } },
    error: 'No IP addresses supplied on interface: net1',
  },
  {
    more: { prevResult: { ...PREVIOUS, interfaces: [] } },
    error: 'No IP addresses supplied on interface: net1',
  },
]) {
  test(`plan() of sbr refuses with ${error}`, () => {
    throws(() => sbr.plan(request({}, more), THERE), { message: error })
  })
}

for (const { raw, error } of [
  {
    raw: { gateways: ['10.0.0.1', '10.0.0.2', 'fd00::1'] },
    error: 'gateways list cannot contain more than 2 entries (one IPv4, one IPv6)',
  },
  { raw: { gateways: ['here'] }, error: 'invalid static gateway IP address: here' },
  {
    raw: { gateways: ['10.0.0.1', '10.0.0.2'] },
    error: 'Cannot use gateways 10.0.0.1 10.0.0.2: one of each family at most',
  },
]) {
  test(`parse() of sbr refuses ${JSON.stringify(raw)}`, () => {
    throws(() => conf(raw), { message: error })
  })
}

test('check() of sbr names a rule that is gone', async () => {
  const needs = {
    link: async () => undefined,
    routes: async () => [],
    addresses: async () => [],
    rules: async () => [{ ...RULE, from: parseCidr('10.1.0.5/32'), table: 100 }],
  }
  const faults = await sbr.check(request(), needs)
  deepEqual(
    faults.map(({ message }) => message),
    ['Rule from fd01::5/128 is missing in /run/netns/a'],
  )
  equal((await sbr.check(request({ table: 7 }), needs)).length, 2)
})

test('observeDetach() of sbr takes the rules that begin at addresses of the link', async () => {
  const from = (cidr: string, table: number): Rule => ({
    ...RULE,
    from: parseCidr(cidr),
    table,
    protocol: 3,
  })
  const rules = [RULE, from('10.1.0.5/32', 100), from('10.1.0.5/32', 7), from('10.2.0.5/32', 101)]
  const there: LinkAddress = {
    link: NET1,
    cidr: parseCidr('10.1.0.5/24'),
    scope: 'global',
    duplicate: false,
    tentative: false,
  }
  const about = { netns: NETNS, ifName: NET1, containerId: 'c1' }
  const detach = async (raw: object, addresses: LinkAddress[], prevResult = PREVIOUS) => {
    const needs = {
      link: async () => undefined,
      routes: async () => [],
      rules: async () => rules,
      addresses: async () => addresses,
    }
    const steps = await sbr.observeDetach?.({ ...about, conf: conf(raw), prevResult }, needs)
    return stepLines(steps ?? []).map((line) => line.replace(/^rule del pref 32766 /, ''))
  }
  const [one, two] = ['from 10.1.0.5/32 lookup 100 proto 3', 'from 10.1.0.5/32 lookup 7 proto 3']
  deepEqual(await detach({}, [there]), [one, two])
  deepEqual(await detach({ table: 7 }, [there]), [two])
  deepEqual(await detach({}, []), [one, two], 'the link is gone, the result tells')
  deepEqual(await detach({}, [], { ...PREVIOUS, ips: [] }), [])
})
